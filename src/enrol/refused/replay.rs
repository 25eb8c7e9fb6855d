//! A refused request once more, against what holds today: the same code, on a store that drops what it is given.
//! Nothing is issued, consumed or counted; the audit log says that it took place.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::audit::{Actor, Event};
use crate::ca::issue;
use crate::ca::records::{CertificateRecord, serials};
use crate::clock::{Clock, Timestamp};
use crate::enrol::approve::{Decision, approve};
use crate::enrol::refused::keep::Received;
use crate::enrol::refused::record::{MessageRecord, Protocol, RefusedRecord};
use crate::enrol::refused::sealer;
use crate::enrol::scep::rehearse::{Rehearsed, rehearse};
use crate::enrol::scep_ra::RaSource;
use crate::enrol::throttle::Throttle;
use crate::enrol::{Desk, Proof, Request};
use crate::error::{Error, Result};
use crate::id::{CaId, RecordId, Serial};
use crate::store::Unit;
use crate::x509::csr::{Csr, Leniency};
use crate::x509::name::Name;
use crate::x509::san::San;

/// What would become of a refused request today.
#[derive(Debug)]
pub struct Replay {
    /// What was refused.
    pub then: RefusedRecord,
    /// What would happen now.
    pub now: Verdict,
    /// What differs from then, a sentence each.
    pub differences: Vec<String>,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A certificate would be issued.
    Issued {
        /// By this CA.
        ca: CaId,
        /// For this subject.
        subject: Name,
        /// For these names.
        sans: Vec<San>,
        /// Until then.
        not_after: Timestamp,
    },
    /// This certificate would be given out again.
    Again(Serial),
    /// An operator would have to decide.
    Waiting,
    /// A CRL would be given out.
    Crl,
    /// It would be refused.
    Refused {
        /// The stable code.
        code: String,
        /// The rule.
        rule: String,
    },
}

/// Tries a refused request again without issuing. `ra` opens SCEP messages.
/// Errors: `not-found`; `message-not-kept` if there is nothing to try; `ra-not-ready`; `busy`, `storage`, `internal`.
pub async fn replay(desk: &Desk, ra: Option<&dyn RaSource>, id: RecordId, actor: Actor) -> Result<Replay> {
    let db = &desk.authority.db;
    let then = db.require::<RefusedRecord>(id.as_bytes(), id).await?.value;
    let message = db.get::<MessageRecord>(id.as_bytes()).await?.ok_or_else(|| {
        let text = "the message of this request was not kept: it was longer than 16 KiB, or empty";
        Error::conflict("message-not-kept", text)
    })?;
    let message = sealer(desk)?.open(id.as_bytes(), &message.value.sealed)?;
    let verdict = match then.protocol {
        Protocol::Scep => scep(desk, ra, &then, message.to_vec()).await,
        Protocol::Api => api(&rehearsal(desk), &then, message.to_vec()).await,
    };
    let now = match verdict {
        Ok(verdict) => verdict,
        Err(error) if super::is_refusal(error.kind()) => refused(&error),
        Err(error) => return Err(error),
    };
    audit(desk, &then, &now, actor).await?;
    let differences = differences(desk, &then, &now);
    Ok(Replay { then, now, differences })
}

/// The same desk, but nothing is written, and wrong attempts are counted nowhere.
pub(in crate::enrol) fn rehearsal(desk: &Desk) -> Desk {
    let authority = Arc::new(desk.authority.rehearsal());
    Desk { authority, profiles: Arc::clone(&desk.profiles), throttle: Throttle::default() }
}

/// As [`rehearsal`], at the time when the message came: its own signing time is held against that.
pub(in crate::enrol) fn rehearsal_at(desk: &Desk, at: Timestamp) -> Desk {
    let mut authority = desk.authority.rehearsal();
    authority.clock = Clock::manual(at);
    Desk { authority: Arc::new(authority), ..rehearsal(desk) }
}

async fn scep(
    desk: &Desk,
    ra: Option<&dyn RaSource>,
    then: &RefusedRecord,
    message: Vec<u8>,
) -> Result<Verdict> {
    let not_ready = || Error::conflict("ra-not-ready", "there is no registration authority to open it with");
    let ra = ra.ok_or_else(not_ready)?;
    let received = Received::new(Protocol::Scep, message);
    match rehearse(desk, ra, &then.profile, then.id.made_at(), received).await? {
        Rehearsed::Request(request) => decide(&rehearsal(desk), &request).await,
        Rehearsed::Answered(serial) => Ok(Verdict::Again(serial)),
        Rehearsed::Pending => Ok(Verdict::Waiting),
        Rehearsed::Crl => Ok(Verdict::Crl),
        Rehearsed::Refused(code, rule) => Ok(Verdict::Refused { code: code.to_owned(), rule }),
    }
}

