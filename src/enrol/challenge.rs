//! One-time challenge passwords, bound to identity and profile.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::enrol::Desk;
use crate::enrol::records::ChallengeRecord;
use crate::error::Result;
use crate::id::{ProfileId, RecordId};
use crate::x509::name::Name;
use crate::x509::san::San;

/// What a challenge is for.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// By which profile it may be used.
    pub profile: ProfileId,
    /// The subject it may be used for (RFC 5280 §7.1).
    pub subject: Name,
    /// The alternative names it may be used for, as a set.
    pub sans: Vec<San>,
    /// How long it lives, at most 30 days.
    pub ttl: Duration,
}

/// Makes a challenge: 128 random bits in a readable alphabet, returned once and stored hashed.
pub async fn create(
    _desk: &Desk,
    _new: NewChallenge,
    _actor: Actor,
) -> Result<(ChallengeRecord, Zeroizing<String>)> {
    todo!()
}

/// Withdraws an unused challenge. Errors: `not-found`, `state-conflict` if it was used.
pub async fn withdraw(_desk: &Desk, _id: RecordId, _actor: Actor) -> Result<()> {
    todo!()
}
