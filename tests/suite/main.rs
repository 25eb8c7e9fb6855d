//! The integration tests, one scenario per file, in one binary.

mod approve;
mod issue;
mod profiles;
mod storage;
