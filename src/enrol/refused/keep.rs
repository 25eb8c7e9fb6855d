//! Noting a refusal: an audit entry and the refused request, in one unit. Best effort, and bounded, so that nobody fills
//! the disk with them; a refusal never depends on its being noted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::audit::{Actor, Event, Outcome};
use crate::clock::Timestamp;
use crate::enrol::refused::record::{Asked, MessageRecord, Protocol, RefusedRecord};
use crate::enrol::refused::{sealer, traits};
use crate::enrol::throttle::Who;
use crate::enrol::{Desk, Proof, Request};
use crate::error::{Error, Kind, Misfit, Result};
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::Unit;

/// Longer messages are not kept, only what is known of them: a SCEP request has 2 to 4 KiB.
const MAX_MESSAGE: usize = 16 * 1024;
/// What a client calls itself, in characters.
const MAX_USER_AGENT: usize = 200;

/// A request as its edge received it.
pub struct Received {
    /// How it came.
    pub protocol: Protocol,
    /// The message, byte for byte.
    pub message: Vec<u8>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// Whether it came by GET.
    pub by_get: bool,
    noted: AtomicBool,
}

impl Received {
    /// A message, by POST, of a client that says nothing of itself.
    pub fn new(protocol: Protocol, message: Vec<u8>) -> Self {
        Self { protocol, message, user_agent: None, by_get: false, noted: AtomicBool::new(false) }
    }

    /// The same, with what HTTP says of it.
    #[must_use]
    pub fn by(self, user_agent: Option<String>, by_get: bool) -> Self {
        Self { user_agent, by_get, ..self }
    }

    /// Whether its refusal was noted: that is done once, where most is known of it.
    pub fn is_noted(&self) -> bool {
        self.noted.load(Ordering::Relaxed)
    }
}

/// The message may hold a challenge.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// Why a request is refused, and what it was.
#[derive(Debug)]
pub struct Refused<'a> {
    /// Who asked.
    pub actor: Actor,
    /// By which profile.
    pub profile: &'a ProfileId,
    /// The peer's address.
    pub address: Option<IpAddr>,
    /// The stable code.
    pub code: &'static str,
    /// The rule, as the requester is told it.
    pub rule: &'a str,
    /// The value that did not fit a rule of the profile.
    pub misfit: Option<&'a Misfit>,
    /// What was asked for, as far as it was read.
    pub asked: Asked,
    /// The message; without one only the audit entry is written.
    pub received: Option<&'a Received>,
}

/// Notes that a request which was read is refused; failures of ours are for the log alone.
pub(in crate::enrol) async fn refuse(
    desk: &Desk,
    request: &Request,
    received: Option<&Received>,
    error: &Error,
) {
    if !is_refusal(error.kind()) {
        return;
    }
    let refused = Refused {
        actor: request.actor.clone(),
        profile: &request.profile,
        address: request.address,
        code: error.code(),
        rule: error.detail(),
        misfit: error.unfit(),
        asked: asked(request),
        received,
    };
    note(desk, refused).await;
}

/// Notes in the audit log that a request could not be decided, for a reason that is not its own: it is not kept.
pub(in crate::enrol) async fn note_undecided(desk: &Desk, request: &Request, code: &'static str, rule: &str) {
    let refused = Refused {
        actor: request.actor.clone(),
        profile: &request.profile,
        address: request.address,
        code,
        rule,
        misfit: None,
        asked: asked(request),
        received: None,
    };
    note(desk, refused).await;
}

/// Notes that a request could not even be read.
pub async fn refuse_unread(
    desk: &Desk,
    (actor, address): (Actor, Option<IpAddr>),
    profile: &ProfileId,
    received: &Received,
    error: &Error,
) {
    if is_refusal(error.kind()) {
        let (code, rule, misfit) = (error.code(), error.detail(), error.unfit());
        let (asked, received) = (Asked::default(), Some(received));
        note(desk, Refused { actor, profile, address, code, rule, misfit, asked, received }).await;
    }
}

