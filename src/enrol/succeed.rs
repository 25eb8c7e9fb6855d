//! What a renewal means for the certificate before: it is due no more, and is revoked after a while if the profile says so.

use crate::ca::profile::Profile;
use crate::ca::renewal::{self, supersede};
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
    let (now, random) = (desk.authority.clock.now(), &desk.authority.random);
    renewal::renewed(unit, old, profile, serial, now)?;
    match profile.renewal().revoke_superseded_after {
        Some(grace) => supersede::schedule(unit, old, serial, (now, now.plus(grace)), random),
        None => Ok(()),
    }
}
