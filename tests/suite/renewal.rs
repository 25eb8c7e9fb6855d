//! Renewal: who is due, late or vanished; by the certificate itself over TLS; what becomes of the one before.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod book;
mod forged;
mod handshake;
mod house;
mod listener;
mod over_tls;
mod superseded;
