//! Enrolment: every protocol edge makes one [`Request`], and one function decides and issues.

use std::sync::Arc;

use crate::ca::profile::ProfileSet;
use crate::ca::{Authority, Issued};
use crate::error::Result;
use crate::id::RecordId;

pub mod approve;
pub mod challenge;
pub mod records;
pub mod request;
pub mod scep;
pub mod scep_ra;
pub mod throttle;

pub use request::{Proof, Request, Transaction};

/// What enrolment needs, shared by all edges.
pub struct Desk {
    /// Issues.
    pub authority: Arc<Authority>,
    /// The profiles in force.
    pub profiles: Arc<Profiles>,
    /// Counts wrong attempts.
    pub throttle: throttle::Throttle,
}

/// The profiles in force: a whole set, swapped at once.
#[derive(Debug)]
pub struct Profiles(std::sync::RwLock<Arc<ProfileSet>>);

impl Profiles {
    /// Starts with a set.
    pub fn new(set: ProfileSet) -> Self {
        Self(std::sync::RwLock::new(Arc::new(set)))
    }
    /// The set in force.
    pub fn current(&self) -> Arc<ProfileSet> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
    /// Puts another set in force.
    pub fn swap(&self, set: ProfileSet) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(set);
    }
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome {
    /// A certificate, new or (a retransmission) the same as before.
    Issued(Box<Issued>),
    /// An operator must decide.
    Pending(RecordId),
}

/// Decides and issues: the one call that every edge makes. A refusal is an error (`bad-csr`, `challenge-required`,
/// `challenge-refused`, `throttled`, `policy`, …), recorded in the audit log; a race that was lost returns the winner's certificate.
pub async fn enrol(_desk: &Desk, _request: Request) -> Result<Outcome> {
    todo!()
}
