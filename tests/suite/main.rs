//! The integration tests, one scenario per file, in one binary.

mod api;
mod approve;
mod bad_csr;
mod cms;
mod durability;
mod issue;
mod openssl;
mod profiles;
mod storage;
mod x509_judged;
