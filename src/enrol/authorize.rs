//! Whether what speaks for a requester suffices. Whatever is not allowed here is refused.

use subtle::ConstantTimeEq;

use crate::audit::{Actor, Event, Outcome};
use crate::ca::profile::{Approval, ChallengeSource};
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord, serials};
use crate::clock::Timestamp;
use crate::enrol::policy::{self, Wanted};
use crate::enrol::records::ChallengeRecord;
use crate::enrol::source::judge;
use crate::enrol::throttle::Who;
use crate::enrol::transaction::Earlier;
use crate::enrol::{Desk, Proof, Request, challenge, transaction};
use crate::error::{Error, Kind, Result};
use crate::id::{ProfileId, Serial};
use crate::store::{Record, Stored, Unit, When};
use crate::x509::cert::Certificate;

mod device;

use device::{Installation, by_device};

const REFUSED: &str = "challenge-refused";

/// What authorization found.
#[derive(Debug)]
pub(super) enum Authorized {
    /// Issue, and write this with it.
    Now(Grant),
    /// An operator decides.
    Queue(Grant),
}

/// What authorization rests on, and must still hold when the certificate is written.
#[derive(Debug, Default)]
pub(super) struct Grant {
    challenge: Option<Stored<ChallengeRecord>>,
    judged: Option<Event>,
    renewed: Option<Stored<CertificateRecord>>,
    device: Option<Installation>,
}

impl Grant {
    /// The certificate that is renewed.
    pub fn renewed(&self) -> Option<&CertificateRecord> {
        self.renewed.as_ref().map(|stored| &stored.value)
    }

    /// The serial number of the certificate that is renewed, or that the device replaces once it holds the new one.
    pub fn renews(&self) -> Option<Serial> {
        let renewed = self.renewed().map(|certificate| certificate.serial.clone());
        renewed.or_else(|| self.device.as_ref()?.replaces())
    }

    /// Adds to a unit: the challenge is consumed for this serial, the renewed certificate is as it was read.
    pub fn write(&self, unit: &mut Unit, serial: &Serial) -> Result<()> {
        if let Some(stored) = &self.challenge {
            let used = ChallengeRecord { used_for: Some(serial.clone()), ..stored.value.clone() };
            unit.replace(&used, stored.revision)?;
        }
        if let Some(event) = &self.judged {
            unit.event(event.clone().with("serial", serial));
        }
        if let Some(device) = &self.device {
            device.write(unit, serial)?;
        }
        if let Some(stored) = &self.renewed {
            unit.check::<CompromisedKeyRecord>(&stored.value.key_fingerprint, When::Absent);
            unit.check::<CertificateRecord>(&stored.value.key(), When::Revision(stored.revision));
        }
        Ok(())
    }
}

/// Decides by proof and profile. Errors: `challenge-required`, `challenge-refused`, `throttled`, `renewal-refused`,
/// `bad-csr`.
pub(super) async fn authorize(desk: &Desk, request: &Request, wanted: &Wanted) -> Result<Authorized> {
    let approval = wanted.profile.approval();
    match &request.proof {
        Proof::Internal => Ok(Authorized::Now(Grant::default())),
        Proof::Device(proof) => {
            let device = Some(by_device(desk, proof, request, wanted).await?);
            Ok(Authorized::Now(Grant { device, ..Grant::default() }))
        }
        Proof::Operator { renews: None, .. } => Ok(by_approval(approval, Grant::default())),
        Proof::Operator { renews: Some(certificate), .. } => {
            let renewed = renewable(desk, certificate, request, wanted).await?;
            Ok(by_approval(approval, Grant { renewed: Some(renewed), ..Grant::default() }))
        }
        Proof::Renewal { certificate, challenge } => {
            let renewed = renewable(desk, certificate, request, wanted).await?;
            let grant = match challenge {
                Some(secret) if is_rsa(certificate)? && is_spent_on(desk, wanted, secret).await? => {
                    Grant::default()
                }
                Some(secret) => accept(desk, request, wanted, secret).await?,
                None => Grant::default(),
            };
            Ok(by_approval(approval, Grant { renewed: Some(renewed), ..grant }))
        }
        Proof::Challenge(secret) => match approval {
            // None is made for such a profile, so none is right; whoever presents one is not let past it.
            Approval::Manual | Approval::Challenge | Approval::Automatic => {
                accept(desk, request, wanted, secret).await.map(Authorized::Now)
            }
        },
        Proof::None => match approval {
            Approval::Manual => Ok(Authorized::Queue(Grant::default())),
            Approval::Challenge | Approval::Automatic => Err(required()),
        },
    }
}

