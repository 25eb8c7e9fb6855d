//! Messages whose envelope cannot be opened are counted like wrong challenges: they may be guesses at what is in it.

use std::net::IpAddr;

use crate::audit::Actor;
use crate::enrol::throttle::Who;
use crate::enrol::{Desk, authorize};
use crate::error::Result;
use crate::id::ProfileId;

/// Whoever may be guessing.
pub struct Guesses<'a> {
    desk: &'a Desk,
    profile: &'a ProfileId,
    actor: Actor,
    whos: Vec<Who>,
}

impl<'a> Guesses<'a> {
    /// By the signer's key and the peer's address. A signer with a live certificate of ours answers for its key alone,
    /// so that a stranger behind the same address does not shut its renewal out.
    pub fn new(
        desk: &'a Desk,
        profile: &'a ProfileId,
        actor: Actor,
        key: Option<[u8; 32]>,
        address: Option<IpAddr>,
        live: bool,
    ) -> Self {
        let mut whos: Vec<Who> = key.map(Who::Key).into_iter().collect();
        whos.extend(address.filter(|_| !live).map(Who::address));
        Self { desk, profile, actor, whos }
    }

    /// Errors: `throttled`.
    pub fn check(&self) -> Result<()> {
        self.desk.throttle.check(self.desk.authority.clock.now(), &self.whos)
    }

    /// Counts one.
    pub async fn count(&self) {
        authorize::count_wrong(self.desk, &self.actor, self.profile, &self.whos).await;
    }
}
