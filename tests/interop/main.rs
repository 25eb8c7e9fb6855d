//! Foreign programs as clients and judges, each against a real server process.
//!
//! A program that is missing fails its test: `tests/setup` installs them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod api;
#[cfg(feature = "legacy")]
mod clients;
mod crash;
mod nginx;
mod notices;
mod ocsp;
mod pkilint;
mod radius;
mod renewal;
mod server;
mod strongswan;
mod trace;
