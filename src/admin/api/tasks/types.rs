//! What the API says of scheduled and periodic work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Work that is scheduled, under way or finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its record.
    pub id: String,
    /// What sort of work, as `certificate.supersede`.
    pub kind: String,
    /// What makes it one and the same work within its kind.
    pub key: String,
    /// What it is about, as `certificate:0A1B…`.
    pub subject: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// When it was scheduled (RFC 3339).
    pub created: String,
    /// When it is to be done, at the earliest; after a failure: tried again (RFC 3339).
    pub due: String,
    /// When its state last changed (RFC 3339).
    pub changed: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt said: its error, or its result.
    pub said: Option<String>,
}

/// Nothing needs to be said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct TaskOrder {}

/// Work that comes again and again of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Periodic {
    /// Its name, as `crl.publish`.
    pub name: String,
    /// The time from one run to the next, at the most, in seconds.
    pub every_seconds: u64,
    /// When it runs next, at the latest (RFC 3339).
    pub next: String,
    /// When it last ran since the server started (RFC 3339).
    pub last: Option<String>,
    /// How long that took, in milliseconds.
    pub took_ms: Option<u64>,
    /// Whether it succeeded.
    pub ok: Option<bool>,
    /// What came of it.
    pub said: Option<String>,
}
