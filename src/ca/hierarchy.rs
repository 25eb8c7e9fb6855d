//! The CAs in memory, each with its chain and, where the key is here, its signer.

use std::sync::Arc;

use const_oid::db::rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER;
use der::Decode;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use crate::ca::lint::Issuer;
use crate::ca::profile::Profile;
use crate::ca::records::{CaRecord, CaRevocationRecord, CrlSettingsRecord, Role, Scope};
use crate::ca::rollover::CrossCertificate;
use crate::ca::rollover::records::RolloverRecord;
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, Serial};
use crate::keys::{KeyStore, Signer};
use crate::store::{Db, PRIMARY, Scan, Stored};
use crate::x509::cert::{Certificate, Extension, ext};
use crate::x509::ocsp::{CertId, IssuerId};

/// Longer chains than this are refused: ours have two or three certificates.
const MAX_CHAIN: usize = 8;

/// A CA with what issuing needs, decoded once.
#[derive(Clone, Debug)]
pub struct LoadedCa {
    /// Its record.
    pub record: CaRecord,
    /// Its certificate; none while an external root has yet to sign.
    pub certificate: Option<Arc<Certificate>>,
    /// Its certificate and those above it, itself first, the root last.
    pub chain: Vec<Arc<Certificate>>,
    /// The chain as PEM: it goes out with every certificate.
    pub chain_pem: String,
    /// Its signer; none if the key was exported and removed.
    pub signer: Option<Arc<dyn Signer>>,
    /// How it makes its CRLs; revision 0 if nothing was set.
    pub crl: Stored<CrlSettingsRecord>,
    /// When it retired: from then on it signs nothing.
    pub retired: Option<Timestamp>,
    /// Itself and our CAs above it, itself first.
    pub lineage: Vec<CaId>,
    /// Its revocation, or else that of a CA above it: it issues nothing more.
    pub revoked: Option<CaRevocationRecord>,
    prepared: Option<Prepared>,
}

/// What is the same in every certificate that a CA signs, encoded once.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// AuthorityKeyIdentifier: byte-equal to the CA's SubjectKeyIdentifier.
    pub authority_key_id: Extension,
    /// Where the CRL of its first shard is.
    pub crl_distribution_point: Extension,
    /// Before the address of every CRL.
    pub public_url: String,
    /// Where its certificate is.
    pub authority_info_access: Extension,
    /// Itself, as OCSP names it.
    pub ocsp: IssuerId,
    /// Itself, as the lint sees it.
    pub issuer: Issuer,
    /// Its chain as DER, itself first.
    pub chain: Vec<Vec<u8>>,
}

impl LoadedCa {
    /// Its certificate and signer. Errors: `ca-not-ready` naming what is missing and the command that brings it.
    pub fn ready(&self) -> Result<(&Arc<Certificate>, &Arc<dyn Signer>)> {
        let id = &self.record.id;
        let Some(certificate) = &self.certificate else {
            return Err(not_ready(format!(
                "the CA {id} has no certificate yet: have its request signed by the external root, then bring in \
                 the chain (signet ca certificate {id} --chain FILE)"
            )));
        };
        if let Some(at) = self.retired {
            return Err(not_ready(format!(
                "the CA {id} retired at {at}, after its last certificate expired: its successor issues"
            )));
        }
        match (&self.signer, self.record.key_removed) {
            (Some(signer), _) => Ok((certificate, signer)),
            (None, Some(at)) => Err(not_ready(format!(
                "the key of the CA {id} was exported and removed at {at}: give the exported key (signet ca \
                 sign-crl {id} --key FILE for its CRL, signet ca create --parent-key FILE for a CA below it)"
            ))),
            (None, None) => Err(not_ready(format!(
                "the key of the CA {id} ({}) is missing from the key folder: restore it from the backup",
                self.record.key
            ))),
        }
    }

    /// Its certificate and signer, for issuing. Errors: as [`Self::ready`]; `ca-revoked`.
    pub fn may_issue(&self) -> Result<(&Arc<Certificate>, &Arc<dyn Signer>)> {
        self.refuse_revoked().and_then(|()| self.ready())
    }

    /// As [`Self::may_issue`], by a profile: who answers for what was issued goes on being certified.
    pub fn may_issue_by(&self, profile: &Profile) -> Result<(&Arc<Certificate>, &Arc<dyn Signer>)> {
        if profile.ocsp_nocheck() && profile.is_internal() { self.ready() } else { self.may_issue() }
    }

    /// Errors: `ca-revoked` if it or a CA above it was revoked.
    pub fn refuse_revoked(&self) -> Result<()> {
        let Some(revoked) = &self.revoked else { return Ok(()) };
        let (id, at, reason) = (&self.record.id, revoked.at, revoked.reason.as_str());
        let which = if revoked.ca == *id { id.to_string() } else { format!("{} above {id}", revoked.ca) };
        let text = format!("the CA {which} was revoked at {at} ({reason}), and {id} issues nothing more");
        Err(Error::conflict("ca-revoked", text))
    }

