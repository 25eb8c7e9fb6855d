//! Which certificates a bulk revocation is about: named ones, or what a filter finds.

use crate::admin::api::auth::Caller;
use crate::admin::api::certificates::filter::{Filter, fingerprint};
use crate::admin::api::certificates::search::Search;
use crate::admin::api::json::Fields;
use crate::admin::api::query::Query;
use crate::ca::records::serials::Reference;
use crate::ca::records::{CertificateRecord, Status};
use crate::ca::{Authority, revoke};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::store::{Db, Scan, Stored};

/// Certificates of one request.
pub(super) const MOST: usize = 1_000;
/// The filters that are those of the list.
const LISTED: [&str; 7] =
    ["q", "device", "profile", "status", "expires_after", "expires_before", "expires_within"];
const FILTER: [&str; 8] =
    ["q", "device", "profile", "status", "expires_after", "expires_before", "expires_within", "ca"];

/// Which certificates.
pub(super) enum Selection {
    /// These.
    Named(Vec<String>),
    /// Those that are found, page by page.
    Found(Box<Found>),
}

/// A filter and a page of what it finds.
pub(super) struct Found {
    pairs: Vec<(String, String)>,
    ca: Option<CaId>,
    is_good: bool,
}

/// What a selection led to: as it was named, and the certificate or why there is none.
pub(super) struct Chosen {
    pub name: Option<String>,
    pub certificate: Result<Stored<CertificateRecord>>,
}

impl Selection {
    /// Reads `certificates`, or `filter` with `limit` and `cursor`. Errors: `invalid-selection` for both or neither
    /// or a filter that says nothing, `too-many-items`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let named = fields.lines("certificates", MOST)?;
        let filter = fields.object("filter", &FILTER)?;
        let limit = fields.integer("limit", 1..=MOST as u64)?;
        let cursor = fields.line("cursor")?;
        match (named.is_empty(), filter) {
            (false, None) => Ok(Self::Named(named)),
            (true, Some(filter)) => {
                Found::read(filter, limit, cursor).map(|found| Self::Found(Box::new(found)))
            }
            (false, Some(_)) => Err(invalid("either certificates or a filter, not both")),
            (true, None) => Err(invalid("certificates or a filter are needed")),
        }
    }

    /// The certificates, and where the filter goes on. Errors: those of the filter, `storage`.
    pub(super) async fn resolve(
        self,
        authority: &Authority,
        caller: &Caller,
    ) -> Result<(Vec<Chosen>, Option<String>)> {
        match self {
            Self::Found(found) => found.page(authority, caller).await,
            Self::Named(names) => {
                let mut chosen = Vec::with_capacity(names.len());
                for name in names {
                    let certificate = match named(authority, &name).await {
                        Err(error) if error.kind() == Kind::Storage => return Err(error),
                        found => found,
                    };
                    chosen.push(Chosen { name: Some(name), certificate });
                }
                Ok((chosen, None))
            }
        }
    }
}

impl Found {
    fn read(mut filter: Fields<'_>, limit: Option<u64>, cursor: Option<String>) -> Result<Self> {
        let mut pairs = Vec::new();
        for name in LISTED {
            if let Some(value) = filter.line(name)? {
                pairs.push((name.to_owned(), value));
            }
        }
        let ca = filter.name::<CaId>("ca")?;
        if pairs.is_empty() && ca.is_none() {
            return Err(invalid("a filter that says nothing would find every certificate").at("/filter"));
        }
        let is_good = pairs.iter().all(|(name, _)| name != "status");
        pairs.push(("limit".to_owned(), limit.unwrap_or(MOST as u64).to_string()));
        pairs.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor)));
        Ok(Self { pairs, ca, is_good })
    }

    async fn page(self, authority: &Authority, caller: &Caller) -> Result<(Vec<Chosen>, Option<String>)> {
        let now = authority.clock.now();
        let (ca, is_good) = (self.ca, self.is_good);
        let (filter, query) = Filter::read(Query::of(self.pairs)).map_err(|e| e.at("/filter"))?;
        let wanted = |record: &CertificateRecord| {
            ca.as_ref().is_none_or(|ca| record.ca == *ca) && (!is_good || is_live(record, now))
        };
        let search = Search::of(filter, query, caller, now)?;
        let (records, next) = search.records(&authority.db, MOST, wanted).await?;
        let chosen = |stored| Chosen { name: None, certificate: Ok(stored) };
        Ok((records.into_iter().map(chosen).collect(), next))
    }
}

fn is_live(record: &CertificateRecord, now: Timestamp) -> bool {
    record.status == Status::Good && record.not_after >= now
}

/// The certificate of a serial number, `CA.SERIAL` or fingerprint. Errors: `not-found`, `serial-ambiguous`,
/// `ca-certificate`, `storage`.
async fn named(authority: &Authority, name: &str) -> Result<Stored<CertificateRecord>> {
    if let Ok(print) = fingerprint(name)
        && let Some(found) = by_fingerprint(&authority.db, &print).await?
    {
        return Ok(found);
    }
    let unknown = |_| Error::not_found("certificate", "of that serial number or fingerprint");
    let reference = name.parse::<Reference>().map_err(unknown)?;
    match reference.find(&authority.db).await {
        Err(error) if error.kind() == Kind::NotFound => {
            revoke::refuse_ca(authority, reference.serial())?;
            Err(error)
        }
        found => found,
    }
}

async fn by_fingerprint(db: &Db, print: &[u8; 32]) -> Result<Option<Stored<CertificateRecord>>> {
    let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_FINGERPRINT).prefix(print[..16].to_vec());
    let found = db.scan::<CertificateRecord>(scan.limit(10)).await?.items;
    Ok(found.into_iter().find(|stored| stored.value.fingerprint == *print))
}

fn invalid(rule: &str) -> Error {
    Error::invalid("invalid-selection", rule)
}
