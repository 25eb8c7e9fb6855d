//! The authority with real keys and a real store: what it issues is judged by openssl.

mod checked;
mod creation;
mod custody;
mod deltas;
mod external;
mod fixture;
mod leaves;
mod published;
mod reloads;
mod revocation;
mod shards;
mod trust;