    /// Whether OCSP asks about a certificate that this CA issued.
    pub fn is_asked_by(&self, id: &CertId) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.ocsp.is_of(id))
    }

    /// Whether its key should be in the key folder and is not: a fault, unlike a key that was removed on purpose.
    pub fn lacks_key(&self) -> bool {
        self.signer.is_none() && self.record.key_removed.is_none()
    }

    /// On which of its CRLs a certificate with that serial number would stand, if it is issued now.
    pub(super) fn scope_of(&self, serial: &Serial) -> Scope {
        Scope { ca: self.record.id.clone(), shard: self.crl.value.shard_of(serial) }
    }

    /// Where a certificate of this scope says that its CRL is. Errors: `ca-not-ready`.
    pub(super) fn distribution_point(&self, scope: &Scope) -> Result<Extension> {
        let prepared = self.prepared()?;
        match scope.shard {
            0 => Ok(prepared.crl_distribution_point.clone()),
            _ => ext::crl_distribution_point(&scope.url(&prepared.public_url)),
        }
    }

    /// What is the same in every certificate it signs. Errors: `ca-not-ready`.
    pub(super) fn prepared(&self) -> Result<&Prepared> {
        self.prepared.as_ref().ok_or_else(|| {
            not_ready(format!("the CA {} has no certificate with a SubjectKeyIdentifier", self.record.id))
        })
    }
}

fn not_ready(detail: String) -> Error {
    Error::new(Kind::Conflict, "ca-not-ready", detail)
}

/// All CAs, immutable.
#[derive(Clone, Debug, Default)]
pub struct Hierarchy {
    cas: Vec<Arc<LoadedCa>>,
    rollovers: Vec<RolloverRecord>,
    cross: Vec<CrossCertificate>,
}

impl Hierarchy {
    /// Reads the CAs from the store, issuing CAs first. `public_url` stands in what they sign.
    /// Errors: `storage`, `bad-certificate` or `damaged-file` for what cannot be read.
    pub async fn load(db: &Db, keys: &dyn KeyStore, public_url: &str) -> Result<Self> {
        let stored = db.all::<CaRecord>(Scan::all::<CaRecord>(PRIMARY)).await?;
        let records: Vec<CaRecord> = stored.into_iter().map(|s| s.value).collect();
        let settings = db.all::<CrlSettingsRecord>(Scan::all::<CrlSettingsRecord>(PRIMARY)).await?;
        let stored = db.all::<CaRevocationRecord>(Scan::all::<CaRevocationRecord>(PRIMARY)).await?;
        let revoked: Vec<CaRevocationRecord> = stored.into_iter().map(|s| s.value).collect();
        let stored = db.all::<RolloverRecord>(Scan::all::<RolloverRecord>(PRIMARY)).await?;
        let rollovers: Vec<RolloverRecord> = stored.into_iter().map(|s| s.value).collect();
        let retired =
            |id: &CaId| rollovers.iter().find(|r| r.outgoing().is_some_and(|(ca, _)| ca == id))?.retired;
        let load = |record: &CaRecord| -> Result<Arc<LoadedCa>> {
            let settings = settings_of(&record.id, &settings);
            let ca = load_ca(record, (&records, &revoked), settings, keys, public_url)?;
            Ok(Arc::new(LoadedCa { retired: retired(&record.id), ..ca }))
        };
        let mut cas = records.iter().map(load).collect::<Result<Vec<_>>>()?;
        cas.sort_by_key(|ca| (ca.record.role == Role::Root, ca.record.id.clone()));
        let cross = CrossCertificate::of_all(&rollovers)?;
        Ok(Self { cas, rollovers, cross })
    }

    /// Who follows whom.
    pub fn rollovers(&self) -> &[RolloverRecord] {
        &self.rollovers
    }

    /// The certificates by which one generation of a CA certifies the other's key, while both are in service.
    pub fn cross_certificates(&self) -> impl Iterator<Item = &CrossCertificate> {
        self.cross.iter()
    }

    /// All CAs, issuing first, then by name.
    pub fn all(&self) -> &[Arc<LoadedCa>] {
        &self.cas
    }

    /// The CA of that name. Errors: `not-found`.
    pub fn require(&self, id: &CaId) -> Result<&Arc<LoadedCa>> {
        self.cas.iter().find(|ca| ca.record.id == *id).ok_or_else(|| Error::not_found("CA", id))
    }

