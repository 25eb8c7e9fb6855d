//! The integration tests, one scenario per file, in one binary.

mod cms;
mod openssl;
mod storage;
