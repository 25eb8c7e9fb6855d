//! The work that comes due while the server runs: CRLs, identities, audit heads, sweeping, reload.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin;
use crate::audit::Actor;
use crate::ca::crl;
use crate::error::Error;
use crate::server::state::{State, all_faults};

/// How soon a newly named SCEP profile gets its registration authority.
const IDENTITIES: Duration = Duration::from_secs(5);
const HEADS: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(600);
/// So many records go in one durable write.
const SWEEP_BATCH: usize = 1000;

/// Starts the work; it ends when `stop` becomes true.
pub fn start(state: &Arc<State>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut work = JoinSet::new();
    let (shared, until) = (state.clone(), stop.clone());
    work.spawn(async move { crl::run_publisher(&shared.desk.authority, stopped(until)).await });
    every(&mut work, state, stop, IDENTITIES, async |state| refresh_identities(&state).await);
    every(&mut work, state, stop, HEADS, async |state| sign_head(&state).await);
    every(&mut work, state, stop, SWEEP, async |state| sweep(&state).await);
    work
}

/// Makes and renews Signet's own certificates; the service is ready when all are there.
pub async fn refresh_identities(state: &State) {
    state.set_ready(state.identities.refresh_and_log().await);
}

/// Signs the audit log's head.
pub async fn sign_head(state: &State) {
    if let Err(error) = state.heads.sign(state.desk.authority.clock.now()).await {
        tracing::error!(%error, "the audit log's head could not be signed");
    }
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

async fn sweep(state: &State) {
    match admin::sweep(&state.admin, SWEEP_BATCH).await {
        Ok(0) => {}
        Ok(gone) => tracing::debug!(gone, "swept"),
        Err(error) => tracing::warn!(%error, "sweeping failed"),
    }
    state.metrics.run_upkeep();
}

fn every<F>(
    work: &mut JoinSet<()>,
    state: &Arc<State>,
    stop: &watch::Receiver<bool>,
    period: Duration,
    job: impl Fn(Arc<State>) -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let (state, stop) = (state.clone(), stop.clone());
    work.spawn(async move {
        let mut stopped = std::pin::pin!(stopped(stop));
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = state.desk.authority.clock.sleep(period) => job(state.clone()).await,
            }
        }
    });
}

/// Done when `stop` is true (or its sender is gone).
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
