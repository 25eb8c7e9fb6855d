//! The catalogue's CSR rows that need neither a profile nor the store: each bad request is built from
//! bytes, signed as its requester would, and must be refused with the row's text.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod build;
mod keys;
mod names;
mod requests;
