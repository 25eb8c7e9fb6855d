//! The one place where a certificate is made: profile → bytes to be signed → lint → sign → one durable write.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::audit::{Actor, Event};
use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::lint::lint_under;
use crate::ca::profile::Profile;
use crate::ca::records::{CaRecord, CaRevocationRecord, CertificateRecord, CrlSettingsRecord, Status};
use crate::ca::{Authority, LoadedCa, renewal};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, RecordId, Serial};
use crate::store::{CommitError, Envelope, Record, Unit, When};
use crate::x509::cert::{Extension, Tbs, assemble, ext};
use crate::x509::key::{Digest, PublicKey, signature_algorithm};
use crate::x509::name::Name;
use crate::x509::san::San;

/// An approved request. Only `enrol::approve` makes one.
#[derive(Debug)]
pub struct Order {
    /// By which profile.
    pub profile: Arc<Profile>,
    /// Which CA signs (the profile's, but for an RA certificate).
    pub ca: CaId,
    /// The subject to be written, as the profile made it.
    pub subject: Name,
    /// The alternative names to be written.
    pub sans: Vec<San>,
    /// The requester's key.
    pub public_key: PublicKey,
    /// The device's name, if the profile says where it stands.
    pub device: Option<String>,
    /// Not later than this, if the requester wanted less than the profile gives.
    pub not_after: Option<Timestamp>,
    /// Who asked.
    pub actor: Actor,
    /// The certificate that is renewed.
    pub renews: Option<Serial>,
    /// What must be written together with the certificate: challenge consumed, transaction bound. May refer to
    /// the serial that `issue` was told to use.
    pub claim: Unit,
    /// The serial number, drawn by `approve` so that the claim can name it.
    pub serial: Serial,
}

/// What was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The record, with the certificate's DER.
    pub record: CertificateRecord,
    /// The chain above it, issuer first, as DER.
    pub chain: Vec<Vec<u8>>,
}

/// Why nothing was issued.
#[derive(Debug)]
pub enum IssueError {
    /// An item of the order's claim no longer holds: another request was first.
    Claimed {
        /// The item's place in the claim.
        item: usize,
        /// The record that stands there.
        standing: Option<Envelope>,
    },
    /// Anything else.
    Failed(Error),
}

