//! The one place where a request is decided; the sole maker of [`Order`].

use crate::ca::{Issued, Order};
use crate::enrol::{Desk, Request};
use crate::error::Result;
use crate::id::RecordId;

/// What was decided.
#[derive(Debug)]
pub enum Decision {
    /// Issue it.
    Approved(Box<Order>),
    /// It was issued before: the same transaction and request (a retransmission).
    AlreadyIssued(Box<Issued>),
    /// An operator must decide; the request is kept.
    Pending(RecordId),
}

/// Decides a request: claim of the transaction, challenge or renewal signer, policy, manual queue.
/// A denial is an error.
pub async fn approve(_desk: &Desk, _request: &Request) -> Result<Decision> {
    todo!()
}
