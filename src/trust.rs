//! What others are given to trust: bundles of our own CAs, and the lists that phones live by.

pub mod bundle;
pub mod http;
pub mod role;
