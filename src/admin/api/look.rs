//! Long looks into the store: one at a time; each goes on if the caller goes away, and its end is kept to be asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::json;
use super::problem::Answer;
use crate::admin::state::{Inspector, State as Service};
use crate::error::{Error, Kind, Result};

/// How long a caller waits for the end; then he is told to ask again. Well under the listener's own limit.
const PATIENCE: Duration = Duration::from_secs(20);

/// A look that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Looking {
    /// Always `running`: ask again (GET on the same path).
    pub state: String,
}

/// Where the ends of looks are kept, the newest of each name.
#[derive(Debug)]
pub struct Looks {
    turn: Arc<Semaphore>,
    newest: Mutex<BTreeMap<&'static str, watch::Receiver<End>>>,
}

/// None while it goes on.
type End = Option<Arc<Result<serde_json::Value>>>;

impl Default for Looks {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), newest: Mutex::default() }
    }
}

/// Begins a look and waits for its end for a while: 200 with what it found, or 202 while it goes on. Errors: `busy` while
/// another goes on; the look's own.
pub(super) async fn begin<T: Serialize>(
    state: &Service,
    name: &'static str,
    look: impl FnOnce(&dyn Inspector) -> Result<T> + Send + 'static,
) -> Answer {
    let permit = state.looks.turn.clone().try_acquire_owned().map_err(|_| {
        let text = "a check of the store or of the audit log goes on; try again when it is done";
        Error::new(Kind::Busy, "busy", text)
    })?;
    let inspector = state.inspector.clone();
    let (ended, end) = watch::channel(None);
    state.looks.newest.lock().unwrap_or_else(PoisonError::into_inner).insert(name, end.clone());
    tokio::task::spawn_blocking(move || {
        let value = look(&*inspector).and_then(|found| {
            serde_json::to_value(found)
                .map_err(|e| Error::internal("a look's end cannot be written").because(e))
        });
        // First: who is told of the end may begin the next.
        drop(permit);
        ended.send_replace(Some(Arc::new(value)));
    });
    wait(end).await
}

/// Waits a while for the end of the newest look of this name, or gives it again. Errors: as [`begin`]; `not-found` if none
/// was begun since the start.
pub(super) async fn newest(state: &Service, name: &'static str) -> Answer {
    let end = state.looks.newest.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let end = end.ok_or_else(|| Error::not_found("a look since the start of the server", name))?;
    wait(end).await
}

async fn wait(mut end: watch::Receiver<End>) -> Answer {
    let ended = match timeout(PATIENCE, end.wait_for(Option::is_some)).await {
        Ok(Ok(ended)) => ended.clone(),
        Ok(Err(_)) => return Err(Error::internal("looking into the store was cut off").into()),
        Err(_) => None,
    };
    match ended.as_deref() {
        Some(Ok(found)) => json::answer(StatusCode::OK, found),
        Some(Err(error)) => Err(Error::new(error.kind(), error.code(), error.detail()).into()),
        None => json::answer(StatusCode::ACCEPTED, &Looking { state: "running".to_owned() }),
    }
}