/// Holds the certificate that a kept request renews against the rules once more.
pub(super) async fn still_renewable(desk: &Desk, serial: &Serial, wanted: &Wanted) -> Result<Grant> {
    let now = desk.authority.clock.now();
    let mut found = serials::all(&desk.authority.db, serial).await?;
    // Of several CAs' certificates with one short number it is the one that may be renewed so.
    found.sort_by_key(|stored| hold_renewed(&stored.value, wanted, now).is_err());
    let stored = found.into_iter().next().ok_or_else(not_ours)?;
    hold_renewed(&stored.value, wanted, now)?;
    hold_key(desk, &stored.value).await?;
    Ok(Grant { renewed: Some(stored), ..Grant::default() })
}

/// Whom a wrong attempt is counted against.
pub(super) fn counted(request: &Request) -> Vec<Who> {
    let key = request.transaction.as_ref().map(|t| t.signer_key);
    let key = key.unwrap_or_else(|| request.application.public_key().fingerprint());
    let mut whos = vec![Who::Key(key), Who::Profile(request.profile.clone())];
    whos.extend(request.address.map(Who::address));
    whos
}

fn by_approval(approval: Approval, grant: Grant) -> Authorized {
    match approval {
        Approval::Automatic | Approval::Challenge => Authorized::Now(grant),
        Approval::Manual => Authorized::Queue(grant),
    }
}

async fn standing(desk: &Desk, renewed: &CertificateRecord) -> Result<Stored<CertificateRecord>> {
    let found = serials::of(&desk.authority.db, &renewed.ca, &renewed.serial).await?;
    found.ok_or_else(not_ours)
}

fn not_ours() -> Error {
    renewal_refused("renewal signer is not a certificate of this CA")
}

/// SCEP-45, -47, -48: ours, live, of this profile and this identity, and due.
async fn renewable(
    desk: &Desk,
    certificate: &CertificateRecord,
    request: &Request,
    wanted: &Wanted,
) -> Result<Stored<CertificateRecord>> {
    let now = desk.authority.clock.now();
    let stored = standing(desk, certificate).await?;
    let ours = &stored.value;
    if ours.fingerprint != certificate.fingerprint {
        return Err(renewal_refused("renewal signer is not a certificate of this CA"));
    }
    hold_renewed(ours, wanted, now)?;
    hold_key(desk, ours).await?;
    let rules = wanted.profile.renewal();
    let due = rules.points.due(ours.not_before, ours.not_after);
    if now < due && !rules.early {
        return Err(renewal_refused(&format!("renewal is not due before {due}")));
    }
    let same_key = request.application.public_key().fingerprint() == ours.key_fingerprint;
    if same_key && !rules.key_reuse {
        return Err(renewal_refused("the profile wants a new key on renewal"));
    }
    Ok(stored)
}

fn hold_renewed(ours: &CertificateRecord, wanted: &Wanted, now: Timestamp) -> Result<()> {
    if ours.profile != *wanted.profile.id() {
        return Err(renewal_refused("profile mismatch"));
    }
    if !ours.is_live(now) {
        return Err(renewal_refused("renewal signer is expired or revoked"));
    }
    if !wanted.is_identity(&ours.subject, &ours.sans) {
        return Err(renewal_refused("identity change not allowed on renewal"));
    }
    Ok(())
}

/// Whoever else has the key has every certificate of it.
async fn hold_key(desk: &Desk, ours: &CertificateRecord) -> Result<()> {
    if policy::is_compromised(desk, &ours.key_fingerprint).await? {
        return Err(renewal_refused("the renewal signer's key was reported as compromised"));
    }
    Ok(())
}

/// Has the challenge judged by whoever the profile names.
async fn accept(desk: &Desk, request: &Request, wanted: &Wanted, secret: &str) -> Result<Grant> {
    match wanted.profile.challenge_source() {
        ChallengeSource::OneTime => {
            let redeemed = redeem(desk, request, wanted, secret).await;
            match &redeemed {
                Ok(_) => judge::count("one-time", "accepted"),
                Err(e) if e.code() == REFUSED => judge::count("one-time", "refused"),
                Err(_) => {}
            }
            Ok(Grant { challenge: Some(redeemed?), ..Grant::default() })
        }
        ChallengeSource::SharedSecret { .. } | ChallengeSource::Webhook(_) | ChallengeSource::Radius(_) => {
            let judged = judge::judge(desk, request, wanted, secret).await?;
            Ok(Grant { judged: Some(judged), ..Grant::default() })
        }
    }
}

/// Finds the challenge and holds it against the request. Every wrong attempt is counted.
async fn redeem(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    secret: &str,
) -> Result<Stored<ChallengeRecord>> {
    if secret.is_empty() {
        return Err(required());
    }
    let now = desk.authority.clock.now();
    let whos = counted(request);
    desk.throttle.check(now, &whos)?;
    let hash = challenge::hash(secret);
    let found = desk.authority.db.find::<ChallengeRecord>(ChallengeRecord::BY_HASH, &hash).await?;
    let refusal = match found {
        Some(stored) if bool::from(stored.value.secret_hash.ct_eq(&hash)) => {
            match refusal(desk, request, wanted, &stored.value).await? {
                None => return Ok(stored),
                Some(refusal) => refusal,
            }
        }
        Some(_) | None => refused("challenge not accepted"),
    };
    // A copy that was faster spent the challenge: this one tried nothing wrong (SCEP-34).
    let answered = transaction::earlier(desk, &wanted.profile, request).await;
    if !matches!(answered, Ok(Earlier::Answered(_))) {
        count_wrong(desk, &request.actor, &request.profile, &whos).await;
    }
    Err(refusal)
}

