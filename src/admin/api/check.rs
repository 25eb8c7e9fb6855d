//! `POST /check`: records, indexes and serial numbers held against each other.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::auth::Caller;
use super::look::{self, Looking};
use super::problem::{Answer, Refusals};
use crate::admin::roles::Permission;

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

const NAME: &str = "check";

/// Checks the store.
#[utoipa::path(post, path = "/api/v1/check", tag = "service",
    responses((status = 200, description = "What was found", body = Checked),
        (status = 202, description = "It goes on: ask for its end", body = Looking), Refusals))]
pub async fn run(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::CheckRun).await?;
    look::begin(&state, NAME, |inspector| inspector.check()).await
}

/// The end of the newest check.
#[utoipa::path(get, path = "/api/v1/check", tag = "service",
    responses((status = 200, description = "What was found", body = Checked),
        (status = 202, description = "It goes on: ask again", body = Looking), Refusals))]
pub async fn end(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::CheckRun).await?;
    look::newest(&state, NAME).await
}
