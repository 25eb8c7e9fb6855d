//! Which CA stands where: in force, next, or on its way out.

use std::sync::Arc;

use super::records::{RolloverRecord, Stage};
use crate::ca::{Hierarchy, LoadedCa};
use crate::error::{Error, Result};
use crate::id::CaId;

/// Where a CA stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It issues under its own name, or under that of the CA that it followed.
    InForce,
    /// It is announced and issues to who asks for it; it has yet to take over.
    Next,
    /// Another issues in its place; it signs its CRL and OCSP until its last certificate expired.
    Retiring,
    /// It signs nothing any more.
    Retired,
}

impl Hierarchy {
    /// The CA that issues under that name now: the named one, or who followed it. Errors: `not-found`.
    pub fn in_force(&self, named: &CaId) -> Result<&Arc<LoadedCa>> {
        let mut at = named;
        // Who follows is always made later than whom it follows, so there is no way in a circle; bounded all the same.
        for _ in self.rollovers() {
            match self.rollovers().iter().find(|r| r.is_active() && r.current == *at) {
                Some(rollover) => at = &rollover.next,
                None => break,
            }
        }
        self.require(at)
    }

    /// The CA that is to follow the one in force under that name, if one is prepared.
    pub fn next_of(&self, named: &CaId) -> Option<&Arc<LoadedCa>> {
        let in_force = &self.in_force(named).ok()?.record.id;
        let rollover = self.rollovers().iter().find(|r| r.is_prepared() && r.current == *in_force)?;
        self.require(&rollover.next).ok()
    }

    /// The CAs that issued under that name, or were to, and have not retired yet; newest first.
    pub fn former_of(&self, named: &CaId) -> Vec<&Arc<LoadedCa>> {
        let (mut found, mut at) = (Vec::new(), self.in_force(named).map(|ca| &ca.record.id).ok());
        for _ in 0..=self.rollovers().len() {
            let Some(id) = at else { break };
            let serves = |r: &&RolloverRecord| r.retired.is_none();
            let is_off = |r: &&RolloverRecord| r.current == *id && matches!(r.stage, Stage::Cancelled { .. });
            found.extend(self.rollovers().iter().filter(is_off).filter(serves).map(|r| &r.next));
            let before = self.rollovers().iter().find(|r| r.is_active() && r.next == *id);
            found.extend(before.filter(serves).map(|r| &r.current));
            at = before.map(|r| &r.current);
        }
        found.into_iter().filter_map(|id| self.require(id).ok()).collect()
    }

    /// The rollover that makes the named CA the next, or else the one that is prepared for the CA in force under that
    /// name.
    /// Errors: `no-rollover`.
    pub fn prepared(&self, named: &CaId) -> Result<&RolloverRecord> {
        let in_force = &self.in_force(named)?.record.id;
        let prepared = || self.rollovers().iter().filter(|r| r.is_prepared());
        let of_the_next = prepared().find(|r| r.next == *named);
        of_the_next.or_else(|| prepared().find(|r| r.current == *in_force)).ok_or_else(|| {
            let text = format!(
                "no successor of {named} is prepared: make one first (signet ca rollover prepare {named})"
            );
            Error::conflict("no-rollover", text)
        })
    }

    /// Where a CA stands.
    pub fn standing(&self, id: &CaId) -> Standing {
        let out = self.rollovers().iter().find(|r| r.outgoing().is_some_and(|(ca, _)| ca == id));
        let next = || self.rollovers().iter().any(|r| r.is_prepared() && r.next == *id);
        match out.map(|r| r.retired) {
            Some(Some(_)) => Standing::Retired,
            Some(None) => Standing::Retiring,
            None if next() => Standing::Next,
            None => Standing::InForce,
        }
    }
}
