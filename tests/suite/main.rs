//! The integration tests, one scenario per file, in one binary.

mod api;
mod approve;
mod bad_csr;
mod cms;
mod issue;
mod openssl;
mod profiles;
mod durability;
mod storage;
mod x509_judged;
