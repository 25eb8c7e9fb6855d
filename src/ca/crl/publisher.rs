//! Publication: after a revocation, at half of a window, and when the settings changed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::audit::Actor;
use crate::ca::crl::due::{Due, due, rest};
use crate::ca::crl::{Renewal, lateness, retire, settings};
use crate::ca::records::{CompromisedKeyRecord, RevocationRecord, Scope};
use crate::ca::{Authority, LoadedCa};
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::Record;

/// Revocations within this time share one CRL.
const COALESCE: Duration = Duration::from_millis(200);
/// How often the windows are looked at without a revocation.
const ROUND: Duration = Duration::from_secs(60);
/// Its name among the periodic work.
const UPKEEP: &str = "crl.publish";
/// How soon a failed publication is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// So many CRLs of a CA are made anew for their age before it is looked again whether something was revoked.
const AGED_AT_ONCE: usize = 32;

/// Publishes every CRL that lacks a revocation or has used half of its window, those of different CAs at the
/// same time: a slow one keeps no other waiting. A CA whose key is not here is passed over (`ca sign-crl`
/// serves it).
/// Returns the CAs published, and the failures by CA.
pub async fn publish_due(authority: &Authority) -> (Vec<CaId>, Vec<(CaId, Error)>) {
    let round = round(authority, Pace::AtOnce).await;
    (round.published, round.failed)
}

/// Whether a scope may rest after its last publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// It need not.
    AtOnce,
    /// A key was compromised: not for long.
    Urgent,
    /// It may.
    Usual,
}

/// What a round did.
#[derive(Default)]
struct Round {
    published: Vec<CaId>,
    failed: Vec<(CaId, Error)>,
    /// How soon there is more to do, if there is.
    again: Option<Duration>,
}

async fn round(authority: &Authority, pace: Pace) -> Round {
    let (mut all, mut tasks) = (Round::default(), Vec::new());
    for ca in authority.hierarchy().all().iter().filter(|ca| ca.ready().is_ok()) {
        let (authority, ca) = (authority.clone(), Arc::clone(ca));
        let id = ca.record.id.clone();
        tasks.push((id, tokio::spawn(async move { round_of(&authority, &ca, pace).await })));
    }
    for (id, task) in tasks {
        let broke_off = |e| Err(Error::internal("the making of the CRL broke off").because(e));
        match task.await.unwrap_or_else(broke_off) {
            Ok(one) => {
                if one.count > 0 {
                    all.published.push(id.clone());
                }
                all.failed.extend(one.failed.map(|error| (id, error)));
                all.again = [all.again, one.again].into_iter().flatten().min();
            }
            Err(error) => all.failed.push((id, error)),
        }
    }
    all
}

/// What a round did for one CA.
#[derive(Default)]
struct One {
    count: usize,
    failed: Option<Error>,
    again: Option<Duration>,
}

/// One that fails keeps no other shard waiting.
async fn round_of(authority: &Authority, ca: &LoadedCa, pace: Pace) -> Result<One> {
    let (mut one, mut aged) = (One::default(), Vec::new());
    for scope in ca.crl.value.scopes() {
        match due(authority, ca, &scope).await? {
            Due::Nothing => {}
            needs @ (Due::Aged | Due::Delta) => aged.push((scope, needs)),
            Due::Changed => match resting(authority, &scope, pace) {
                Some(wait) => one.again = [one.again, Some(wait)].into_iter().flatten().min(),
                None => one.note(make(authority, ca, scope, Due::Changed).await),
            },
        }
    }
    let most = if pace == Pace::AtOnce { usize::MAX } else { AGED_AT_ONCE };
    if aged.len() > most {
        one.again = Some(Duration::ZERO);
    }
    for (scope, needs) in aged.into_iter().take(most) {
        one.note(make(authority, ca, scope, needs).await);
    }
    one.note_upkeep(settings::keep_place(authority, ca).await);
    one.note_upkeep(retire::retire(authority, ca).await);
    Ok(one)
}

impl One {
    fn note(&mut self, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.count += 1,
            // Another publication was first, or the settings changed: it is looked again what is due.
            Err(error) if error.code() == "state-conflict" => self.again = Some(RETRY),
            Err(error) => self.failed = Some(error),
        }
    }

    fn note_upkeep(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.failed.get_or_insert(error);
        }
    }
}

