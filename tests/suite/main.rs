//! The integration tests, one scenario per file, in one binary.
#![allow(missing_docs)]

mod api;
mod approve;
mod bad_csr;
mod cms;
mod durability;
mod http_rows;
mod issue;
mod openssl;
mod profiles;
mod fixture;
mod issue;
mod openssl;
mod profiles;
mod scep;
mod storage;
mod x509_judged;
