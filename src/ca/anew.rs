//! Changes of what other requests may change meanwhile: read, decided and written, and all of it anew where another
//! request was faster.

use std::future::Future;

use crate::error::{Error, Result};
use crate::store::{CommitError, Db, Unit};

/// How often a conflict is met by reading again.
const ATTEMPTS: usize = 8;

/// What was decided on what stands there now.
pub(super) struct Decided<T> {
    /// What is to be written; none if nothing is to change.
    pub unit: Option<Unit>,
    /// What is answered once it is written.
    pub outcome: T,
}

/// Has `decide` read and decide, and writes what it wants in one durable write; again where what it read was changed
/// meanwhile. Errors: those of `decide`; `state-conflict` after [`ATTEMPTS`]; `storage`.
pub(super) async fn commit<T, F>(db: &Db, mut decide: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Decided<T>>>,
{
    for _ in 0..ATTEMPTS {
        let Decided { unit, outcome } = decide().await?;
        let Some(unit) = unit else { return Ok(outcome) };
        match db.commit(unit).await {
            Ok(_) => return Ok(outcome),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the records are being changed by other requests; try again"))
}
