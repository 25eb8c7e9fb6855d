//! The later certificate of the same device or subject, if there is one: a device that enrolled anew needs no renewal.

use crate::ca::records::{CertificateRecord, Status, serials};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Serial;
use crate::store::{Db, Index, KeyBuilder, Scan};
use crate::x509::crl::Reason;
use crate::x509::san::San;

/// The newest certificates of a name that are looked at.
const NEWEST: usize = 32;

/// The serial number of a live certificate of the same profile and device (or subject) that was made later.
/// Errors: `storage`.
pub async fn successor(db: &Db, old: &CertificateRecord, now: Timestamp) -> Result<Option<Serial>> {
    let Some((index, name)) = place(old) else { return Ok(None) };
    let key = KeyBuilder::new().text(&name.to_lowercase()).build();
    let scan = Scan::all::<CertificateRecord>(index).prefix(key).backward().limit(NEWEST);
    let found = db.scan::<CertificateRecord>(scan).await?.items;
    let later = found
        .into_iter()
        .map(|stored| stored.value)
        .find(|new| new.id > old.id && new.profile == old.profile && new.is_live(now) && is_same(old, new));
    Ok(later.map(|new| new.serial))
}

/// Whether the certificate of that serial number is still worth something: not revoked for good.
/// Errors: `storage`.
pub async fn stands(db: &Db, serial: &Serial) -> Result<bool> {
    Ok(serials::all(db, serial).await?.iter().any(|stored| !is_gone(&stored.value)))
}

/// Whether a certificate was revoked for good: one on hold may come back.
pub fn is_gone(certificate: &CertificateRecord) -> bool {
    match certificate.status {
        Status::Good => false,
        Status::Revoked { reason, .. } => reason != Reason::CertificateHold,
    }
}

/// Where to look for certificates of the same name. A word's index key is the whole value.
fn place(of: &CertificateRecord) -> Option<(Index, String)> {
    if let Some(device) = &of.device {
        return Some((CertificateRecord::BY_DEVICE, device.clone()));
    }
    let subject = of.subject.common_name().map(str::to_owned);
    let any = || of.subject.attributes().next().map(|attribute| attribute.value.clone());
    let name = subject.or_else(any).or_else(|| of.sans.first().map(San::value))?;
    Some((CertificateRecord::BY_WORD, name))
}

fn is_same(old: &CertificateRecord, new: &CertificateRecord) -> bool {
    match (&old.device, &new.device) {
        (Some(old), Some(new)) => old.to_lowercase() == new.to_lowercase(),
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) if old.subject.is_empty() => {
            new.subject.is_empty() && San::same_set(&old.sans, &new.sans)
        }
        (None, None) => old.subject.matches(&new.subject),
    }
}