/// Notes a refusal, as far as there is room for it.
pub(in crate::enrol) async fn note(desk: &Desk, refused: Refused<'_>) {
    let now = desk.authority.clock.now();
    if let Some(received) = refused.received {
        received.noted.store(true, Ordering::Relaxed);
    }
    let admitted = if refused.asked.proof.is_some() {
        desk.throttle.admit_refusal(now, refused.address, refused.code)
    } else {
        desk.throttle.admit_unopened(now, refused.address, refused.code)
    };
    let Some(unwritten) = admitted else { return };
    let written = match unit(desk, &refused, now, unwritten) {
        Ok(unit) => desk.authority.db.commit(unit).await.map(drop).map_err(Error::from),
        Err(e) => Err(e),
    };
    if let Err(error) = written {
        tracing::warn!(%error, "a refusal could not be recorded");
    }
}

/// Whether an error is a refusal of the request, not a fault of ours.
pub(in crate::enrol) fn is_refusal(kind: Kind) -> bool {
    match kind {
        Kind::Malformed
        | Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Throttled
        | Kind::TooLarge => true,
        Kind::Busy | Kind::Storage | Kind::Unreachable | Kind::Internal => false,
    }
}

fn unit(desk: &Desk, refused: &Refused<'_>, now: Timestamp, unwritten: u32) -> Result<Unit> {
    let mut unit = Unit::new();
    let mut event =
        Event::new(now, refused.actor.clone(), "enrol.refuse", format!("profile:{}", refused.profile))
            .outcome(Outcome::Refused)
            .with("code", refused.code)
            .with("rule", refused.rule);
    if let Some(subject) = &refused.asked.subject {
        event = event.with("subject", subject);
    }
    if unwritten > 0 {
        event = event.with("refusals-not-recorded", unwritten);
    }
    if let Some(received) = refused.received {
        let id = RecordId::new(now, &desk.authority.random)?;
        let has_message = (1..=MAX_MESSAGE).contains(&received.message.len());
        if has_message {
            let sealed = sealer(desk)?.seal(id.as_bytes(), &received.message)?;
            unit.insert(&MessageRecord { request: id, sealed })?;
        }
        unit.insert(&record(desk, refused, received, id, has_message))?;
        event = event.with("request", id);
    }
    unit.event(event);
    Ok(unit)
}

fn record(
    desk: &Desk,
    refused: &Refused<'_>,
    received: &Received,
    id: RecordId,
    has_message: bool,
) -> RefusedRecord {
    let traits = traits::of(received);
    let set = desk.profiles.current();
    let profile = set.require(refused.profile).ok();
    let user_agent = received.user_agent.as_deref().map(plain).filter(|text| !text.is_empty());
    let mut asked = refused.asked.clone();
    asked.transaction = asked.transaction.or(traits.transaction);
    RefusedRecord {
        id,
        protocol: received.protocol,
        profile: refused.profile.clone(),
        code: refused.code.to_owned(),
        rule: refused.rule.chars().take(1000).collect(),
        misfit: refused.misfit.cloned(),
        asked,
        requester: refused.actor.to_string(),
        counted_as: counted_as(&refused.actor, refused.address),
        user_agent,
        traits: traits.names,
        policy: profile.map(|p| Sha256::digest(p.source()).into()),
        has_message,
    }
}

/// Whose share it takes: an operator's by name, a client's by address.
fn counted_as(actor: &Actor, address: Option<IpAddr>) -> String {
    match (actor, address) {
        (Actor::Client { .. }, Some(address)) => Who::address(address).to_string(),
        (Actor::Client { .. } | Actor::Operator(_) | Actor::System, _) => actor.to_string(),
    }
}

fn asked(request: &Request) -> Asked {
    Asked {
        subject: Some(request.application.subject().clone()),
        sans: request.application.sans().to_vec(),
        key: Some(request.application.public_key().kind().to_string()),
        proof: Some(proof(&request.proof).to_owned()),
        transaction: request.transaction.as_ref().map(|t| t.id.clone()),
        not_after: request.not_after,
        renews: renews(&request.proof),
    }
}

fn proof(proof: &Proof) -> &'static str {
    match proof {
        Proof::None => "none",
        Proof::Challenge(_) => "challenge",
        Proof::Renewal { .. } => "renewal",
        Proof::Operator { .. } => "operator",
        Proof::Device(_) => "device",
        Proof::Internal => "internal",
    }
}

fn renews(proof: &Proof) -> Option<Serial> {
    match proof {
        Proof::Operator { renews, .. } => renews.as_ref().map(|record| record.serial.clone()),
        Proof::Renewal { certificate, .. } => Some(certificate.serial.clone()),
        Proof::None | Proof::Challenge(_) | Proof::Device(_) | Proof::Internal => None,
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()
}