fn resting(authority: &Authority, scope: &Scope, pace: Pace) -> Option<Duration> {
    let is_urgent = match pace {
        Pace::AtOnce => return None,
        Pace::Urgent => true,
        Pace::Usual => false,
    };
    rest(authority.published.made(scope)?, authority.clock.now(), is_urgent)
}

async fn make(authority: &Authority, ca: &LoadedCa, scope: Scope, needs: Due) -> Result<()> {
    let renewal = Renewal::new(authority, ca, scope, Arc::clone(ca.ready()?.1), Actor::System);
    match needs {
        Due::Nothing => Ok(()),
        Due::Changed | Due::Aged => renewal.complete().await.map(drop),
        Due::Delta => renewal.delta().await,
    }
}

/// Keeps every CRL fresh until `shutdown` is done: a revocation is published within a second, a large CRL after a rest
/// that is in proportion to what it costs, and a compromised key at once.
pub async fn run_publisher(authority: &Authority, shutdown: impl Future<Output = ()>) {
    let mut changed = authority.db.raw().changed(RevocationRecord::KIND);
    let mut compromised = authority.db.raw().changed(CompromisedKeyRecord::KIND);
    let mut pace = Pace::Usual;
    authority.upkeep.expect(UPKEEP, ROUND, authority.clock.now());
    tokio::pin!(shutdown);
    loop {
        let (mut wait, urgent) = (RETRY, pace);
        let publish = async {
            let round = round(authority, urgent).await;
            measure(authority);
            // What was urgent and had to rest stays urgent.
            if round.again.is_none() {
                pace = Pace::Usual;
            }
            let told = told(&round)?;
            wait = round.again.unwrap_or(ROUND);
            Ok(told)
        };
        authority.upkeep.run(UPKEEP, &authority.clock, publish).await;
        let is_hinted = tokio::select! {
            () = &mut shutdown => return,
            () = authority.clock.sleep(wait) => false,
            () = hint(&mut compromised) => { pace = Pace::Urgent; false }
            () = hint(&mut changed) => true,
        };
        if is_hinted {
            tokio::select! {
                () = &mut shutdown => return,
                () = hint(&mut compromised) => pace = Pace::Urgent,
                () = authority.clock.sleep(COALESCE) => {}
            }
        }
    }
}

/// What a round did, for people; what failed is in the log.
fn told(round: &Round) -> std::result::Result<String, String> {
    for (ca, error) in &round.failed {
        if error.code() == "token-not-ready" {
            // Told once, when the token was lost; this comes around every second.
            tracing::debug!(%ca, %error, "the CRL waits for the token");
        } else {
            tracing::warn!(%ca, %error, code = error.code(), "the CRL could not be published");
        }
    }
    let names: Vec<&str> = round.failed.iter().map(|(ca, _)| ca.as_str()).collect();
    if names.is_empty() {
        return Ok(format!("{} published", round.published.len()));
    }
    Err(format!("not published: {}", names.join(", ")))
}

/// Done when there is a change. A closed store gives no hints any more: the rounds go on, and the shutdown is near.
async fn hint(changed: &mut watch::Receiver<u64>) {
    if changed.changed().await.is_err() {
        std::future::pending().await
    }
}

/// How many CRLs of each CA are late, and how long the one that runs out first is still good for.
fn measure(authority: &Authority) {
    let now = authority.clock.now();
    for ca in authority.hierarchy().all().iter().filter(|ca| ca.certificate.is_some()) {
        let late = lateness(authority, ca).map_or(0, |late| late.count);
        let ends = ca.crl.value.scopes().filter_map(|s| Some(authority.published.complete(&s)?.next_update));
        let left = ends.min().map_or(0, |end| end.secs() - now.secs());
        let name = ca.record.id.to_string();
        metrics::gauge!("signet_crl_late", "ca" => name.clone()).set(u32::try_from(late).unwrap_or(u32::MAX));
        metrics::gauge!("signet_crl_valid_seconds", "ca" => name).set(left as f64);
    }
}
