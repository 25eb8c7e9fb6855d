//! The integration tests, one scenario per file, in one binary.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod api;
mod approve;
mod backup;
mod bad_csr;
mod built;
mod campaigns;
mod capf_idle;
mod capf_listener;
mod capf_proof;
mod capf_rows;
mod cms;
mod demo;
mod device_cli;
mod device_reports;
mod devices;
mod durability;
mod fixture;
mod followed;
mod full_disk;
mod http2_rows;
mod http_rows;
mod identities;
mod issue;
mod layers;
mod legacy_build;
mod moving_in;
mod notices;
mod openssl;
mod phones;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod profiles;
mod refusals;
mod renewal;
mod revoking;
mod rollover;
mod scep;
mod serve;
mod storage;
mod tasks;
mod trust;
mod trust_formats;
mod verbs;
mod x509_judged;
mod year;
