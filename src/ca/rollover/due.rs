//! Whether it is time to prepare a CA's successor.

use std::time::Duration;

use super::Standing;
use crate::ca::profile::ProfileSet;
use crate::ca::records::Role;
use crate::ca::{Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::id::CaId;

/// So long before certificates would be cut at a CA's end it is told.
const LEAD: Duration = Duration::from_hours(30 * 24);

/// Why a successor of `ca` should be prepared, if it should: what is issued from it now, or within a month, would be cut
/// at its end. Not said of one whose successor is there.
pub fn due(hierarchy: &Hierarchy, ca: &LoadedCa, profiles: &ProfileSet, now: Timestamp) -> Option<String> {
    let id = &ca.record.id;
    let end = ca.certificate.as_ref()?.not_after();
    if hierarchy.standing(id) != Standing::InForce || hierarchy.next_of(id).is_some() {
        return None;
    }
    let (longest, what) = match ca.record.role {
        Role::Issuing => longest_profile(hierarchy, id, profiles)?,
        Role::Root => longest_ca(hierarchy, id)?,
    };
    (now.plus(LEAD).plus(longest) > end).then(|| {
        format!(
            "{what} would be cut at its end ({end}): prepare its successor (signet ca rollover prepare {id})"
        )
    })
}

fn longest_profile(hierarchy: &Hierarchy, ca: &CaId, profiles: &ProfileSet) -> Option<(Duration, String)> {
    let of_it = |named: &CaId| hierarchy.in_force(named).is_ok_and(|in_force| in_force.record.id == *ca);
    let all = profiles.all().iter().filter(|p| p.is_enabled() && of_it(p.ca()));
    let longest = all.max_by_key(|p| p.validity())?;
    Some((longest.validity(), format!("certificates of the profile {}", longest.id())))
}

/// A root is followed while a CA made under it still lives its full time.
fn longest_ca(hierarchy: &Hierarchy, root: &CaId) -> Option<(Duration, String)> {
    let below = hierarchy.all().iter().filter(|ca| ca.record.parent.as_ref() == Some(root));
    let in_force = below.filter(|ca| hierarchy.standing(&ca.record.id) == Standing::InForce);
    let lives = in_force.filter_map(|ca| {
        let certificate = ca.certificate.as_ref()?;
        Some((certificate.not_after().since(certificate.not_before()), &ca.record.id))
    });
    let (longest, id) = lives.max_by_key(|(life, _)| *life)?;
    Some((longest, format!("a successor of {id}")))
}
