//! The typed verbs that rooms use.

use std::sync::Arc;

use super::rehearsal::Rehearsal;
use super::{CommitError, Committed, Index, Page, Record, Scan, Store, Stored, Unit};
use crate::error::{Error, Result};

/// A shared store with the typed verbs that rooms use.
#[derive(Clone)]
pub struct Db(Arc<dyn Store>);

impl Db {
    /// Wraps an engine.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// The same store, for asking what would happen: what is committed there is dropped.
    pub fn rehearsal(&self) -> Self {
        Self(Arc::new(Rehearsal(self.clone())))
    }

    /// The engine's own verbs.
    pub fn raw(&self) -> &dyn Store {
        &*self.0
    }

    /// Commits a unit: returns when it is durable.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        self.0.commit(unit).await
    }

    /// The record at `key`.
    pub async fn get<R: Record>(&self, key: &[u8]) -> Result<Option<Stored<R>>> {
        self.0.fetch(R::KIND, key).await?.as_ref().map(Stored::open).transpose()
    }

    /// The record at `key`. Errors: `not-found` naming `what` and `id`.
    pub async fn require<R: Record>(&self, key: &[u8], id: impl std::fmt::Display) -> Result<Stored<R>> {
        self.get(key).await?.ok_or_else(|| Error::not_found(R::KIND.name, id))
    }

    /// The record that a unique index holds at `key`.
    pub async fn find<R: Record>(&self, index: Index, key: &[u8]) -> Result<Option<Stored<R>>> {
        self.0.fetch_unique(R::KIND, index, key).await?.as_ref().map(Stored::open).transpose()
    }

    /// One page of records in index order.
    pub async fn scan<R: Record>(&self, scan: Scan) -> Result<Page<Stored<R>>> {
        let page = self.0.scan(scan).await?;
        let items = page.items.iter().map(Stored::open).collect::<Result<_>>()?;
        Ok(Page { items, next: page.next })
    }

    /// All records in index order, page by page, for small kinds (CAs, tokens).
    pub async fn all<R: Record>(&self, scan: Scan) -> Result<Vec<Stored<R>>> {
        let (mut found, mut scan) = (Vec::new(), scan);
        loop {
            let page = self.scan::<R>(scan.clone()).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}
