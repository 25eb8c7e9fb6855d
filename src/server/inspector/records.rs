//! What records say, of themselves and of each other, looked at one at a time. Of the certificates only the
//! revoked ones are kept in memory, a few words each.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest as _, Sha256};

use crate::admin::records::{IdempotencyRecord, TokenRecord};
use crate::ca::import::records::{ImportRecord, ImportedRevocationRecord};
use crate::ca::records::{
    BaseCrlRecord, CaRecord, CaRevocationRecord, CertificateRecord, CompromisedKeyRecord, CrlRecord,
    CrlSettingsRecord, RevocationRecord, Scope, Status,
};
use crate::ca::renewal::records::{RenewalBook, RenewalRecord};
use crate::ca::rollover::records::RolloverRecord;
use crate::clock::Timestamp;
use crate::device::campaign::{CampaignRecord, MemberRecord, NewsRecord};
use crate::device::ledger::LedgerRecord;
use crate::device::records::{DeviceRecord, StepRecord};
use crate::enrol::offline::records::OfflineRequestRecord;
use crate::enrol::records::{ChallengeRecord, ReplyPasswordRecord, RequestRecord, TransactionRecord};
use crate::enrol::refused::{MessageRecord, RefusedRecord};
use crate::error::{Error, Result};
use crate::id::{CaId, RecordId, Serial};
use crate::notice::records::{LookRecord, NoticeRecord};
use crate::server::records::{HeadRecord, IdentityRecord};
use crate::storage::Report;
use crate::store::{Envelope, Record, Snapshot, Stored};
use crate::task::TaskRecord;
use crate::trust::records::{AnchorRecord, ClusterRecord, RecoveryRecord, ReleaseRecord};
use crate::x509::cert::Certificate;

/// The kinds that this program writes.
const KNOWN: &[u8] = &[
    CertificateRecord::KIND.id,
    RevocationRecord::KIND.id,
    CaRecord::KIND.id,
    RolloverRecord::KIND.id,
    CaRevocationRecord::KIND.id,
    CompromisedKeyRecord::KIND.id,
    CrlRecord::KIND.id,
    CrlSettingsRecord::KIND.id,
    BaseCrlRecord::KIND.id,
    ImportedRevocationRecord::KIND.id,
    ImportRecord::KIND.id,
    RenewalRecord::KIND.id,
    RenewalBook::KIND.id,
    ChallengeRecord::KIND.id,
    TransactionRecord::KIND.id,
    RequestRecord::KIND.id,
    ReplyPasswordRecord::KIND.id,
    RefusedRecord::KIND.id,
    MessageRecord::KIND.id,
    TokenRecord::KIND.id,
    IdempotencyRecord::KIND.id,
    IdentityRecord::KIND.id,
    HeadRecord::KIND.id,
    TaskRecord::KIND.id,
    NoticeRecord::KIND.id,
    LookRecord::KIND.id,
    CampaignRecord::KIND.id,
    MemberRecord::KIND.id,
    NewsRecord::KIND.id,
    DeviceRecord::KIND.id,
    AnchorRecord::KIND.id,
    ClusterRecord::KIND.id,
    ReleaseRecord::KIND.id,
    RecoveryRecord::KIND.id,
    StepRecord::KIND.id,
    OfflineRequestRecord::KIND.id,
    LedgerRecord::KIND.id,
];

/// What was seen so far, where another record must agree with it.
#[derive(Default)]
pub(super) struct Records {
    /// Serial numbers of the CAs' certificates, each with its issuer (DER) and its CA.
    ca_serials: HashMap<Serial, Vec<(Vec<u8>, CaId)>>,
    /// When the last complete CRL of each scope was made: what expired before may have left the revocations.
    last_crl: HashMap<Scope, Timestamp>,
    /// Revoked certificates whose revocation was not met yet.
    revoked: HashMap<RecordId, Revoked>,
    findings: Vec<String>,
}

struct Revoked {
    said: u64,
    may_be_gone: bool,
}

impl Records {
    /// Reads the CAs and their CRLs, which are few. One that cannot be read becomes a finding later.
    pub(super) fn begin(snapshot: &dyn Snapshot) -> Result<Self> {
        let mut seen = Self::default();
        let read = snapshot.records(CaRecord::KIND.id, &mut |envelope, _| {
            if let Ok(stored) = Stored::<CaRecord>::open(&envelope) {
                seen.ca(&stored.value);
            }
            Ok(())
        });
        let read = read.and_then(|()| {
            snapshot.records(CrlRecord::KIND.id, &mut |envelope, _| {
                if let Ok(Stored { value, .. }) = Stored::<CrlRecord>::open(&envelope)
                    && value.base.is_none()
                {
                    seen.last_crl.insert(value.scope(), value.this_update);
                }
                Ok(())
            })
        });
        let read = read.and_then(|()| {
            snapshot.records(CaRevocationRecord::KIND.id, &mut |envelope, _| {
                if let Ok(Stored { value, .. }) = Stored::<CaRevocationRecord>::open(&envelope) {
                    seen.ca_revocation(&value);
                }
                Ok(())
            })
        });
        // A damaged row is named by the check itself.
        read.or_else(|e| if e.code() == "storage" { Ok(()) } else { Err(e) })?;
        Ok(seen)
    }

