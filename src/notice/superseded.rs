//! Whether a certificate was renewed: a newer one stands for it.

use crate::ca::records::{CertificateRecord, Status};
use crate::error::Result;
use crate::store::{Db, KeyBuilder, Scan};
use crate::x509::san::San;

/// So many of the newest certificates with the same name are looked at.
const NEWEST: usize = 32;

/// Whether a newer good certificate that expires later was issued by the same profile for the same device, or for the
/// same subject where there is no device.
pub(super) async fn is_superseded(db: &Db, old: &CertificateRecord) -> Result<bool> {
    let Some(scan) = same_name(old) else { return Ok(false) };
    let found = db.scan::<CertificateRecord>(scan.backward().limit(NEWEST)).await?;
    Ok(found.items.iter().any(|stored| supersedes(&stored.value, old)))
}

fn supersedes(new: &CertificateRecord, old: &CertificateRecord) -> bool {
    let same = match (&new.device, &old.device) {
        (Some(new), Some(old)) => new.eq_ignore_ascii_case(old),
        (None, None) => new.subject.matches(&old.subject),
        (Some(_), None) | (None, Some(_)) => false,
    };
    same && new.profile == old.profile
        && new.id > old.id
        && new.status == Status::Good
        && new.not_after > old.not_after
}

/// The certificates with the same device; where there is none, with the same common name or first alternative name.
fn same_name(record: &CertificateRecord) -> Option<Scan> {
    let key = |text: &str| KeyBuilder::new().text(&text.to_lowercase()).build();
    if let Some(device) = &record.device {
        return Some(Scan::all::<CertificateRecord>(CertificateRecord::BY_DEVICE).prefix(key(device)));
    }
    let common = record.subject.common_name().map(str::to_owned);
    let name = common.or_else(|| record.sans.first().map(San::value))?;
    Some(Scan::all::<CertificateRecord>(CertificateRecord::BY_WORD).prefix(key(&name)))
}
