//! Enrolment: every protocol edge makes one [`Request`], and one function decides and issues.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ca::issue::IssueError;
use crate::ca::profile::ProfileSet;
use crate::ca::{self, Authority, Issued};
use crate::enrol::approve::{Decision, approve_with};
use crate::enrol::capf::proof::ManufacturingRoots;
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::refused::device::DeviceSet;
use crate::enrol::source::{Sources, judge};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::Unit;

pub mod approve;
mod authorize;
pub mod capf;
pub mod challenge;
mod keep;
mod key_history;
pub mod offline;
mod own_names;
mod policy;
pub mod queue;
pub mod records;
pub mod refused;
pub mod request;
pub mod scep;
pub mod scep_ra;
pub mod source;
mod succeed;
mod sweep;
pub mod throttle;
mod transaction;

pub use request::{Application, DeviceProof, Proof, Request, Transaction};
pub use sweep::sweep;

/// How often a request that lost a race is decided anew.
const ATTEMPTS: usize = 3;
const CONFLICT: &str = "state-conflict";

/// What enrolment needs, shared by all edges.
pub struct Desk {
    /// Issues.
    pub authority: Arc<Authority>,
    /// The profiles in force.
    pub profiles: Arc<Profiles>,
    /// Counts wrong attempts.
    pub throttle: throttle::Throttle,
}

/// The profiles in force: a whole set, swapped at once with those who judge its challenges; and the names that our own
/// certificates by them bear.
#[derive(Debug)]
pub struct Profiles {
    in_force: RwLock<InForce>,
    devices: RwLock<Arc<DeviceSet>>,
    manufacturing_roots: RwLock<Arc<ManufacturingRoots>>,
    offline_lists: RwLock<Arc<OfflineLists>>,
    own_names: own_names::OwnNames,
}

#[derive(Clone, Debug)]
struct InForce {
    set: Arc<ProfileSet>,
    sources: Arc<Sources>,
}

impl InForce {
    /// A source that cannot be opened refuses what it is asked; the other profiles serve.
    fn of(set: ProfileSet) -> Self {
        let (sources, faults) = Sources::open(&set);
        for fault in &faults {
            tracing::error!(code = fault.code(), %fault, "a profile's challenges cannot be judged");
        }
        Self { set: Arc::new(set), sources: Arc::new(sources) }
    }
}

impl Profiles {
    /// Starts with a set, and opens the sources of its challenges; the devices are those that are compiled in.
    pub fn new(set: ProfileSet) -> Self {
        Self {
            in_force: RwLock::new(InForce::of(set)),
            devices: RwLock::new(Arc::new(DeviceSet::shipped().unwrap_or_default())),
            manufacturing_roots: RwLock::default(),
            offline_lists: RwLock::default(),
            own_names: own_names::OwnNames::default(),
        }
    }
    /// The set in force.
    pub fn current(&self) -> Arc<ProfileSet> {
        self.in_force().set
    }
    /// Who judges the challenges of the set in force.
    pub fn sources(&self) -> Arc<Sources> {
        self.in_force().sources
    }
    /// Puts another set in force, and opens the sources of its challenges.
    pub fn swap(&self, set: ProfileSet) {
        let in_force = InForce::of(set);
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = in_force;
    }
    /// The devices that are known.
    pub fn devices(&self) -> Arc<DeviceSet> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Puts other devices in force.
    pub fn swap_devices(&self, devices: DeviceSet) {
        *self.devices.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(devices);
    }
    /// The manufacturers' CAs whose MICs are believed; none at first.
    pub fn manufacturing_roots(&self) -> Arc<ManufacturingRoots> {
        self.manufacturing_roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Puts others in force.
    pub fn swap_manufacturing_roots(&self, roots: ManufacturingRoots) {
        *self.manufacturing_roots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roots);
    }
    /// What CAs elsewhere revoked, as far as it is known here; nothing at first.
    pub fn offline_lists(&self) -> Arc<OfflineLists> {
        self.offline_lists.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Puts other lists in force.
    pub fn swap_offline_lists(&self, lists: OfflineLists) {
        *self.offline_lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }
    fn in_force(&self) -> InForce {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).clone()
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
/// `challenge-refused`, `renewal-refused`, `throttled`, `policy`, …), recorded in the audit log; a race that was lost
/// returns the winner's certificate.
pub async fn enrol(desk: &Desk, request: Request) -> Result<Outcome> {
    enrol_with(desk, request, Unit::new()).await
}

/// As [`enrol`], writing `alongside` in the same commit as what is new (not with an answer that was given before).
/// Errors: as there, and `state-conflict` if a condition of `alongside` does not hold.
pub async fn enrol_with(desk: &Desk, request: Request, alongside: Unit) -> Result<Outcome> {
    enrol_received(desk, request, alongside, None).await
}

/// As [`enrol_with`], keeping the message as it was received if it is refused, so that it can be explained and tried
/// again ([`refused`]).
pub async fn enrol_received(
    desk: &Desk,
    request: Request,
    alongside: Unit,
    received: Option<&refused::Received>,
) -> Result<Outcome> {
    let outcome = decide_and_issue(desk, &request, &alongside).await;
    if let Err(error) = &outcome {
        refused::refuse(desk, &request, received, error).await;
    }
    outcome
}

/// A claim that no longer holds means that another request was first: deciding again finds its answer.
async fn decide_and_issue(desk: &Desk, request: &Request, alongside: &Unit) -> Result<Outcome> {
    let _turn = judge::turn(desk, request).await;
    for _ in 0..ATTEMPTS {
        let order = match approve_with(desk, request, alongside).await {
            Ok(Decision::Approved(order)) => order,
            Ok(Decision::AlreadyIssued(issued)) => return Ok(Outcome::Issued(issued)),
            Ok(Decision::Pending(id)) => return Ok(Outcome::Pending(id)),
            Err(e) if e.code() == CONFLICT => continue,
            Err(e) => return Err(e),
        };
        match ca::issue(&desk.authority, *order).await {
            Ok(issued) => return Ok(Outcome::Issued(Box::new(issued))),
            Err(IssueError::Claimed { .. }) => {}
            Err(IssueError::Failed(e)) => return Err(e),
        }
    }
    Err(Error::conflict(CONFLICT, "another request was faster; try again"))
}
