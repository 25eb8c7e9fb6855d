//! Revocation, hold and release: one durable write, however many are revoked already.

use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::anew::{self, Decided};
use crate::ca::records::CertificateRecord;
use crate::ca::records::serials::Reference;
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::Serial;
use crate::store::{Stored, Unit};
use crate::x509::crl::Reason;

pub mod authority;
pub mod bulk;
mod changes;
mod dates;

use changes::Changes;

pub use dates::parse as parse_date;

/// How a certificate is revoked. A [`Reason`] alone is a revocation at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Why.
    pub reason: Reason,
    /// When, in whole seconds; now if it is not said.
    pub at: Option<Timestamp>,
    /// Since when the key is thought to have been invalid (RFC 5280 §5.3.2), in whole seconds.
    pub invalidity: Option<Timestamp>,
    /// Whether a certificate of Signet's own is meant, where it is one.
    pub own: bool,
}

impl From<Reason> for Revocation {
    fn from(reason: Reason) -> Self {
        Self { reason, at: None, invalidity: None, own: false }
    }
}

/// Revokes the certificate with that serial number; see [`revoke_named`]. Errors: also `serial-ambiguous`.
pub async fn revoke(
    authority: &Authority,
    serial: &Serial,
    how: impl Into<Revocation>,
    actor: Actor,
) -> Result<CertificateRecord> {
    revoke_named(authority, &Reference::of(serial), how, actor).await
}

/// Revokes a certificate of ours. With the reason certificateHold it is put on hold: it may be released, or revoked
/// for another reason, and then counts as revoked since the hold began. Revoking it again with the same reason changes
/// nothing.
/// Errors: `not-found`, `already-revoked` (another reason), `date-out-of-range`, `ca-certificate` (a CA's, or one of
/// our own that was not named as such), `state-conflict`, `storage`.
pub async fn revoke_named(
    authority: &Authority,
    named: &Reference,
    how: impl Into<Revocation>,
    actor: Actor,
) -> Result<CertificateRecord> {
    let how = how.into();
    let decide = || async {
        let found = find(authority, named).await?;
        let mut changes = Changes::new(&actor, authority.clock.now());
        changes.revoke(found, &how).map(|outcome| decided(changes, outcome))
    };
    anew::commit(&authority.db, decide).await
}

/// Adds the revocation of a certificate, as it was read, to a unit of work. One that is revoked so already adds nothing.
/// Errors: as [`revoke_named`], but for those of the write.
pub fn write(
    unit: &mut Unit,
    found: Stored<CertificateRecord>,
    how: impl Into<Revocation>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let mut changes = Changes::new(actor, now);
    changes.revoke(found, &how.into())?;
    if let Some(changed) = changes.into_unit() {
        unit.append(changed);
    }
    Ok(())
}

/// Releases a certificate from hold: it is good again, and leaves the CRL with the next one.
/// Errors: `not-found`, `not-on-hold`, `state-conflict`, `storage`.
pub async fn release(authority: &Authority, named: &Reference, actor: Actor) -> Result<CertificateRecord> {
    let decide = || async {
        let found = find(authority, named).await?;
        let mut changes = Changes::new(&actor, authority.clock.now());
        changes.release(found).map(|record| decided(changes, record))
    };
    anew::commit(&authority.db, decide).await
}

/// What a certificate would become, without changing it: none if it is revoked so already. Errors: as
/// [`revoke_named`].
pub fn judge(
    record: &CertificateRecord,
    how: &Revocation,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<CertificateRecord>> {
    changes::revoked(record, how, actor, now)
}

fn decided(changes: Changes<'_>, outcome: CertificateRecord) -> Decided<CertificateRecord> {
    Decided { unit: changes.into_unit(), outcome }
}

async fn find(authority: &Authority, named: &Reference) -> Result<Stored<CertificateRecord>> {
    match named.find(&authority.db).await {
        Err(error) if error.kind() == Kind::NotFound => {
            refuse_ca(authority, named.serial())?;
            Err(error)
        }
        found => found,
    }
}

/// A CA's certificate is no record of the kind that is revoked here: it is known from the hierarchy.
/// Errors: `ca-certificate` if it is one's.
pub fn refuse_ca(authority: &Authority, serial: &Serial) -> Result<()> {
    let hierarchy = authority.hierarchy();
    let is_ca = |ca: &crate::ca::LoadedCa| ca.certificate.as_ref().is_some_and(|c| c.serial() == serial);
    match hierarchy.all().iter().find(|ca| is_ca(ca)) {
        None => Ok(()),
        Some(ca) => {
            let id = &ca.record.id;
            let text =
                format!("{serial} is the certificate of the CA {id}: signet ca revoke {id} revokes it");
            Err(Error::new(Kind::Forbidden, "ca-certificate", text))
        }
    }
}
