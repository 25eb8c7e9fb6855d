//! A store that counts what is committed: certificates issued, requests refused, by what the audit log says.

use std::sync::Arc;

use async_trait::async_trait;

use crate::audit::{Entry, Event, Head, Outcome};
use crate::error::Result;
use crate::store::{
    AuditFilter, CommitError, Committed, Envelope, Index, Kind, Page, Scan, Snapshot, Store, Unit,
};

/// Wraps an engine.
pub struct Observed(pub Arc<dyn Store>);

#[async_trait]
impl Store for Observed {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let labels: Vec<Labels> = unit.events.iter().map(Labels::of).collect();
        let committed = self.0.commit(unit).await;
        match &committed {
            Ok(_) => labels.into_iter().for_each(Labels::count),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(_)) => metrics::counter!("signet_commit_failures_total").increment(1),
        }
        committed
    }

    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.fetch(kind, key).await
    }

    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.fetch_unique(kind, index, key).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        self.0.scan(scan).await
    }

    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        self.0.counter(kind, key).await
    }

    async fn head(&self) -> Result<Head> {
        self.0.head().await
    }

    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.0.audit(filter).await
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.0.snapshot()
    }

    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64> {
        self.0.changed(kind)
    }

    fn health(&self) -> Result<()> {
        self.0.health()
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

/// What an event is counted by: few values each.
struct Labels {
    action: String,
    outcome: &'static str,
    code: String,
}

impl Labels {
    fn of(event: &Event) -> Self {
        let outcome = match event.outcome {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
            Outcome::Warning => "warning",
        };
        let code = event.details.get("code").cloned().unwrap_or_default();
        Self { action: event.action.clone(), outcome, code }
    }

    fn count(self) {
        metrics::counter!("signet_events_total", "action" => self.action, "outcome" => self.outcome, "code" => self.code)
            .increment(1);
    }
}
