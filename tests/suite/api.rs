//! The REST API, as a client meets it: requests in, answers out, over the router itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod audit;
mod backups;
mod batch;
mod cas;
mod certificates;
mod challenges;
mod description;
pub(crate) mod fixture;
mod http;
mod json;
mod notices;
mod profiles;
mod refused;
mod requests;
mod revocation;
mod search;
mod tasks;
mod tokens;
