//! A challenge is put before its source: throttled and counted as every other, and told to audit and metrics.

use crate::audit::Event;
use crate::enrol::authorize::{count_wrong, counted, refused, required};
use crate::enrol::policy::Wanted;
use crate::enrol::refused::note_undecided;
use crate::enrol::source::turns::Turn;
use crate::enrol::source::{Question, Source, Verdict};
use crate::enrol::transaction::{Earlier, earlier};
use crate::enrol::{Desk, Request};
use crate::error::{Error, Kind, Result};

/// The most characters of a source's reason that are passed on.
const LONGEST_REASON: usize = 200;

/// Waits for the turn of this request, if its profile's challenges are judged elsewhere.
pub(in crate::enrol) async fn turn(desk: &Desk, request: &Request) -> Option<Turn> {
    let sources = desk.profiles.sources();
    if !sources.judges(&request.profile) {
        return None;
    }
    sources.turns.take(request).await
}

/// Asks the profile's source; what it accepted is to be recorded with the certificate.
/// Errors: `challenge-required`, `challenge-refused`, `throttled`; `challenge-not-asked` in a replay; `challenge-source-busy`,
/// `challenge-source-unavailable`, which are not the device's fault.
pub(in crate::enrol) async fn judge(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    secret: &str,
) -> Result<Event> {
    if secret.is_empty() {
        return Err(required());
    }
    let whos = counted(request);
    desk.throttle.check(desk.authority.clock.now(), &whos)?;
    let source = match desk.profiles.sources().require(&wanted.profile) {
        Ok(source) => source,
        Err(e) => return Err(unanswered(desk, request, wanted.profile.challenge_source().as_str(), e).await),
    };
    if desk.authority.is_rehearsing() && source.is_elsewhere() {
        let text = format!("a replay does not ask the {}: it may spend a password", source.name());
        return Err(Error::new(Kind::Forbidden, "challenge-not-asked", text));
    }
    match ask(desk, request, wanted, secret, &source).await {
        Ok(Verdict::Accepted) => {
            count(source.name(), "accepted");
            Ok(accepted(desk, request, wanted, source.name()))
        }
        Ok(Verdict::Refused(reason)) => {
            count(source.name(), "refused");
            // A copy that was faster may have spent a password of one use: this one tried nothing wrong.
            let answered = earlier(desk, &wanted.profile, request).await;
            if !matches!(answered, Ok(Earlier::Answered(_))) {
                count_wrong(desk, &request.actor, &request.profile, &whos).await;
            }
            Err(refused(&because(reason)))
        }
        Err(e) => Err(unanswered(desk, request, source.name(), e).await),
    }
}

async fn ask(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    secret: &str,
    source: &Source,
) -> Result<Verdict> {
    let common_name = wanted.subject.common_name();
    let question = Question {
        profile: wanted.profile.id(),
        subject: &wanted.subject,
        sans: &wanted.sans,
        device: wanted.device.as_deref().or(common_name),
        transaction: request.transaction.as_ref().map(|transaction| transaction.id.as_str()),
        challenge: secret,
        csr: request.application.received(),
        csr_digest: request.application.digest(),
        address: request.address,
        at: desk.authority.clock.now(),
    };
    source.ask(&question, &desk.authority.random).await
}

/// Tells the audit log (as far as there is room) and the metrics; the reason is for them, not for the device.
async fn unanswered(desk: &Desk, request: &Request, source: &'static str, error: Error) -> Error {
    let outcome = if error.kind() == Kind::Busy { "busy" } else { "unavailable" };
    count(source, outcome);
    let rule = error.to_string();
    note_undecided(desk, request, error.code(), &rule).await;
    error
}

fn accepted(desk: &Desk, request: &Request, wanted: &Wanted, source: &str) -> Event {
    let profile = format!("profile:{}", wanted.profile.id());
    Event::new(desk.authority.clock.now(), request.actor.clone(), "challenge.accept", profile)
        .with("source", source)
        .with("subject", &wanted.subject)
}

/// One line for the device and the audit log.
fn because(reason: Option<String>) -> String {
    let line = reason.unwrap_or_default();
    let clean = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON);
    let clean: String = clean.collect();
    match clean.trim() {
        "" => "challenge not accepted".to_owned(),
        reason => format!("challenge not accepted: {reason}"),
    }
}

/// Counts a challenge by who judged it and what came of it.
pub(in crate::enrol) fn count(source: &'static str, outcome: &'static str) {
    metrics::counter!("signet_challenges_total", "source" => source, "outcome" => outcome).increment(1);
}
