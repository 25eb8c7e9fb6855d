//! The integration tests, one scenario per file, in one binary.
#![allow(missing_docs)]

mod api;
mod approve;
mod bad_csr;
mod cms;
mod durability;
mod issue;
mod openssl;
mod profiles;
mod http_rows;
mod storage;
mod x509_judged;
