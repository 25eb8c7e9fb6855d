//! Notices before certificates expire: looked for on schedule, recorded once for each certificate and step, and sent as
//! one message to each channel that `policies/notices.toml` names.
//!
//! **At least once.** What was found is recorded first; the messages are tasks that the last of these writes schedules.
//! A look that a crash broke off goes on where it stopped; a message that may not have arrived is sent again, under
//! the same identifier.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ca::Authority;
use crate::error::Error;

pub mod channel;
mod deliver;
mod digest;
mod look;
mod own;
pub mod policy;
pub mod records;
mod steps;
mod superseded;
mod sweep;
mod trial;

pub use deliver::{SEND, deliver};
pub use look::look;
pub use sweep::sweep;
pub use trial::try_out;

use channel::Channels;
use policy::NoticePolicy;

/// Looks for what expires, and tells it.
pub struct Notices {
    /// Where the certificates are.
    pub authority: Arc<Authority>,
    in_force: RwLock<Arc<InForce>>,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
}

/// A policy, and the channels that it names.
pub struct InForce {
    /// The policy.
    pub policy: NoticePolicy,
    /// Its channels, opened.
    pub channels: Channels,
}

impl Notices {
    /// With this policy in force.
    pub fn new(authority: Arc<Authority>, policy: NoticePolicy) -> Self {
        let in_force = RwLock::new(Arc::new(InForce::of(policy)));
        Self { authority, in_force, looking: tokio::sync::Mutex::default() }
    }

    /// What is in force.
    pub fn current(&self) -> Arc<InForce> {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another policy in force, and opens its channels.
    pub fn swap(&self, policy: NoticePolicy) {
        let in_force = Arc::new(InForce::of(policy));
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = in_force;
    }
}

impl InForce {
    /// A channel that cannot be opened fails what it is to send; the others serve.
    fn of(policy: NoticePolicy) -> Self {
        let (channels, faults) = Channels::open(&policy);
        for fault in &faults {
            tracing::error!(code = fault.code(), %fault, "a channel of notices cannot be used");
        }
        Self { policy, channels }
    }
}

/// Holds the files that a policy's channels name against the rules, keeping nothing. Errors: every fault found, with
/// `file:line` as its field: `secret-file`, `bad-ca-file`.
pub fn check(policy: &NoticePolicy) -> Result<(), Vec<Error>> {
    let faults = Channels::open(policy).1;
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
