//! Profiles and roles, read and validated as a whole before they take effect.

use std::path::{Path, PathBuf};

use crate::admin::roles::Roles;
use crate::admin::state::State;
use crate::audit::{Actor, Event};
use crate::ca::profile::ProfileSet;
use crate::error::{Error, Result};
use crate::store::Unit;

/// Reads the policies folder and puts what it says in force; returns how many profiles there are. For the API and
/// SIGHUP alike. Errors: every fault found; then the old set stays in force.
pub async fn reload(state: &State, actor: Actor) -> Result<usize, Vec<Error>> {
    let (profiles, roles) = read(state.policies.clone()).await?;
    let count = profiles.all().len();
    let mut unit = Unit::new();
    unit.event(Event::new(state.now(), actor, "policies.reload", "policies:all").with("profiles", count));
    state.desk.authority.db.commit(unit).await.map_err(|e| vec![e.into()])?;
    state.desk.profiles.swap(profiles);
    state.swap_roles(roles);
    Ok(count)
}

/// Reads and validates the policies folder, changing nothing. Errors: every fault found.
pub async fn check(policies: &Path) -> Result<(), Vec<Error>> {
    read(policies.to_owned()).await.map(|_| ())
}

async fn read(policies: PathBuf) -> Result<(ProfileSet, Roles), Vec<Error>> {
    let task =
        tokio::task::spawn_blocking(move || match (ProfileSet::load(&policies), Roles::load(&policies)) {
            (Ok(profiles), Ok(roles)) => Ok((profiles, roles)),
            (Ok(_), Err(fault)) => Err(vec![fault]),
            (Err(faults), Ok(_)) => Err(faults),
            (Err(mut faults), Err(fault)) => {
                faults.push(fault);
                Err(faults)
            }
        });
    task.await.unwrap_or_else(|e| Err(vec![Error::internal("reading the policies").because(e)]))
}
