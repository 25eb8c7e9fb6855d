//! The integration tests, one scenario per file, in one binary.

mod approve;
mod bad_csr;
mod cms;
mod issue;
mod openssl;
mod profiles;
mod storage;
