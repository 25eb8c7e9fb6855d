//! The Trust Verification Service: phones ask whether a certificate that is not in their list may be trusted, and for
//! which roles. What is said of a certificate is said of its very bytes.

pub mod frame;
pub mod index;
pub mod message;
pub mod name;
pub mod service;

pub use frame::{Command, HEADER, Header};
pub use message::{Asker, Question, Verdict};
pub use service::{Answered, Service};

use crate::error::Error;

/// What cannot be read is not answered: the connection is closed.
fn malformed(detail: &str) -> Error {
    Error::malformed("bad-tvs-message", detail)
}
