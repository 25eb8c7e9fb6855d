//! The integration tests, one scenario per file, in one binary.

mod bad_csr;
mod storage;
