//! The integration tests, one scenario per file, in one binary.
#![allow(missing_docs)]

mod approve;
mod bad_csr;
mod cms;
mod issue;
mod openssl;
mod profiles;
mod http_rows;
mod storage;
