//! After a restore: an authentication string that was used since the backup would be good once more, and so would an
//! operation that asks for none.

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::device::Change;
use crate::device::records::{Authentication, DeviceRecord, Operation, Reason, Shown};
use crate::error::Result;
use crate::store::{Db, Scan, Unit};

/// The most devices of one durable write.
const BATCH: usize = 500;

/// Ends every operation that waits for an authentication string, or for a device that needs no proof: it is shown as
/// failed, for the string or the missing credentials, and is the operator's to set again. Returns how many those were.
/// Errors: `storage`.
pub async fn end_strings(db: &Db, now: Timestamp) -> Result<usize> {
    let open = vec![Shown::Pending.byte()]..vec![Shown::Issued.byte() + 1];
    let scan = Scan::all::<DeviceRecord>(DeviceRecord::BY_STATE).range(open.start, Some(open.end));
    let (mut scan, mut all) = (scan.limit(BATCH), 0);
    loop {
        let page = db.scan::<DeviceRecord>(scan.clone()).await?;
        let mut unit = Unit::new();
        for stored in page.items {
            if let Some(reason) = stored.value.operation.as_ref().and_then(reason) {
                Change::of(stored, Actor::System, now).failed(reason).write(&mut unit)?;
                all += 1;
            }
        }
        if !unit.items.is_empty() {
            db.commit(unit).await?;
        }
        match page.next {
            Some(next) => scan = scan.after(Some(next)),
            None => return Ok(all),
        }
    }
}

/// Why an open operation is not to go on; none if the device proves itself by a certificate.
fn reason(operation: &Operation) -> Option<Reason> {
    match operation.authentication {
        Authentication::String => Some(Reason::InvalidAuthenticationString),
        Authentication::NullString => Some(Reason::InvalidCredentials),
        Authentication::ExistingLsc | Authentication::ExistingMic => None,
    }
}
