//! What the room keeps: clusters, the anchors of each with their roles, releases of lists, and recovery signers.

mod anchor;
mod cluster;
mod recovery;
mod release;

pub use anchor::{AnchorRecord, Source, serial_key};
pub use cluster::{ClusterRecord, ListDigest, Mode};
pub use recovery::RecoveryRecord;
pub use release::{ListKind, Member, ReleaseRecord};