    /// Whether a record can be read, stands where it says and is listed in its indexes, and whether it agrees
    /// with those seen before. Certificates come before revocations: their kind has the lower number.
    pub(super) fn look(&mut self, kind: u8, envelope: &Envelope, listed: &[(u8, Vec<u8>)]) -> Result<()> {
        match kind {
            k if k == CertificateRecord::KIND.id => self.certificate(&read(envelope, listed)?),
            k if k == RevocationRecord::KIND.id => self.revocation(&read(envelope, listed)?),
            k if k == CaRecord::KIND.id => read::<CaRecord>(envelope, listed).map(drop),
            k if k == RolloverRecord::KIND.id => read::<RolloverRecord>(envelope, listed).map(drop),
            k if k == CaRevocationRecord::KIND.id => read::<CaRevocationRecord>(envelope, listed).map(drop),
            k if k == CompromisedKeyRecord::KIND.id => {
                read::<CompromisedKeyRecord>(envelope, listed).map(drop)
            }
            k if k == CrlRecord::KIND.id => read::<CrlRecord>(envelope, listed).map(drop),
            k if k == CrlSettingsRecord::KIND.id => read::<CrlSettingsRecord>(envelope, listed).map(drop),
            k if k == BaseCrlRecord::KIND.id => read::<BaseCrlRecord>(envelope, listed).map(drop),
            k if k == ImportedRevocationRecord::KIND.id => {
                read::<ImportedRevocationRecord>(envelope, listed).map(drop)
            }
            k if k == ImportRecord::KIND.id => read::<ImportRecord>(envelope, listed).map(drop),
            k if k == RenewalRecord::KIND.id => read::<RenewalRecord>(envelope, listed).map(drop),
            k if k == RenewalBook::KIND.id => read::<RenewalBook>(envelope, listed).map(drop),
            k if k == ChallengeRecord::KIND.id => read::<ChallengeRecord>(envelope, listed).map(drop),
            k if k == TransactionRecord::KIND.id => read::<TransactionRecord>(envelope, listed).map(drop),
            k if k == RequestRecord::KIND.id => read::<RequestRecord>(envelope, listed).map(drop),
            k if k == ReplyPasswordRecord::KIND.id => read::<ReplyPasswordRecord>(envelope, listed).map(drop),
            k if k == RefusedRecord::KIND.id => read::<RefusedRecord>(envelope, listed).map(drop),
            k if k == MessageRecord::KIND.id => read::<MessageRecord>(envelope, listed).map(drop),
            k if k == TokenRecord::KIND.id => read::<TokenRecord>(envelope, listed).map(drop),
            k if k == IdempotencyRecord::KIND.id => read::<IdempotencyRecord>(envelope, listed).map(drop),
            k if k == IdentityRecord::KIND.id => read::<IdentityRecord>(envelope, listed).map(drop),
            k if k == HeadRecord::KIND.id => read::<HeadRecord>(envelope, listed).map(drop),
            k if k == TaskRecord::KIND.id => read::<TaskRecord>(envelope, listed).map(drop),
            k if k == NoticeRecord::KIND.id => read::<NoticeRecord>(envelope, listed).map(drop),
            k if k == LookRecord::KIND.id => read::<LookRecord>(envelope, listed).map(drop),
            k if k == AnchorRecord::KIND.id => anchor(&read(envelope, listed)?),
            k if k == ClusterRecord::KIND.id => read::<ClusterRecord>(envelope, listed).map(drop),
            k if k == ReleaseRecord::KIND.id => release(&read(envelope, listed)?),
            k if k == RecoveryRecord::KIND.id => read::<RecoveryRecord>(envelope, listed).map(drop),
            k if k == CampaignRecord::KIND.id => read::<CampaignRecord>(envelope, listed).map(drop),
            k if k == MemberRecord::KIND.id => read::<MemberRecord>(envelope, listed).map(drop),
            k if k == NewsRecord::KIND.id => read::<NewsRecord>(envelope, listed).map(drop),
            k if k == DeviceRecord::KIND.id => read::<DeviceRecord>(envelope, listed).map(drop),
            k if k == StepRecord::KIND.id => read::<StepRecord>(envelope, listed).map(drop),
            k if k == OfflineRequestRecord::KIND.id => {
                read::<OfflineRequestRecord>(envelope, listed).map(drop)
            }
            k if k == LedgerRecord::KIND.id => read::<LedgerRecord>(envelope, listed).map(drop),
            // Named once for the whole kind, at the end.
            _ => Ok(()),
        }
    }

