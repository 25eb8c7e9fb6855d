//! What devices fetch: the trust lists and signed files of their cluster.

mod depot;
mod shelf;
mod wanted;

pub use depot::{Depot, Served};
pub use shelf::{ListFile, Release, Shelf};
pub use wanted::{File, Wanted};
