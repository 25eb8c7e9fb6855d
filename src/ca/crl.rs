//! Full CRLs: made from the revocations of a CA, numbered, and swapped in one write.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, Event};
use crate::ca::import::records::ImportRecord;
use crate::ca::records::{CrlRecord, Role};
use crate::ca::{Authority, LoadedCa, on_thread};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::keys::Signer;
use crate::store::{CommitError, Stored, Unit};
use crate::x509::cert::{Certificate, assemble};
use crate::x509::crl::{Revoked, TbsCrl};
use crate::x509::key::signature_algorithm;

mod entries;
mod memory;
mod publisher;

use entries::{Entries, Leaving};

pub use memory::{Published, PublishedCrl};
pub use publisher::{publish_due, run_publisher};

/// How long the CRL of an issuing CA is good for.
const ISSUING_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long the CRL of a root is good for: its key may be far away.
const ROOT_WINDOW: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How often a revision conflict is met by reading again.
const ATTEMPTS: usize = 8;

/// Makes, signs and stores the next CRL of a CA (CRLNumber one higher than the last).
/// Errors: `ca-not-ready` if its key is not here; `storage`.
pub async fn publish(authority: &Authority, ca: &CaId) -> Result<CrlRecord> {
    let ca = Arc::clone(authority.hierarchy().require(ca)?);
    let signer = Arc::clone(ca.ready()?.1);
    publish_with(authority, &ca, signer, Actor::System).await
}

/// As [`publish`], with the key of a root that was exported and removed, given for this once.
/// Errors: `wrong-key` if it is not the CA's; `ca-not-ready` without a certificate.
pub async fn sign_crl_with(
    authority: &Authority,
    ca: &CaId,
    signer: Arc<dyn Signer>,
    actor: Actor,
) -> Result<CrlRecord> {
    let ca = Arc::clone(authority.hierarchy().require(ca)?);
    super::custody::require_key_of(&ca, &*signer)?;
    publish_with(authority, &ca, signer, actor).await
}

/// The first CRL of a new CA, to be written together with its record: its address is never empty.
pub(super) fn first(
    ca: &CaId,
    role: Role,
    certificate: &Certificate,
    signer: &dyn Signer,
    now: Timestamp,
) -> Result<CrlRecord> {
    Draft::new(ca.clone(), role, 1, Entries::none(), now).sign(certificate, signer)
}

/// The first CRL of a CA that moved in, to be written together with its record: all that was revoked before stands on
/// it, also what expired. Errors: `storage`.
pub(super) async fn first_of_import(
    authority: &Authority,
    import: &ImportRecord,
    (certificate, signer): (&Certificate, Arc<dyn Signer>),
    number: u64,
) -> Result<CrlRecord> {
    let now = authority.clock.now();
    let entries = Entries::read(&authority.db, &import.id, now).await?;
    let draft = Draft::new(import.id.clone(), import.role, number, entries, now);
    let certificate = certificate.clone();
    on_thread(move || draft.sign(&certificate, &*signer)).await
}

async fn publish_with(
    authority: &Authority,
    ca: &Arc<LoadedCa>,
    signer: Arc<dyn Signer>,
    actor: Actor,
) -> Result<CrlRecord> {
    for _ in 0..ATTEMPTS {
        let last = authority.db.get::<CrlRecord>(&CrlRecord::key_of(&ca.record.id)).await?;
        let now = authority.clock.now();
        let mut entries = Entries::read(&authority.db, &ca.record.id, now).await?;
        let leaving = entries.take_leaving();
        let number = last.as_ref().map_or(1, |l| l.value.number.saturating_add(1));
        let draft = Draft::new(ca.record.id.clone(), ca.record.role, number, entries, now);
        let made = sign_on_thread(ca, &signer, draft).await?;
        let unit = unit(&made, last.as_ref(), &leaving, &actor, authority.clock.now())?;
        match authority.db.commit(unit).await {
            Ok(_) => {
                authority.published.show(&made);
                return Ok(made);
            }
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the CRL is being made by another process; try again"))
}

/// On a thread of its own: requests that fill the signing threads' queue must not keep a CRL waiting.
async fn sign_on_thread(ca: &LoadedCa, signer: &Arc<dyn Signer>, draft: Draft) -> Result<CrlRecord> {
    let certificate = ca.certificate.clone().ok_or_else(|| {
        Error::new(Kind::Conflict, "ca-not-ready", format!("the CA {} has no certificate yet", ca.record.id))
    })?;
    let signer = Arc::clone(signer);
    on_thread(move || draft.sign(&certificate, &*signer)).await
}

/// A CRL that is not signed yet.
struct Draft {
    ca: CaId,
    number: u64,
    covers: i64,
    this_update: Timestamp,
    next_update: Timestamp,
    entries: Vec<Revoked>,
}

impl Draft {
    fn new(ca: CaId, role: Role, number: u64, entries: Entries, now: Timestamp) -> Self {
        let window = match role {
            Role::Root => ROOT_WINDOW,
            Role::Issuing => ISSUING_WINDOW,
        };
        let this_update = now.whole_secs();
        Self {
            ca,
            number,
            covers: entries.covers,
            this_update,
            next_update: this_update.plus(window),
            entries: entries.revoked,
        }
    }

    fn sign(self, certificate: &Certificate, signer: &dyn Signer) -> Result<CrlRecord> {
        let digest = signer.default_digest();
        let algorithm = signature_algorithm(signer.public_key().kind(), digest);
        let authority_key_id = certificate
            .subject_key_id()
            .ok_or_else(|| Error::internal("a CA certificate without SubjectKeyIdentifier"))?;
        let entries = self.entries.len() as u64;
        let tbs = TbsCrl {
            signature_algorithm: algorithm.clone(),
            issuer: certificate.subject().clone(),
            this_update: self.this_update,
            next_update: self.next_update,
            revoked: self.entries,
            authority_key_id,
            number: self.number,
        }
        .to_der()?;
        let signature = signer.sign(digest, &tbs)?;
        Ok(CrlRecord {
            ca: self.ca,
            number: self.number,
            this_update: self.this_update,
            next_update: self.next_update,
            entries,
            covers: self.covers,
            der: assemble(&tbs, &algorithm, &signature)?,
        })
    }
}

/// The CRL in place of the last one (by its revision: the number never goes back), and the expired
/// entries that it carries for the last time.
fn unit(
    made: &CrlRecord,
    last: Option<&Stored<CrlRecord>>,
    leaving: &Leaving,
    actor: &Actor,
    now: Timestamp,
) -> Result<Unit> {
    let mut unit = Unit::new();
    match last {
        Some(last) => unit.replace(made, last.revision)?,
        None => unit.insert(made)?,
    };
    leaving.leave(&mut unit)?;
    unit.event(
        Event::new(now, actor.clone(), "crl.publish", format!("ca:{}", made.ca))
            .with("number", made.number)
            .with("entries", made.entries)
            .with("next_update", made.next_update),
    );
    Ok(unit)
}
