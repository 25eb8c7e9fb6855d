//! The integration tests, one scenario per file, in one binary.

mod approve;
mod bad_csr;
mod issue;
mod profiles;
mod storage;
