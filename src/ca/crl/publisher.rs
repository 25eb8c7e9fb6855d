//! When the next CRL is due: after a revocation, and at half of its window.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::ca::records::RevocationRecord;
use crate::ca::{Authority, LoadedCa, crl};
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

/// Publishes the CRL of every CA that has unpublished revocations or has used half of its window, all at the
/// same time: a slow one keeps no other waiting. A CA whose key is not here is passed over (`ca sign-crl`
/// serves it).
/// Returns the CAs published, and the failures by CA.
pub async fn publish_due(authority: &Authority) -> (Vec<CaId>, Vec<(CaId, Error)>) {
    let (mut published, mut failed) = (Vec::new(), Vec::new());
    let mut tasks = Vec::new();
    for ca in authority.hierarchy().all().iter().filter(|ca| ca.ready().is_ok()) {
        let (authority, ca) = (authority.clone(), Arc::clone(ca));
        let id = ca.record.id.clone();
        tasks.push((id, tokio::spawn(async move { publish_if_due(&authority, &ca).await })));
    }
    for (id, task) in tasks {
        let broke_off = |e| Err(Error::internal("the making of the CRL broke off").because(e));
        match task.await.unwrap_or_else(broke_off) {
            Ok(true) => published.push(id),
            Ok(false) => {}
            Err(error) => failed.push((id, error)),
        }
    }
    (published, failed)
}

async fn publish_if_due(authority: &Authority, ca: &LoadedCa) -> Result<bool> {
    if !is_due(authority, ca).await? {
        return Ok(false);
    }
    crl::publish(authority, &ca.record.id).await.map(|_| true)
}

async fn is_due(authority: &Authority, ca: &LoadedCa) -> Result<bool> {
    let id = &ca.record.id;
    let Some(shown) = authority.published.of(id) else { return Ok(true) };
    let half = shown.next_update.since(shown.this_update) / 2;
    if authority.clock.now() >= shown.this_update.plus(half) {
        return Ok(true);
    }
    let count =
        authority.db.raw().counter(RevocationRecord::KIND, &RevocationRecord::counter_key(id, 0)).await?;
    Ok(count > shown.covers)
}

/// Keeps every CRL fresh until `shutdown` is done: a revocation is published within a second.
pub async fn run_publisher(authority: &Authority, shutdown: impl Future<Output = ()>) {
    let mut changed = authority.db.raw().changed(RevocationRecord::KIND);
    authority.upkeep.expect(UPKEEP, ROUND, authority.clock.now());
    tokio::pin!(shutdown);
    loop {
        let mut wait = RETRY;
        let publish = async {
            let (published, failed) = publish_due(authority).await;
            for (ca, error) in &failed {
                if error.code() == "token-not-ready" {
                    // Told once, when the token was lost; this comes around every second.
                    tracing::debug!(%ca, %error, "the CRL waits for the token");
                } else {
                    tracing::warn!(%ca, %error, code = error.code(), "the CRL could not be published");
                }
            }
            let names: Vec<&str> = failed.iter().map(|(ca, _)| ca.as_str()).collect();
            if !names.is_empty() {
                return Err(format!("not published: {}", names.join(", ")));
            }
            wait = ROUND;
            Ok(format!("{} published", published.len()))
        };
        authority.upkeep.run(UPKEEP, &authority.clock, publish).await;
        tokio::select! {
            () = &mut shutdown => return,
            () = authority.clock.sleep(wait) => {}
            hint = changed.changed() => {
                // A closed store gives no hints any more: the rounds go on, and the shutdown is near.
                let pause = if hint.is_ok() { COALESCE } else { wait };
                tokio::select! {
                    () = &mut shutdown => return,
                    () = authority.clock.sleep(pause) => {}
                }
            }
        }
    }
}
