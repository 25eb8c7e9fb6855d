//! What others are given to trust: bundles of our own CAs, and the lists that phones live by.

pub mod anchor;
pub mod bundle;
pub mod cluster;
pub mod file;
pub mod http;
pub mod identity;
pub mod list;
pub mod records;
pub mod recovery;
pub mod release;
pub mod role;
pub mod sign;
pub mod signed;
pub mod standing;
pub mod tlv;
pub mod tvs;
pub mod warning;
