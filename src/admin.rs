//! Operators: tokens, roles and the REST API under `/api/v1`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::admin::records::IdempotencyRecord;
use crate::clock::Timestamp;
use crate::device::campaign;
use crate::enrol;
use crate::enrol::records::{ChallengeRecord, ReplyPasswordRecord};
use crate::error::{Error, Result};
use crate::store::{Db, Index, Record, Scan, Unit, When};
use crate::{notice, task};

pub mod api;
pub mod duration;
mod plain;
pub mod policies;
pub mod records;
mod refusals;
pub mod roles;
pub mod state;
pub mod tokens;

pub use state::{
    AfterReload, Backups, FolderState, Inspector, ListenerState, Listeners, Listing, OwnCertificate,
    OwnCertificates, Parts, SignedFolders, State,
};

/// The API, for the HTTPS listener.
pub fn router(state: Arc<State>) -> Router {
    api::router(state)
}

/// `/healthz`, `/readyz` and `/metrics`, for the plain listener.
pub fn plain_router(state: Arc<State>) -> Router {
    plain::router(state)
}

/// Challenges are kept so long after they expired, used or not.
const CHALLENGES_KEPT: Duration = Duration::from_hours(7 * 24);

/// Removes what is kept only for a while (answers to repeated requests, expired challenges, passwords of replies,
/// what enrolment is done with, campaigns of long ago), `batch` records in each durable write until nothing is left; returns how many. For the server's worker.
pub async fn sweep(state: &State, batch: usize) -> Result<usize> {
    let (db, now) = (&state.desk.authority.db, state.now());
    let answers = sweep_all::<IdempotencyRecord>(db, IdempotencyRecord::BY_EXPIRY, now, batch).await?;
    let before = now.minus(CHALLENGES_KEPT);
    let challenges = sweep_all::<ChallengeRecord>(db, ChallengeRecord::BY_EXPIRY, before, batch).await?;
    let passwords = sweep_all::<ReplyPasswordRecord>(db, ReplyPasswordRecord::BY_EXPIRY, now, batch).await?;
    let enrolment = enrol::sweep(&state.desk, batch).await?;
    let tasks = task::sweep(db, now, batch).await?;
    let notices = notice::sweep(db, now, batch).await?;
    let campaigns = campaign::sweep(db, now, batch).await?;
    Ok(answers + challenges + passwords + enrolment + tasks + notices + campaigns)
}

/// Removes the records that expired before `until`.
async fn sweep_all<R: Record>(db: &Db, by_expiry: Index, until: Timestamp, batch: usize) -> Result<usize> {
    let mut gone = 0;
    loop {
        let scan = Scan::all::<R>(by_expiry).range(Vec::new(), Some(until.sort_key().to_vec())).limit(batch);
        let expired = db.scan::<R>(scan).await?.items;
        if !expired.is_empty() {
            let mut unit = Unit::new();
            for stored in &expired {
                unit.delete::<R>(&stored.value.key(), When::Revision(stored.revision));
            }
            db.commit(unit).await?;
            gone += expired.len();
        }
        if expired.len() < batch {
            return Ok(gone);
        }
    }
}

/// The longest life that may be asked of a token.
pub const MAX_TOKEN_TTL: Duration = Duration::from_hours(24 * 366 * 5);

pub(crate) fn already_exists(what: &str, name: &str) -> Error {
    Error::conflict("already-exists", format!("there is a {what} of that name already: {name}"))
}