async fn api(desk: &Desk, then: &RefusedRecord, message: Vec<u8>) -> Result<Verdict> {
    let csr = desk.authority.pool.run(move || Csr::read(&message, Leniency::Strict)).await??;
    let renews = match &then.asked.renews {
        Some(serial) => Some(Box::new(renewed(desk, then, serial).await?)),
        None => None,
    };
    let (proof, actor) = who(then, renews);
    let request = Request {
        profile: then.profile.clone(),
        application: csr.into(),
        proof,
        transaction: None,
        actor,
        address: None,
        not_after: then.asked.not_after,
        issuer: None,
    };
    decide(desk, &request).await
}

/// Who asked by the API, and by what right: a certificate for itself, or an operator.
fn who(then: &RefusedRecord, renews: Option<Box<CertificateRecord>>) -> (Proof, Actor) {
    let by_itself = then.asked.proof.as_deref() == Some("renewal");
    match (renews, then.requester.split_once(' ')) {
        (Some(certificate), Some((protocol, address))) if by_itself => {
            let (protocol, address) = (protocol.to_owned(), address.to_owned());
            (Proof::Renewal { certificate, challenge: None }, Actor::Client { protocol, address })
        }
        (renews, _) => {
            let name = then.requester.trim_start_matches("operator ").to_owned();
            (Proof::Operator { name: name.clone(), renews }, Actor::Operator(name))
        }
    }
}

/// The certificate that an operator renewed: by the profile of the request, which is its own. Of several CAs'
/// certificates with one short number it is the one of the CA that the profile names.
async fn renewed(desk: &Desk, then: &RefusedRecord, serial: &Serial) -> Result<CertificateRecord> {
    let profiles = desk.profiles.current();
    let ca = profiles.require(&then.profile).ok().map(|profile| profile.ca());
    let found = serials::all(&desk.authority.db, serial).await?.into_iter().map(|stored| stored.value);
    found
        .filter(|record| record.profile == then.profile)
        .max_by_key(|record| Some(&record.ca) == ca)
        .ok_or_else(|| Error::not_found("certificate", serial))
}

async fn decide(desk: &Desk, request: &Request) -> Result<Verdict> {
    match approve(desk, request).await? {
        Decision::Approved(order) => {
            let (ca, subject, sans) = (order.ca.clone(), order.subject.clone(), order.sans.clone());
            let not_after = issue::rehearse(&desk.authority, *order).await?;
            Ok(Verdict::Issued { ca, subject, sans, not_after })
        }
        Decision::AlreadyIssued(issued) => Ok(Verdict::Again(issued.record.serial)),
        Decision::Pending(_) => Ok(Verdict::Waiting),
    }
}

fn refused(error: &Error) -> Verdict {
    Verdict::Refused { code: error.code().to_owned(), rule: error.detail().to_owned() }
}

async fn audit(desk: &Desk, then: &RefusedRecord, now: &Verdict, actor: Actor) -> Result<()> {
    let verdict = match now {
        Verdict::Issued { .. } => "would be issued",
        Verdict::Again(_) => "would be given out again",
        Verdict::Waiting => "would wait",
        Verdict::Crl => "would be answered",
        Verdict::Refused { code, .. } => code,
    };
    let event =
        Event::new(desk.authority.clock.now(), actor, "request.replay", format!("request:{}", then.id))
            .with("profile", &then.profile)
            .with("then", &then.code)
            .with("now", verdict);
    let mut unit = Unit::new();
    unit.event(event);
    desk.authority.db.commit(unit).await.map(drop).map_err(Error::from)
}

fn differences(desk: &Desk, then: &RefusedRecord, now: &Verdict) -> Vec<String> {
    let set = desk.profiles.current();
    let policy = set.require(&then.profile).ok().map(|p| <[u8; 32]>::from(Sha256::digest(p.source())));
    let mut found = Vec::new();
    match (then.policy, policy) {
        (Some(_), None) => found.push(format!("The profile {} is gone.", then.profile)),
        (None, Some(_)) => found.push(format!("The profile {} is new.", then.profile)),
        (was, is) if was != is => found.push(format!("The profile {} was changed since.", then.profile)),
        _ => {}
    }
    match now {
        Verdict::Refused { code, rule } if *code == then.code && *rule == then.rule => {}
        Verdict::Refused { code, .. } if *code == then.code => {
            found.push("It is refused with the same code, but by another rule.".to_owned());
        }
        Verdict::Refused { .. } => found.push("It is refused for another reason.".to_owned()),
        Verdict::Issued { .. } | Verdict::Again(_) | Verdict::Waiting | Verdict::Crl => {
            found.push("It is no longer refused.".to_owned());
        }
    }
    found
}
