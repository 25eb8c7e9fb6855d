//! The worker's look at what is to be renewed, and what the metrics say of it.

use std::time::Duration;

use crate::ca::renewal::list::{Counts, counts};
use crate::ca::renewal::{catch_up, round};
use crate::server::state::State;

/// How soon a list follows the points of the profiles, and what was brought in.
const ROUND: Duration = Duration::from_secs(60);
/// Each so many rounds those that are due are looked at too, whether they were enrolled anew.
const THOROUGH: u64 = 10;
const NAME: &str = "renewal.look";

/// Looks each minute until `stop` is done. A look may be long (a store of a million, the first time) and is broken off
/// then: it is begun again at the next start.
pub async fn run(state: &State, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let authority = &state.desk.authority;
    authority.upkeep.expect(NAME, ROUND, authority.clock.now());
    for number in 0u64.. {
        let look = look(state, number.is_multiple_of(THOROUGH));
        tokio::select! {
            () = &mut stop => return,
            () = authority.upkeep.run(NAME, &authority.clock, look) => {}
        }
        tokio::select! {
            () = &mut stop => return,
            () = authority.clock.sleep(ROUND) => {}
        }
    }
}

/// Brings the book of renewals up to now; with `thorough` it also looks for those that were enrolled anew. A failure is
/// logged, and the next look tries again.
pub async fn look(state: &State, thorough: bool) -> Result<String, String> {
    match bring_up(state, thorough).await {
        Ok(Counts { due, late, vanished }) => {
            for (name, count) in [("due", due), ("late", late), ("vanished", vanished)] {
                metrics::gauge!("signet_certificates_to_renew", "state" => name).set(count as f64);
            }
            Ok(format!("{due} due, {late} of them late, {vanished} vanished"))
        }
        Err(error) => {
            tracing::warn!(%error, "what is to be renewed could not be looked at");
            Err("not finished: see the log".to_owned())
        }
    }
}

async fn bring_up(state: &State, thorough: bool) -> crate::error::Result<Counts> {
    let (authority, profiles) = (&state.desk.authority, state.desk.profiles.current());
    if catch_up(authority, &profiles).await? {
        tracing::info!("the book of renewals follows the profiles");
    }
    round(authority, &profiles, thorough).await?;
    counts(&authority.db, authority.clock.now()).await
}