/// Why a challenge that exists is not accepted.
async fn refusal(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    challenge: &ChallengeRecord,
) -> Result<Option<Error>> {
    if challenge.profile != *wanted.profile.id() || wanted.profile.approval() != Approval::Challenge {
        return Ok(Some(refused("challenge not accepted")));
    }
    if let Some(serial) = &challenge.used_for {
        alert_reuse(desk, request, wanted, challenge, serial).await?;
        return Ok(Some(refused("challenge not accepted")));
    }
    if challenge.expires <= desk.authority.clock.now() {
        return Ok(Some(refused("challenge not accepted")));
    }
    if !is_for(challenge, wanted) {
        return Ok(Some(refused("challenge not valid for this identity")));
    }
    Ok(None)
}

/// Whether a renewal brings along the challenge that this identity was first enrolled with: certmonger and scepclient
/// keep it in their request for ever. It is not wrong, and it grants nothing: the live certificate does.
async fn is_spent_on(desk: &Desk, wanted: &Wanted, secret: &str) -> Result<bool> {
    let hash = challenge::hash(secret);
    let found = desk.authority.db.find::<ChallengeRecord>(ChallengeRecord::BY_HASH, &hash).await?;
    Ok(found.map(|stored| stored.value).is_some_and(|challenge| {
        bool::from(challenge.secret_hash.ct_eq(&hash))
            && challenge.used_for.is_some()
            && challenge.profile == *wanted.profile.id()
            && is_for(&challenge, wanted)
    }))
}

/// Whether the reply to this signer is encrypted to its key. To an EC key it is encrypted by the challenge, which must then
/// be a fresh one.
fn is_rsa(certificate: &CertificateRecord) -> Result<bool> {
    let certificate = Certificate::from_der(&certificate.der)?;
    certificate.allow_rsa_1024();
    Ok(certificate.public_key()?.kind().is_rsa())
}

/// SCEP-38: what the profile writes for the challenge's identity is what it would write for the request's.
fn is_for(challenge: &ChallengeRecord, wanted: &Wanted) -> bool {
    let profile = &wanted.profile;
    let Ok(subject) = profile.subject_for(&challenge.subject) else {
        return false;
    };
    profile.sans_for(&subject, &challenge.sans).is_ok_and(|sans| wanted.is_identity(&subject, &sans))
}

/// RFC 8894 §7.3: a challenge that is seen again with another key or subject was stolen.
async fn alert_reuse(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    challenge: &ChallengeRecord,
    serial: &Serial,
) -> Result<()> {
    let first = transaction::issued(desk, serial).await?.record;
    let same_key = first.key_fingerprint == request.application.public_key().fingerprint();
    if same_key && first.subject.matches(&wanted.subject) {
        return Ok(());
    }
    let subject = format!("challenge:{}", challenge.id);
    let event = Event::new(desk.authority.clock.now(), request.actor.clone(), "challenge.reuse", subject)
        .outcome(Outcome::Warning)
        .with("profile", wanted.profile.id())
        .with("subject", &wanted.subject)
        .with("used-for", serial);
    write(desk, event).await;
    Ok(())
}

/// Counts a wrong attempt; who is locked out by it is written to the audit log.
pub(super) async fn count_wrong(desk: &Desk, actor: &Actor, profile: &ProfileId, whos: &[Who]) {
    let now = desk.authority.clock.now();
    for who in desk.throttle.count_wrong(now, whos) {
        let event = Event::new(now, actor.clone(), "enrol.lockout", who.to_string())
            .outcome(Outcome::Warning)
            .with("profile", profile);
        write(desk, event).await;
    }
}

/// Best effort: the refusal itself must not depend on it.
async fn write(desk: &Desk, event: Event) {
    let unit = Unit { items: Vec::new(), events: vec![event] };
    if let Err(e) = desk.authority.db.commit(unit).await {
        tracing::warn!("an audit event could not be written: {}", Error::from(e));
    }
}

/// A challenge is needed and none came.
pub(super) fn required() -> Error {
    Error::new(Kind::Unauthenticated, "challenge-required", "challenge required")
}

/// A challenge came and is not accepted.
pub(super) fn refused(text: &str) -> Error {
    Error::new(Kind::Forbidden, REFUSED, text)
}

fn renewal_refused(text: &str) -> Error {
    Error::new(Kind::Forbidden, "renewal-refused", text)
}
