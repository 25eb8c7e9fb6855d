//! The work that comes due while the server runs: scheduled tasks, CRLs, identities, audit heads, sweeping, reload.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin;
use crate::audit::Actor;
use crate::ca::{crl, rollover};
use crate::error::{Error, Result};
use crate::notice;
use crate::server::phones;
use crate::server::renewals;
use crate::server::signing;
use crate::server::state::{State, all_faults};

/// How soon a newly named SCEP profile gets its registration authority.
const IDENTITIES: Duration = Duration::from_secs(5);
const RETIRE: Duration = Duration::from_secs(600);
const HEADS: Duration = Duration::from_secs(60);
/// How often it is asked whether the next look for what expires is due.
const NOTICES: Duration = Duration::from_secs(300);
const SWEEP: Duration = Duration::from_secs(600);
/// So many records go in one durable write.
const SWEEP_BATCH: usize = 1000;

/// Starts the work; it ends when `stop` becomes true.
pub fn start(state: &Arc<State>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut work = JoinSet::new();
    let (shared, until) = (state.clone(), stop.clone());
    work.spawn(async move { crl::run_publisher(&shared.desk.authority, stopped(until)).await });
    let (tasks, until) = (state.tasks.clone(), stop.clone());
    work.spawn(async move { tasks.serve(stopped(until)).await });
    every(&mut work, state, stop, ("identity.renew", IDENTITIES), async |s| refresh_identities(&s).await);
    every(&mut work, state, stop, ("ca.retire", RETIRE), async |s| retire_cas(&s).await);
    every(&mut work, state, stop, ("audit.sign-head", HEADS), async |s| sign_head(&s).await);
    every(&mut work, state, stop, ("notice.look", NOTICES), async |s| look_for_notices(&s).await);
    every(&mut work, state, stop, ("phones.keep-up", phones::PERIOD), async |s| {
        keep_up_with_phones(&s).await
    });
    if state.signing.is_on() {
        every(&mut work, state, stop, ("files.sign", signing::PERIOD), async |s| sign_files(&s).await);
    }
    let (shared, until) = (state.clone(), stop.clone());
    work.spawn(async move { renewals::run(&shared, stopped(until)).await });
    every(&mut work, state, stop, ("store.sweep", SWEEP), async |s| sweep(&s).await);
    work
}

/// What came of a run of periodic work, or what went wrong: a sentence for people.
type Sentence = std::result::Result<String, String>;

/// Makes and renews Signet's own certificates; the service is ready when all are there.
pub async fn refresh_identities(state: &State) -> Sentence {
    let complete = state.identities.refresh_and_log().await;
    state.set_ready(complete);
    if complete { Ok("all are there".to_owned()) } else { Err("one is missing: see the log".to_owned()) }
}

/// Retires the CAs that others followed, once their last certificate expired.
pub async fn retire_cas(state: &State) -> Sentence {
    let (retired, failed) = rollover::retire_due(&state.desk.authority).await;
    for (ca, error) in &failed {
        tracing::error!(%ca, %error, code = error.code(), "a CA could not be retired");
    }
    if failed.is_empty() {
        Ok(format!("{} retired", retired.len()))
    } else {
        Err("not finished: see the log".to_owned())
    }
}

/// Signs the audit log's head.
pub async fn sign_head(state: &State) -> Sentence {
    match state.heads.sign(state.desk.authority.clock.now()).await {
        Ok(()) => Ok("signed".to_owned()),
        Err(error) => {
            tracing::error!(%error, "the audit log's head could not be signed");
            Err("not signed: see the log".to_owned())
        }
    }
}

/// Looks for certificates that expire, if the time between two looks has passed.
pub async fn look_for_notices(state: &State) -> Sentence {
    match notice::look(&state.admin.notices).await {
        Ok(None) => Ok("not yet: see every in notices.toml".to_owned()),
        Ok(Some(found)) => Ok(format!("{found} notices given")),
        Err(error) => {
            tracing::warn!(%error, "the look for what expires failed");
            Err("not finished: see the log".to_owned())
        }
    }
}

/// Writes what phones did, and shows them the certificates that their lists name.
pub async fn keep_up_with_phones(state: &State) -> Sentence {
    match state.phones.keep_up().await {
        Ok(written) => Ok(format!("{written} devices noted")),
        Err(error) => {
            tracing::warn!(%error, "what phones did could not be written; it is tried again");
            Err("not finished: see the log".to_owned())
        }
    }
}

/// Signs the configuration files that changed.
pub async fn sign_files(state: &State) -> Sentence {
    Ok(format!("{} files signed", state.signing.round().await))
}

/// Puts back the tasks that ran when the process before ended.
pub async fn take_over_tasks(state: &State) -> Result<()> {
    match state.tasks.take_over().await? {
        0 => {}
        left => tracing::info!(left, "tasks that broke off are taken up again"),
    }
    Ok(())
}

/// Reads the policies anew: whole or not at all.
pub async fn reload(state: &State) {
    match admin::policies::reload(&state.admin, Actor::System).await {
        Ok(profiles) => {
            tracing::info!(profiles, "the policies were read anew");
        }
        Err(faults) => {
            let error: Error = all_faults(&faults);
            tracing::error!(%error, "the policies were not taken over; the old ones stay in force");
        }
    }
}

async fn sweep(state: &State) -> Sentence {
    let swept = admin::sweep(&state.admin, SWEEP_BATCH).await;
    state.metrics.run_upkeep();
    match swept {
        Ok(gone) => Ok(format!("{gone} records removed")),
        Err(error) => {
            tracing::warn!(%error, "sweeping failed");
            Err("not finished: see the log".to_owned())
        }
    }
}

fn every<F>(
    work: &mut JoinSet<()>,
    state: &Arc<State>,
    stop: &watch::Receiver<bool>,
    (name, period): (&'static str, Duration),
    job: impl Fn(Arc<State>) -> F + Send + 'static,
) where
    F: Future<Output = Sentence> + Send,
{
    let (state, stop) = (state.clone(), stop.clone());
    state.desk.authority.upkeep.expect(name, period, state.desk.authority.clock.now());
    work.spawn(async move {
        let mut stopped = std::pin::pin!(stopped(stop));
        let authority = state.desk.authority.clone();
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = authority.clock.sleep(period) => {
                    authority.upkeep.run(name, &authority.clock, job(state.clone())).await;
                }
            }
        }
    });
}

/// Done when `stop` is true (or its sender is gone).
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
