//! What others are given to trust: bundles of our own CAs.

pub mod bundle;
pub mod http;
