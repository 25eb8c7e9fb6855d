//! What a renewal means for the certificate before: it is due no more.

use crate::ca::profile::Profile;
use crate::ca::renewal;
use crate::enrol::Desk;
use crate::enrol::authorize::Grant;
use crate::error::Result;
use crate::id::Serial;
use crate::store::Unit;

/// Adds to the unit of a renewal; nothing for a first certificate. Errors: `internal`.
pub(super) fn write(
    desk: &Desk,
    unit: &mut Unit,
    grant: &Grant,
    profile: &Profile,
    serial: &Serial,
) -> Result<()> {
    let Some(old) = grant.renewed() else { return Ok(()) };
    renewal::renewed(unit, old, profile, serial, desk.authority.clock.now())
}
