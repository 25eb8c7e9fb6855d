//! Clusters, their anchors, releases of lists, and the recovery signer.

mod anchors;
mod files;
mod fixture;
mod identities;
mod moving_in;
mod recovery;
mod releases;
mod sealed;
mod verbs;
