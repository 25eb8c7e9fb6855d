//! Profiles, roles, devices and notices, read and validated as a whole before they take effect.

use std::path::Path;
use std::sync::Arc;

use crate::admin::roles::Roles;
use crate::admin::state::State;
use crate::audit::{Actor, Event};
use crate::ca::profile::ProfileSet;
use crate::enrol::capf::proof::ManufacturingRoots;
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::refused::device::DeviceSet;
use crate::enrol::source::Sources;
use crate::error::{Error, Result};
use crate::notice;
use crate::notice::policy::NoticePolicy;
use crate::store::Unit;

/// Reads the policies folder and puts what it says in force; returns how many profiles there are. For the API and
/// SIGHUP alike: one at a time, and to its end even if the caller goes away, so that what the audit log says last is
/// what is in force. Errors: every fault found; then the old set stays in force.
pub async fn reload(state: &Arc<State>, actor: Actor) -> Result<usize, Vec<Error>> {
    let state = state.clone();
    let task = tokio::spawn(async move {
        let _one = state.reloading.lock().await;
        take_over(&state, actor).await
    });
    task.await.unwrap_or_else(|e| Err(vec![Error::internal("reading the policies anew").because(e)]))
}

/// Reads and validates the policies folder, changing nothing. Errors: every fault found.
pub async fn check(state: &State) -> Result<(), Vec<Error>> {
    read(state).await.map(|_| ())
}

async fn take_over(state: &State, actor: Actor) -> Result<usize, Vec<Error>> {
    let Policies { profiles, roles, devices, manufacturing_roots, offline_lists, notices } =
        read(state).await?;
    let count = profiles.all().len();
    let mut unit = Unit::new();
    let event = Event::new(state.now(), actor, "policies.reload", "policies:all");
    let event = event.with("profiles", count).with("devices", devices.count());
    let event = event.with("manufacturing_roots", manufacturing_roots.count());
    unit.event(event.with("offline_crls", offline_lists.count()));
    state.desk.authority.db.commit(unit).await.map_err(|e| vec![e.into()])?;
    let (desk, told) = (state.desk.clone(), state.notices.clone());
    let swapped = tokio::task::spawn_blocking(move || {
        desk.profiles.swap(profiles);
        told.swap(notices);
    });
    swapped.await.map_err(|e| vec![Error::internal("putting the policies in force").because(e)])?;
    state.desk.profiles.swap_devices(devices);
    state.desk.profiles.swap_manufacturing_roots(manufacturing_roots);
    state.desk.profiles.swap_offline_lists(offline_lists);
    state.swap_roles(roles);
    state.after_reload.after_reload().await;
    Ok(count)
}

/// What the folder says.
struct Policies {
    profiles: ProfileSet,
    roles: Roles,
    devices: DeviceSet,
    manufacturing_roots: ManufacturingRoots,
    offline_lists: OfflineLists,
    notices: NoticePolicy,
}

/// What the folder says, if it is sound and its profiles fit the CAs.
async fn read(state: &State) -> Result<Policies, Vec<Error>> {
    let (policies, hierarchy, now) = (state.policies.clone(), state.desk.authority.hierarchy(), state.now());
    let task = tokio::task::spawn_blocking(move || {
        let profiles = ProfileSet::load(&policies).and_then(|set| {
            set.validate_under(&hierarchy, now)?;
            Sources::check(&set)?;
            Ok(set)
        });
        all(profiles, &policies)
    });
    task.await.unwrap_or_else(|e| Err(vec![Error::internal("reading the policies").because(e)]))
}

fn all(profiles: Result<ProfileSet, Vec<Error>>, policies: &Path) -> Result<Policies, Vec<Error>> {
    let mut faults = Vec::new();
    let profiles = profiles.and_then(|set| Ok((OfflineLists::load(policies, &set)?, set)));
    let profiles = profiles.map_err(|found| faults.extend(found));
    let roles = Roles::load(policies).map_err(|found| faults.push(found));
    let devices = DeviceSet::load(policies).map_err(|found| faults.extend(found));
    let notices = NoticePolicy::load(policies).and_then(|policy| notice::check(&policy).map(|()| policy));
    let notices = notices.map_err(|found| faults.extend(found));
    let roots = ManufacturingRoots::load(policies).map_err(|found| faults.extend(found));
    match (profiles, roles, devices, roots, notices) {
        (Ok((offline_lists, profiles)), Ok(roles), Ok(devices), Ok(manufacturing_roots), Ok(notices)) => {
            Ok(Policies { profiles, roles, devices, manufacturing_roots, offline_lists, notices })
        }
        _ => Err(faults),
    }
}
