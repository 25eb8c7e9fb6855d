//! Looks into the store as a whole: for `audit verify` and `check`.

use crate::admin::Inspector;
use crate::admin::api::audit::{AuditFinding, SignedHead, Verified};
use crate::admin::api::check::Checked;
use crate::admin::records::TokenRecord;
use crate::ca::records::{CaRecord, CertificateRecord, CompromisedKeyRecord, CrlRecord, RevocationRecord};
use crate::enrol::records::{ChallengeRecord, RequestRecord, TransactionRecord};
use crate::error::{Error, Result};
use crate::server::heads;
use crate::server::records::{HeadRecord, IdentityRecord};
use crate::storage::{Report, check::check, verify};
use crate::store::{Db, Envelope, Record, Stored};
use crate::x509::cert::Certificate;
use crate::x509::key::PublicKey;

/// Looks into a store whose heads `key` signs.
pub struct StoreInspector {
    db: Db,
    key: PublicKey,
    runtime: tokio::runtime::Handle,
}

impl StoreInspector {
    /// Made inside the runtime that the store's reads are driven by.
    pub fn new(db: Db, key: PublicKey) -> Self {
        Self { db, key, runtime: tokio::runtime::Handle::current() }
    }

    /// The kept head, then the chain: a log that was cut before `head` is named as cut.
    fn verify_against(&self, head: Option<&SignedHead>) -> Result<Report> {
        let snapshot = self.db.raw().snapshot()?;
        let mut report = verify::verify_chain(&*snapshot)?;
        if let Some(signed) = head {
            match heads::verify(signed, &self.key) {
                Ok(kept) => report.append(verify::compare_head(&*snapshot, kept)?),
                Err(e) => report.find(format!("the given head does not hold: {}", e.detail())),
            }
        }
        Ok(report)
    }
}

impl Inspector for StoreInspector {
    fn verify(&self, head: Option<SignedHead>) -> Result<Verified> {
        let report = self.verify_against(head.as_ref())?;
        let entries = report.counts.get("audit entries").copied().unwrap_or_default();
        let intact = report.is_clean();
        let findings = report
            .findings
            .into_iter()
            .map(|problem| AuditFinding { seq: place(&problem), problem })
            .collect();
        Ok(Verified { entries, intact, findings })
    }

    fn check(&self) -> Result<Checked> {
        let snapshot = self.db.raw().snapshot()?;
        let report = check(&*snapshot, &mut look)?;
        let records = report.counts.get("records").copied().unwrap_or_default();
        Ok(Checked { records, ok: report.is_clean(), findings: report.findings })
    }

    fn head(&self) -> Result<SignedHead> {
        let newest = self.runtime.block_on(heads::newest(&self.db))?;
        newest.ok_or_else(|| Error::not_found("signed head", "yet"))
    }
}

/// The first number in a finding that names entries.
fn place(problem: &str) -> Option<u64> {
    let words = problem.split_once("audit entr").map(|(_, rest)| rest)?;
    words.split(|c: char| !c.is_ascii_digit()).find(|w| !w.is_empty())?.parse().ok()
}

/// Whether a record can be read, and a certificate's record says what its certificate says.
fn look(kind: u8, envelope: &Envelope) -> Result<()> {
    match kind {
        k if k == CertificateRecord::KIND.id => certificate(&read::<CertificateRecord>(envelope)?),
        k if k == RevocationRecord::KIND.id => read::<RevocationRecord>(envelope).map(drop),
        k if k == CaRecord::KIND.id => read::<CaRecord>(envelope).map(drop),
        k if k == CompromisedKeyRecord::KIND.id => read::<CompromisedKeyRecord>(envelope).map(drop),
        k if k == CrlRecord::KIND.id => read::<CrlRecord>(envelope).map(drop),
        k if k == ChallengeRecord::KIND.id => read::<ChallengeRecord>(envelope).map(drop),
        k if k == TransactionRecord::KIND.id => read::<TransactionRecord>(envelope).map(drop),
        k if k == RequestRecord::KIND.id => read::<RequestRecord>(envelope).map(drop),
        k if k == TokenRecord::KIND.id => read::<TokenRecord>(envelope).map(drop),
        k if k == IdentityRecord::KIND.id => read::<IdentityRecord>(envelope).map(drop),
        k if k == HeadRecord::KIND.id => read::<HeadRecord>(envelope).map(drop),
        _ => Ok(()),
    }
}

fn read<R: Record>(envelope: &Envelope) -> Result<R> {
    let record = Stored::<R>::open(envelope)?.value;
    if record.key() == envelope.key { Ok(record) } else { Err(Error::storage("it stands under another key")) }
}

fn certificate(record: &CertificateRecord) -> Result<()> {
    let certificate = Certificate::from_der(&record.der)?;
    if certificate.serial() != &record.serial || certificate.fingerprint() != record.fingerprint {
        return Err(Error::storage("serial or fingerprint is not the certificate's"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_given_its_place() {
        assert_eq!(place("audit entry 12 is missing"), Some(12));
        assert_eq!(place("audit entries 3 to 5 are missing"), Some(3));
        assert_eq!(place("the log was cut"), None);
    }
}
