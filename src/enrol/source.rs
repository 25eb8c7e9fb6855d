//! Challenges that others judge, and the secret that devices share: one source for each profile that names one.
//!
//! A source says yes, no, or nothing. Nothing (no answer, a bad answer, no room) refuses the request as
//! unavailable: it is not counted against the device, which may come again.

use std::net::IpAddr;

use crate::ca::profile::ChallengeSource;
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::ProfileId;
use crate::random::Random;
use crate::x509::name::Name;
use crate::x509::san::San;

mod health;
pub(super) mod judge;
pub mod radius;
mod room;
pub mod secret_file;
mod set;
mod shared_secret;
mod turns;
mod webhook;

pub use health::Failing;
pub use set::Sources;

/// What a source is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// By which profile.
    pub profile: &'a ProfileId,
    /// The subject that would be certified.
    pub subject: &'a Name,
    /// The alternative names that would be certified.
    pub sans: &'a [San],
    /// The device's name, from the subject.
    pub device: Option<&'a str>,
    /// The client's transaction, if the protocol has one.
    pub transaction: Option<&'a str>,
    /// The challenge.
    pub challenge: &'a str,
    /// The PKCS#10 request, DER.
    pub csr: &'a [u8],
    /// SHA-256 of the request.
    pub csr_digest: [u8; 32],
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The present moment.
    pub at: Timestamp,
}

/// What a source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The challenge is right, for this device.
    Accepted,
    /// It is not; perhaps with a reason.
    Refused(Option<String>),
}

/// Whoever judges the challenges of one profile.
pub struct Source {
    judge: Judge,
    room: room::Room,
    health: health::Health,
}

enum Judge {
    SharedSecret(shared_secret::SharedSecret),
    Webhook(Box<webhook::Webhook>),
    Radius(radius::Radius),
}

impl Source {
    /// Reads the secrets that a profile names; nothing for one-time challenges. No network is touched.
    /// Errors: `secret-file`, `bad-ca-file`.
    fn open(source: &ChallengeSource) -> Result<Option<Self>> {
        let judge = match source {
            ChallengeSource::OneTime => return Ok(None),
            ChallengeSource::SharedSecret { secret } => {
                Judge::SharedSecret(shared_secret::SharedSecret::open(secret)?)
            }
            ChallengeSource::Webhook(options) => Judge::Webhook(Box::new(webhook::Webhook::open(options)?)),
            ChallengeSource::Radius(options) => Judge::Radius(radius::Radius::open(options)?),
        };
        Ok(Some(Self { judge, room: room::Room::default(), health: health::Health::default() }))
    }

    /// Its name, as a profile has it.
    pub fn name(&self) -> &'static str {
        match self.judge {
            Judge::SharedSecret(_) => "shared-secret",
            Judge::Webhook(_) => "webhook",
            Judge::Radius(_) => "radius",
        }
    }

    /// Whether asking it may change something elsewhere: a password of one use is spent.
    pub fn is_elsewhere(&self) -> bool {
        match self.judge {
            Judge::SharedSecret(_) => false,
            Judge::Webhook(_) | Judge::Radius(_) => true,
        }
    }

    /// Since when it gives no answers, and why; nothing if it answered the last time.
    pub fn failing(&self) -> Option<Failing> {
        self.health.failing()
    }

    /// Asks. Errors: `challenge-source-busy` if too many ask at once, in all or from one address; `challenge-source-unavailable` if it says
    /// neither yes nor no, with the reason as its cause.
    async fn ask(&self, question: &Question<'_>, random: &Random) -> Result<Verdict> {
        let Some(_place) = self.room.enter(question.address) else {
            let text = "too many challenges are being judged; try again";
            return Err(Error::new(Kind::Busy, "challenge-source-busy", text));
        };
        let verdict = match &self.judge {
            Judge::SharedSecret(secret) => Ok(secret.judge(question.challenge)),
            Judge::Webhook(webhook) => webhook.ask(question).await,
            Judge::Radius(radius) => radius.ask(question, random).await,
        };
        match verdict {
            Ok(verdict) => {
                self.health.answered();
                Ok(verdict)
            }
            Err(why) => {
                self.health.failed(question.at, why.detail());
                Err(unavailable(self.name()).because(why))
            }
        }
    }
}

fn unavailable(source: &str) -> Error {
    let text = format!("the {source} that judges challenges gave no answer; try again");
    Error::new(Kind::Unreachable, "challenge-source-unavailable", text)
}
