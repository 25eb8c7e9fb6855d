//! CRLs: made from the revocations of a CA, shard by shard, numbered, and swapped in one write.

use std::sync::Arc;

use crate::audit::Actor;
use crate::ca::import::records::ImportRecord;
use crate::ca::records::{CrlRecord, CrlSettingsRecord, Role, Scope};
use crate::ca::{Authority, LoadedCa, on_thread};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::keys::Signer;
use crate::store::Stored;
use crate::x509::cert::Certificate;

mod delta;
mod draft;
mod due;
mod entries;
mod lateness;
mod memory;
mod publisher;
mod renewal;
mod retire;
mod settings;

use draft::Terms;
use entries::Entries;
use renewal::Renewal;

pub use lateness::{Lateness, lateness};
pub use memory::{Published, PublishedCrl};
pub use publisher::{publish_due, run_publisher};
pub use settings::{CrlChange, configure};

/// How often a revision conflict is met by reading again.
const ATTEMPTS: usize = 8;

/// Makes, signs and stores the next CRL of each shard of a CA, above the number of its last.
/// Returns that of the first shard, at `/crl/CA.crl`.
/// Errors: `ca-not-ready` if its key is not here; `crl-number-rollback`, `crl-too-large`, `storage`.
pub async fn publish(authority: &Authority, ca: &CaId) -> Result<Arc<PublishedCrl>> {
    let ca = Arc::clone(authority.hierarchy().require(ca)?);
    let signer = Arc::clone(ca.ready()?.1);
    publish_with(authority, &ca, signer, Actor::System, None).await
}

/// The last CRLs of a CA that retires: good until the CA's own end, and without deltas. Errors: as [`publish`].
pub(super) async fn publish_last(authority: &Authority, ca: &CaId) -> Result<Arc<PublishedCrl>> {
    let ca = Arc::clone(authority.hierarchy().require(ca)?);
    let (certificate, signer) = ca.ready()?;
    let end = certificate.not_after();
    publish_with(authority, &ca, Arc::clone(signer), Actor::System, Some(end)).await
}

/// As [`publish`], with the key of a root that was exported and removed, given for this once.
/// Errors: `wrong-key` if it is not the CA's; `ca-not-ready` without a certificate.
pub async fn sign_crl_with(
    authority: &Authority,
    ca: &CaId,
    signer: Arc<dyn Signer>,
    actor: Actor,
) -> Result<Arc<PublishedCrl>> {
    let ca = Arc::clone(authority.hierarchy().require(ca)?);
    super::custody::require_key_of(&ca, &*signer)?;
    publish_with(authority, &ca, signer, actor, None).await
}

/// The first CRL of a new CA, to be written together with its record: its address is never empty.
pub(super) fn first(
    ca: &CaId,
    role: Role,
    certificate: &Certificate,
    signer: &dyn Signer,
    now: Timestamp,
) -> Result<CrlRecord> {
    first_terms(ca, role).complete(1, Entries::default(), now).sign(certificate, signer)
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
    let entries = Entries::read(&authority.db, &Scope::whole(&import.id), now).await?;
    let draft = first_terms(&import.id, import.role).complete(number, entries, now);
    let certificate = certificate.clone();
    on_thread(move || draft.sign(&certificate, &*signer)).await
}

/// A new CA has one shard and no settings.
fn first_terms(ca: &CaId, role: Role) -> Terms {
    let settings = Stored { value: CrlSettingsRecord::default_of(ca), revision: 0 };
    Terms { scope: Scope::whole(ca), role, settings, public_url: String::new(), last: None }
}

async fn publish_with(
    authority: &Authority,
    ca: &Arc<LoadedCa>,
    signer: Arc<dyn Signer>,
    actor: Actor,
    last: Option<Timestamp>,
) -> Result<Arc<PublishedCrl>> {
    let make = |scope| Renewal::new(authority, ca, scope, Arc::clone(&signer), actor.clone()).last(last);
    let first = make(Scope::whole(&ca.record.id)).complete().await?;
    for scope in ca.crl.value.scopes().skip(1) {
        make(scope).complete().await?;
    }
    Ok(first)
}