impl From<Error> for IssueError {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

/// Issues: returns when certificate, indexes, claim and audit event are durable.
///
/// Everything that costs CPU (building, lint, signature, digests, encoding of the record) is one job, on the signing
/// threads unless the CA's key makes short work of it or lies in a token; a full queue answers `busy` at once.
/// Errors: `IssueError::Claimed` naming the claim's item; `ca-not-ready`, `ca-revoked`, `ca-expires`, `not-after-passed`,
/// `lint`, `digest-not-supported`, `busy`, `token-not-ready`, `token-refused`, `serial-taken`, `storage`.
pub async fn issue(authority: &Authority, order: Order) -> Result<Issued, IssueError> {
    let now = authority.clock.now();
    let ca = authority.hierarchy().require(&order.ca)?.clone();
    let validity = Validity::of(&order, &ca, now)?;
    let id = RecordId::new(now, &authority.random)?;
    let claimed = order.claim.items.len();
    let of = Arc::clone(&ca);
    let (unit, issued) = authority.run_signing(&of, move || make(order, &ca, validity, id, now)).await??;
    let in_shard = (issued.record.shard > 0).then(|| unit.items.len() - 1);
    authority.db.commit(unit).await.map_err(|e| refused(e, claimed, in_shard))?;
    Ok(issued)
}

/// What [`issue`] would do with an order, up to the signature, which is not made: until when the certificate would be
/// valid. Errors: as there, but for those of the write.
pub async fn rehearse(authority: &Authority, order: Order) -> Result<Timestamp> {
    let now = authority.clock.now();
    let ca = authority.hierarchy().require(&order.ca)?.clone();
    let validity = Validity::of(&order, &ca, now)?;
    authority.pool.run(move || to_be_signed(&order, &ca, validity).map(drop)).await??;
    Ok(validity.not_after)
}

/// Below this, a CA issues nothing more: its certificates would be of no use.
const CA_TOO_SHORT: Duration = Duration::from_secs(24 * 60 * 60);

/// The first and last moment of a certificate to be made.
#[derive(Clone, Copy, Debug)]
struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Validity {
    /// From the profile and the order, inside the CA's own validity.
    fn of(order: &Order, ca: &LoadedCa, now: Timestamp) -> Result<Self> {
        let (certificate, _) = ca.may_issue_by(&order.profile)?;
        if certificate.not_after() < now.plus(CA_TOO_SHORT) {
            return Err(Error::conflict(
                "ca-expires",
                format!(
                    "the CA {} expires at {}, too soon to issue from it: make its successor and name it in the \
                     profile {}",
                    ca.record.id,
                    certificate.not_after(),
                    order.profile.id()
                ),
            ));
        }
        let not_before = now.minus(order.profile.backdate()).max(certificate.not_before()).whole_secs();
        let wanted =
            now.plus(order.profile.validity()).min(order.not_after.unwrap_or(certificate.not_after()));
        let not_after = wanted.min(certificate.not_after()).whole_secs();
        if not_after <= now {
            return Err(Error::invalid("not-after-passed", "the end of validity asked for lies in the past")
                .at("/not_after"));
        }
        Ok(Self { not_before, not_after })
    }
}

/// Builds, lints and signs the certificate, and puts it into a unit behind the order's claim.
fn make(
    mut order: Order,
    ca: &LoadedCa,
    validity: Validity,
    id: RecordId,
    now: Timestamp,
) -> Result<(Unit, Issued)> {
    let der = sign(&order, ca, validity)?;
    let mut unit = std::mem::take(&mut order.claim);
    let event = event(&order, now);
    // Our own certificates are renewed by ourselves.
    let watched = (!order.profile.is_internal()).then_some(order.profile.renewal().points);
    let must_stand = ca.may_issue().is_ok();
    let record = record(order, ca, validity, id, der);
    unit.insert(&record)?;
    unit.check::<CaRecord>(&ca.record.key(), When::Present);
    let known = ImportedRevocationRecord::key_of(&record.ca, &record.serial);
    unit.check::<ImportedRevocationRecord>(&known, When::Absent);
    for above in ca.lineage.iter().filter(|_| must_stand) {
        unit.check::<CaRevocationRecord>(&CaRevocationRecord::key_of(above), When::Absent);
    }
    if let Some(points) = watched {
        renewal::watch(&mut unit, &record, points, now)?;
    }
    // Last, where `issue` looks for it: the shard must not end between here and the write.
    if record.shard > 0 {
        let settings = CrlSettingsRecord::key_of(&record.ca);
        unit.check::<CrlSettingsRecord>(&settings, When::Revision(ca.crl.revision));
    }
    unit.event(event);
    Ok((unit, Issued { record, chain: ca.prepared()?.chain.clone() }))
}

fn sign(order: &Order, ca: &LoadedCa, validity: Validity) -> Result<Vec<u8>> {
    let (_, signer) = ca.ready()?;
    let (tbs, digest) = to_be_signed(order, ca, validity)?;
    let signature = signer.sign(digest, &tbs)?;
    assemble(&tbs, &signature_algorithm(signer.public_key().kind(), digest), &signature)
}

/// The bytes to be signed, linted, and the digest to sign them with.
fn to_be_signed(order: &Order, ca: &LoadedCa, validity: Validity) -> Result<(Vec<u8>, Digest)> {
    let (certificate, signer) = ca.ready()?;
    let digest = order.profile.digest().unwrap_or_else(|| signer.default_digest());
    let tbs = Tbs {
        serial: order.serial.clone(),
        signature_algorithm: signature_algorithm(signer.public_key().kind(), digest),
        issuer: certificate.subject().clone(),
        not_before: validity.not_before,
        not_after: validity.not_after,
        subject: order.subject.clone(),
        spki: order.public_key.spki().to_vec(),
        extensions: extensions(order, ca)?,
    }
    .to_der()?;
    lint_under(&tbs, &ca.prepared()?.issuer)?;
    Ok((tbs, digest))
}

/// The extensions of a leaf, by the profile (RFC 5280 §4.2).
fn extensions(order: &Order, ca: &LoadedCa) -> Result<Vec<Extension>> {
    let (profile, prepared) = (&order.profile, ca.prepared()?);
    let mut all = Vec::with_capacity(9);
    all.push(ext::basic_constraints(false, None)?);
    all.push(ext::key_usage(profile.key_usage(&order.public_key))?);
    if !profile.extended_key_usage().is_empty() {
        all.push(ext::extended_key_usage(profile.extended_key_usage())?);
    }
    if !order.sans.is_empty() {
        all.push(ext::subject_alt_name(&order.sans, order.subject.is_empty())?);
    }
    all.push(ext::subject_key_id(&order.public_key.key_id())?);
    all.push(prepared.authority_key_id.clone());
    all.push(ca.distribution_point(&ca.scope_of(&order.serial))?);
    all.push(prepared.authority_info_access.clone());
    if profile.ocsp_nocheck() {
        all.push(ext::ocsp_nocheck()?);
    }
    Ok(all)
}

fn record(order: Order, ca: &LoadedCa, validity: Validity, id: RecordId, der: Vec<u8>) -> CertificateRecord {
    CertificateRecord {
        id,
        shard: ca.scope_of(&order.serial).shard,
        serial: order.serial,
        ca: ca.record.id.clone(),
        profile: order.profile.id().clone(),
        subject: order.subject,
        sans: order.sans,
        device: order.device,
        not_before: validity.not_before,
        not_after: validity.not_after,
        key_fingerprint: order.public_key.fingerprint(),
        fingerprint: Sha256::digest(&der).into(),
        der,
        status: Status::Good,
        requester: order.actor.to_string(),
        renews: order.renews,
    }
}

fn event(order: &Order, now: Timestamp) -> Event {
    let event =
        Event::new(now, order.actor.clone(), "certificate.issue", format!("certificate:{}", order.serial))
            .with("profile", order.profile.id())
            .with("ca", &order.ca)
            .with("subject", &order.subject)
            .with("requester", &order.actor);
    match &order.renews {
        Some(renewed) => event.with("renews", renewed),
        None => event,
    }
}

/// The claim's items stand first in the unit, so that their places are those in the claim.
fn refused(error: CommitError, claimed: usize, in_shard: Option<usize>) -> IssueError {
    match error {
        CommitError::Refused { item, .. } if Some(item) == in_shard => {
            let text = "how the CA makes its CRLs was changed in the meantime; ask again";
            IssueError::Failed(Error::new(Kind::Busy, "busy", text))
        }
        CommitError::Refused { item, standing } if item < claimed => IssueError::Claimed { item, standing },
        CommitError::Refused { item, .. } if item == claimed || item == claimed + 2 => {
            IssueError::Failed(Error::conflict(
                "serial-taken",
                "a certificate with this serial number exists already; ask again",
            ))
        }
        CommitError::Refused { item, .. } if item > claimed + 2 => {
            IssueError::Failed(Error::conflict("ca-revoked", "the CA was revoked in the meantime"))
        }
        CommitError::Refused { .. } => {
            IssueError::Failed(Error::conflict("ca-not-ready", "the CA was removed in the meantime"))
        }
        CommitError::Failed(error) => IssueError::Failed(error),
    }
}
