//! `POST /check`: records, indexes and serial numbers held against each other.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::problem::{Answer, Refusals};
use super::{Shared, json};
use crate::admin::roles::Permission;
use crate::admin::state::Inspector;
use crate::error::{Error, Result};

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
    let checked = inspect(&state.inspector, |inspector| inspector.check()).await?;
    json::answer(StatusCode::OK, &checked)
}

/// Runs a long look into the store on a thread for that.
pub(super) async fn inspect<T: Send + 'static>(
    inspector: &Arc<dyn Inspector>,
    look: impl FnOnce(&dyn Inspector) -> Result<T> + Send + 'static,
) -> Result<T> {
    let inspector = inspector.clone();
    let task = tokio::task::spawn_blocking(move || look(&*inspector));
    task.await.unwrap_or_else(|e| Err(Error::internal("looking into the store").because(e)))
}
