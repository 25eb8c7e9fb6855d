//! `GET /certificates`: pages along one index.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::filter::{Filter, Lead};
use super::words::Walk;
use super::{Certificate, listed, to_be_renewed};
use crate::admin::api::auth::Caller;
use crate::admin::api::page::{self, Cursors, MOST_LOOKED_AT, Page};
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::query::Query;
use crate::admin::api::{Shared, json};
use crate::admin::roles::Permission;
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::list;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::{Db, Stored};

/// Certificates by one of `serial`, `fingerprint`, `device` and `q` (words of subject and alternative names, each
/// by its beginning), together with `profile`, `status` and the expiry window.
#[utoipa::path(get, path = "/api/v1/certificates", tag = "certificates",
    params(("serial" = Option<String>, Query), ("fingerprint" = Option<String>, Query),
        ("q" = Option<String>, Query), ("device" = Option<String>, Query), ("profile" = Option<String>, Query),
        ("status" = Option<String>, Query, description = "good, revoked or expired"),
        ("expires_after" = Option<String>, Query), ("expires_before" = Option<String>, Query),
        ("expires_within" = Option<String>, Query, description = "as 30d: good ones that expire by then"),
        ("renewal" = Option<String>, Query, description = "due, late or vanished; with profile alone"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Certificates", body = Page<Certificate>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::CertificatesRead).await?;
    let search = Search::read(query, &caller, state.now())?;
    json::answer(StatusCode::OK, &search.page(&state.desk.authority.db).await?)
}

/// A page of a search.
pub(super) struct Search {
    filter: Filter,
    cursors: Cursors,
    limit: usize,
    place: Place,
    now: Timestamp,
}

/// Where a page ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    after: Option<Vec<u8>>,
    walk: Walk,
}

impl Search {
    fn read(query: Query, caller: &Caller, now: Timestamp) -> Result<Self> {
        let (filter, query) = Filter::read(query)?;
        Self::of(filter, query, caller, now)
    }

    /// The page of a filter that the rest of its query names. Errors: `invalid-cursor`.
    pub(super) fn of(filter: Filter, mut query: Query, caller: &Caller, now: Timestamp) -> Result<Self> {
        let cursors = Cursors::new(&caller.token.token_hash, &filter.canonical());
        let limit = page::limit(query.take("limit").as_deref())?;
        let place = query.parsed("cursor", |cursor| {
            let damaged = |_| Error::invalid("invalid-cursor", "not a cursor of this list");
            postcard::from_bytes(&cursors.open(cursor)?).map_err(damaged)
        })?;
        Ok(Self { filter, cursors, limit, place: place.unwrap_or_default(), now })
    }

    async fn page(self, db: &Db) -> Result<Page<Certificate>> {
        match self.filter.renewal {
            Some(wanted) => self.renewals(db, wanted).await,
            None => {
                let now = self.now;
                let (found, next) = self.records(db, MOST_LOOKED_AT, |_| true).await?;
                Ok(Page { items: found.iter().map(|stored| listed(&stored.value, now)).collect(), next })
            }
        }
    }

    async fn renewals(mut self, db: &Db, wanted: list::Wanted) -> Result<Page<Certificate>> {
        let from = (self.place.after.take(), self.limit, MOST_LOOKED_AT);
        let matching = |record: &CertificateRecord| self.filter.matches(record, self.now);
        let (found, next) = list::page(db, wanted, from, self.now, matching).await?;
        let items = found.iter().map(|one| to_be_renewed(one, self.now)).collect();
        self.place.after = next;
        let next = self.place.after.is_some().then(|| self.sealed()).transpose()?;
        Ok(Page { items, next })
    }

    /// The cursor of where the page ended.
    fn sealed(&self) -> Result<String> {
        let place = postcard::to_stdvec(&self.place).map_err(|e| Error::internal("a cursor").because(e))?;
        Ok(self.cursors.seal(&place))
    }

    /// The records of the page that are `wanted` too, of `most` that are looked at, and where to go on.
    pub(super) async fn records(
        mut self,
        db: &Db,
        most: usize,
        wanted: impl Fn(&CertificateRecord) -> bool,
    ) -> Result<(Vec<Stored<CertificateRecord>>, Option<String>)> {
        let (mut items, mut looked_at) = (Vec::new(), 0);
        let scan = self.filter.scan(self.now);
        while items.len() < self.limit && looked_at < most {
            let scan = scan.clone().limit(self.limit - items.len()).after(self.place.after.take());
            let batch = db.scan::<CertificateRecord>(scan).await?;
            looked_at += batch.items.len();
            for stored in batch.items {
                if self.takes(&stored.value) && wanted(&stored.value) {
                    items.push(stored);
                }
            }
            self.place.after = batch.next;
            if self.place.after.is_none() {
                return Ok((items, None));
            }
        }
        let next = Some(self.sealed()?);
        Ok((items, next))
    }

    fn takes(&mut self, record: &CertificateRecord) -> bool {
        let first = match &self.filter.lead {
            Some(Lead::Words(words)) => self.place.walk.meets_first(words, record),
            Some(Lead::Serial(_) | Lead::Fingerprint(_) | Lead::Device(_)) | None => true,
        };
        first && self.filter.matches(record, self.now)
    }
}
