//! `POST /check`: records, indexes and serial numbers held against each other.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::problem::{Answer, Refusals};
use super::{Shared, json};
use crate::admin::roles::Permission;
use crate::admin::state::{Inspector, State as Service};
use crate::error::{Error, Kind, Result};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// How many records there are.
    pub records: u64,
    /// What is wrong.
    pub findings: Vec<String>,
    /// Whether nothing was found.
    pub ok: bool,
}

/// Checks the store.
#[utoipa::path(post, path = "/api/v1/check", tag = "service",
    responses((status = 200, description = "What was found", body = Checked), Refusals))]
pub async fn run(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::CheckRun).await?;
    let checked = inspect(&state, |inspector| inspector.check()).await?;
    json::answer(StatusCode::OK, &checked)
}

/// Runs a long look into the store on a thread for that, one at a time: it goes on if the caller goes away, and would
/// pile up. Errors: `busy` while another goes on.
pub(super) async fn inspect<T: Send + 'static>(
    state: &Service,
    look: impl FnOnce(&dyn Inspector) -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = state.inspection.clone().try_acquire_owned().map_err(|_| {
        Error::new(
            Kind::Busy,
            "busy",
            "a check of the store or of the audit log goes on; try again when it is done",
        )
    })?;
    let inspector = state.inspector.clone();
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        look(&*inspector)
    });
    task.await.unwrap_or_else(|e| Err(Error::internal("looking into the store").because(e)))
}
