//! Signet: a private certificate authority for communications estates.
//!
//! A request enters at a protocol edge, becomes one internal type, is approved in one place,
//! issued in one place, stored once, and the answer goes back the way it came. A room may use
//! only what stands to its right (`tests/suite/layers.rs` holds it):
//! `cli, server → admin → notice → enrol → trust → ca → keys → x509 → {error, clock, random, id, store, audit, task}`.

// Single DES, MD5 and SHA-1 signatures are outside of any validated module.
#[cfg(all(fips, feature = "legacy"))]
compile_error!("a FIPS build never has feature legacy: see docs/decisions/legacy.md");

pub mod admin;
pub mod audit;
pub mod ca;
pub mod cli;
pub mod clock;
pub mod device;
pub mod enrol;
pub mod error;
pub mod id;
pub mod keys;
pub mod notice;
pub mod outbound;
pub mod phone;
pub mod random;
pub mod server;
pub mod storage;
pub mod store;
pub mod task;
pub mod trust;
pub mod x509;