    /// What only shows once everything was seen. Errors: `storage`.
    pub(super) fn end(self, snapshot: &dyn Snapshot, report: &mut Report) -> Result<()> {
        self.findings.into_iter().for_each(|finding| report.find(finding));
        for (id, _) in self.revoked.iter().filter(|(_, revoked)| !revoked.may_be_gone) {
            report.find(format!(
                "certificate {id} is revoked and unexpired, but its revocation is missing: the next CRL would \
                 leave it out"
            ));
        }
        for kind in snapshot.kinds()?.into_iter().filter(|kind| !KNOWN.contains(kind)) {
            report.find(format!("kind {kind} is not known to this program: its records were not looked at"));
        }
        Ok(())
    }

    fn ca(&mut self, record: &CaRecord) {
        let Some(certificate) = record.certificate.as_deref().and_then(|der| Certificate::from_der(der).ok())
        else {
            return;
        };
        if let Some(other) = self.ca_of(&certificate) {
            let serial = certificate.serial();
            self.findings.push(format!("the CAs {other} and {} share the serial number {serial}", record.id));
        }
        let place = (certificate.issuer().der().to_vec(), record.id.clone());
        self.ca_serials.entry(certificate.serial().clone()).or_default().push(place);
    }

    /// Its row stands among the revocations of its parent.
    fn ca_revocation(&mut self, record: &CaRevocationRecord) {
        if let Some(row) = record.row() {
            let scope = Scope { ca: row.ca.clone(), shard: row.shard };
            let may_be_gone = self.last_crl.get(&scope).is_some_and(|made| row.not_after < *made);
            self.revoked.insert(row.certificate, Revoked { said: said(&row), may_be_gone });
        }
    }

    /// The CA that has a certificate of the same issuer and serial number.
    fn ca_of(&self, certificate: &Certificate) -> Option<&CaId> {
        let same = self.ca_serials.get(certificate.serial())?;
        same.iter().find(|(issuer, _)| issuer == certificate.issuer().der()).map(|(_, ca)| ca)
    }

    fn certificate(&mut self, record: &CertificateRecord) -> Result<()> {
        if let Status::Revoked { at, reason, invalidity } = record.status {
            let scope = Scope { ca: record.ca.clone(), shard: record.shard };
            let may_be_gone = self.last_crl.get(&scope).is_some_and(|made| record.not_after < *made);
            let said = said(&RevocationRecord::of(record, at, reason, invalidity));
            self.revoked.insert(record.id, Revoked { said, may_be_gone });
        }
        let certificate = Certificate::from_der(&record.der)?;
        if certificate.serial() != &record.serial || certificate.fingerprint() != record.fingerprint {
            return Err(Error::storage("serial or fingerprint is not the certificate's"));
        }
        match self.ca_of(&certificate) {
            None => Ok(()),
            Some(ca) => Err(Error::storage(format!("its serial number is also that of the CA {ca}"))),
        }
    }

    fn revocation(&mut self, row: &RevocationRecord) -> Result<()> {
        let said = said(row);
        match self.revoked.remove(&row.certificate) {
            None => Err(Error::storage(format!("the certificate {} is not revoked", row.certificate))),
            Some(revoked) if revoked.said != said => {
                Err(Error::storage(format!("the certificate {} says something else of it", row.certificate)))
            }
            Some(_) => Ok(()),
        }
    }
}

/// What a certificate and its revocation must say alike, in brief.
fn said(row: &RevocationRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    let RevocationRecord { ca, certificate: _, serial, at, reason, not_after, shard, invalidity } = row;
    (ca, serial, at, reason, not_after, shard, invalidity).hash(&mut hasher);
    hasher.finish()
}

fn anchor(record: &AnchorRecord) -> Result<()> {
    if record.read()?.fingerprint() == record.fingerprint && !record.roles.is_empty() {
        return Ok(());
    }
    Err(Error::storage("its fingerprint is not the certificate's, or it has no role"))
}

fn release(record: &ReleaseRecord) -> Result<()> {
    if <[u8; 32]>::from(Sha256::digest(&record.file)) == record.file_hash {
        return Ok(());
    }
    Err(Error::storage("its file is not the one that was published"))
}

fn read<R: Record>(envelope: &Envelope, listed: &[(u8, Vec<u8>)]) -> Result<R> {
    let record = Stored::<R>::open(envelope)?.value;
    if record.key() != envelope.key {
        return Err(Error::storage("it stands under another key"));
    }
    let mut indexes: Vec<_> = record.indexes().into_iter().map(|entry| (entry.index.id, entry.key)).collect();
    indexes.sort();
    indexes.dedup();
    if indexes == listed {
        Ok(record)
    } else {
        Err(Error::storage("its index keys are not those it must have"))
    }
}