    /// Our CA whose key signed `certificate` (by key identifier and signature, not by name alone).
    pub fn issuer_of(&self, certificate: &Certificate) -> Option<&Arc<LoadedCa>> {
        let wanted = authority_key_id(certificate);
        self.cas.iter().find(|ca| {
            ca.certificate.as_ref().is_some_and(|ours| {
                ours.subject().matches(certificate.issuer())
                    && wanted.as_ref().is_none_or(|id| ours.subject_key_id().as_ref() == Some(id))
                    && is_signed_by(certificate, ours)
            })
        })
    }
}

/// Whether the key of `issuer` made the signature of `certificate`.
pub(super) fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    issuer.public_key().is_ok_and(|key| certificate.verify_signed_by(&key).is_ok())
}

fn authority_key_id(certificate: &Certificate) -> Option<Vec<u8>> {
    let extension = certificate.extension(ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
    let id = AuthorityKeyIdentifier::from_der(&extension.value).ok()?.key_identifier?;
    Some(id.as_bytes().to_vec())
}

fn settings_of(ca: &CaId, all: &[Stored<CrlSettingsRecord>]) -> Stored<CrlSettingsRecord> {
    let found = all.iter().find(|stored| stored.value.ca == *ca).cloned();
    found.unwrap_or_else(|| Stored { value: CrlSettingsRecord::default_of(ca), revision: 0 })
}

fn load_ca(
    record: &CaRecord,
    (all, revoked): (&[CaRecord], &[CaRevocationRecord]),
    crl: Stored<CrlSettingsRecord>,
    keys: &dyn KeyStore,
    public_url: &str,
) -> Result<LoadedCa> {
    let chain = chain_of(record, all)?;
    let certificate = chain.first().cloned();
    let lineage = lineage_of(record, all);
    let revocation = |id: &CaId| revoked.iter().find(|revoked| revoked.ca == *id).cloned();
    Ok(LoadedCa {
        signer: signer_of(record, keys)?,
        prepared: prepare(record, &chain, public_url)?,
        crl,
        record: record.clone(),
        retired: None,
        revoked: lineage.iter().find_map(revocation),
        lineage,
        certificate,
        chain_pem: chain.iter().map(|certificate| certificate.pem()).collect(),
        chain,
    })
}

/// A removed key counts as absent even if its file is still there: the removal may have been cut short.
fn signer_of(record: &CaRecord, keys: &dyn KeyStore) -> Result<Option<Arc<dyn Signer>>> {
    if record.key_removed.is_some() {
        return Ok(None);
    }
    match keys.signer(&record.key) {
        Ok(signer) => Ok(Some(signer)),
        Err(e) if e.code() == "key-not-present" => Ok(None),
        Err(e) => Err(e),
    }
}

/// A CA and ours above it; as long as a chain may be.
fn lineage_of(record: &CaRecord, all: &[CaRecord]) -> Vec<CaId> {
    let above = |ca: &&CaRecord| ca.parent.as_ref().and_then(|id| all.iter().find(|other| other.id == *id));
    std::iter::successors(Some(record), above).take(MAX_CHAIN).map(|ca| ca.id.clone()).collect()
}

/// The certificates from a CA to its root: over our own parents, then the external chain of the last one.
fn chain_of(record: &CaRecord, all: &[CaRecord]) -> Result<Vec<Arc<Certificate>>> {
    let (mut chain, mut at) = (Vec::new(), Some(record));
    while let Some(ca) = at {
        let Some(der) = &ca.certificate else { break };
        for der in std::iter::once(der).chain(&ca.external_chain) {
            chain.push(Arc::new(Certificate::from_der(der)?));
        }
        if chain.len() > MAX_CHAIN {
            return Err(Error::storage(format!("the chain of the CA {} has no end", record.id)));
        }
        at = ca.parent.as_ref().and_then(|parent| all.iter().find(|other| other.id == *parent));
    }
    Ok(chain)
}

fn prepare(record: &CaRecord, chain: &[Arc<Certificate>], public_url: &str) -> Result<Option<Prepared>> {
    let Some(certificate) = chain.first().filter(|c| c.subject_key_id().is_some()) else { return Ok(None) };
    let issuer = Issuer::of(certificate)?;
    Ok(Some(Prepared {
        authority_key_id: ext::authority_key_id(&issuer.key_id)?,
        crl_distribution_point: ext::crl_distribution_point(&super::crl_url(public_url, &record.id))?,
        public_url: public_url.to_owned(),
        authority_info_access: ext::authority_info_access(
            &super::ca_url(public_url, &record.id),
            Some(&super::ocsp_url(public_url)),
        )?,
        ocsp: IssuerId::of(certificate.subject(), &certificate.public_key()?),
        issuer,
        chain: chain.iter().map(|certificate| certificate.der().to_vec()).collect(),
    }))
}
