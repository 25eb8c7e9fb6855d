//! Moving in: a CA that another program ran becomes one of ours, with what it issued and what it revoked.
//!
//! Its key and chain are checked and kept ([`begin`]), its certificates and revocations come in bounded batches, each
//! one durable write, and only the last write ([`activate`]) makes it a CA: record and first CRL together. A broken-off
//! import is repeated from its beginning and finds what is there already. See `docs/decisions/moving-in.md`.

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::{Stored, Unit};
use crate::x509::cert::Certificate;

mod activate;
mod begin;
mod certificates;
mod chain;
pub mod foreign_crl;
pub mod judge;
mod old_signature;
pub mod openssl_index;
pub mod records;
mod reimport;
mod revocations;
pub mod serial;

pub use activate::{Activated, activate};
pub use begin::{Begun, Material, NewImport, State, begin};
pub use certificates::certificates;
pub(in crate::ca) use certificates::note_compromise;
pub use reimport::{Reimported, reimport};
pub use revocations::{Revocation, revocations};

use records::ImportRecord;

/// The profile that certificates count as whose profile nobody named: no such profile exists, so none is renewed.
pub const UNNAMED_PROFILE: &str = "imported";
/// The most certificates of a batch.
pub const MOST_CERTIFICATES: usize = 100;
/// The most revocations of a batch.
pub const MOST_REVOCATIONS: usize = 400;

/// What became of one certificate or revocation.
#[derive(Debug)]
pub enum Fate {
    /// It was taken in.
    Imported,
    /// It was here already, alike.
    Known,
    /// It does not belong into the records; nothing is wrong with it.
    Skipped(String),
    /// It was not taken in, because of this.
    Refused(Error),
}

/// The import of that name and its CA's certificate. Errors: `not-found`.
async fn standing(authority: &Authority, id: &CaId) -> Result<(Stored<ImportRecord>, Certificate)> {
    let found = authority.db.get::<ImportRecord>(&ImportRecord::key_of(id)).await?;
    let found = found.ok_or_else(|| {
        Error::not_found("import of a CA named", format!("{id}: it begins with its key and chain"))
    })?;
    let certificate = Certificate::from_der(&found.value.certificate)?;
    Ok((found, certificate))
}

/// A unit that writes the import anew as it was read, with an event that says how much it brings: of two batches at
/// once one reads again, so that no certificate comes in as good while another batch notes its revocation.
fn unit_of(
    import: &Stored<ImportRecord>,
    action: &str,
    count: usize,
    actor: &Actor,
    now: Timestamp,
) -> Result<Unit> {
    let mut unit = Unit::new();
    unit.replace(&import.value, import.revision)?;
    let event = Event::new(now, actor.clone(), action, format!("ca:{}", import.value.id));
    unit.event(event.with("count", count));
    Ok(unit)
}
