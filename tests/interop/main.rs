//! Foreign programs as clients and judges, each against a real server process.
//!
//! A program that is missing fails its test: `tests/setup` installs them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod api;
#[allow(dead_code, reason = "the suite uses all of it")]
#[path = "../suite/built.rs"]
mod built;
#[cfg(feature = "legacy")]
mod clients;
mod crash;
#[allow(dead_code, reason = "the suite uses all of it")]
#[path = "../suite/phones/estate.rs"]
mod estate;
mod nginx;
mod notices;
mod ocsp;
mod phones;
mod pkilint;
mod radius;
mod renewal;
mod server;
mod strongswan;
mod trace;
