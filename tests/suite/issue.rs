//! The authority with real keys and a real store: what it issues is judged by openssl.

mod checked;
mod creation;
mod custody;
mod deltas;
mod external;
mod fixture;
mod hold;
mod leaves;
mod many;
mod ocsp_status;
mod published;
mod reloads;
mod revocation;
mod revoked_ca;
mod shards;
mod trust;
