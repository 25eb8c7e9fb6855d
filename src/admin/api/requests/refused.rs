//! Refused requests: listed, explained, tried again without issuing.

use axum::extract::State;
use axum::http::StatusCode;

use super::known;
use super::types::{Asked, Change, Explanation, LikelyDevice, RefusedRequest, Replayed, WouldIssue};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::page::{self, Cursors, Page};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::query::Query;
use crate::admin::api::{Shared, json};
use crate::admin::roles::Permission;
use crate::clock::Timestamp;
use crate::enrol::records::RequestRecord;
use crate::enrol::refused::RefusedRecord;
use crate::enrol::refused::explain::{self, explain, explain_waiting};
use crate::enrol::refused::replay::{Verdict, replay};
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};
use crate::store::{Db, PRIMARY, Scan};

/// A page looks at no more requests than this; there are never many more.
const MOST_LOOKED_AT: usize = 10_000;

/// Refused requests, newest first: all, or those of a profile, with a code, whose subject or a name of theirs contains a
/// text, and since a time.
#[utoipa::path(get, path = "/api/v1/requests/refused", tag = "requests",
    params(("profile" = Option<String>, Query), ("code" = Option<String>, Query),
        ("subject" = Option<String>, Query), ("since" = Option<String>, Query, description = "RFC 3339"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Refused requests", body = Page<RefusedRequest>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::RequestsRead).await?;
    let (filter, mut query) = Filter::read(query)?;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("refused {filter:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let (records, next) = filter.page(&state.desk.authority.db, limit, after).await?;
    let items = records.iter().map(listed).collect::<Vec<_>>();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Says in words why a request was refused, and what to change on which side; also where one stands that waits.
#[utoipa::path(get, path = "/api/v1/requests/{id}/explanation", tag = "requests", params(("id" = String, Path)),
    responses((status = 200, description = "The explanation", body = Explanation), Refusals))]
pub async fn explanation(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::RequestsRead).await?;
    let (id, db) = (known(&id)?, &state.desk.authority.db);
    if let Some(refused) = db.get::<RefusedRecord>(id.as_bytes()).await? {
        let explained = explain(&state.desk, &refused.value);
        return json::answer(StatusCode::OK, &described(explained, Some(listed(&refused.value)), id));
    }
    let waiting = db.get::<RequestRecord>(id.as_bytes()).await?;
    let waiting = waiting.ok_or_else(|| Error::not_found("request", id))?;
    json::answer(StatusCode::OK, &described(explain_waiting(&waiting.value), None, id))
}

/// Tries a refused request again against today's policy. Nothing is issued, consumed or counted.
#[utoipa::path(post, path = "/api/v1/requests/{id}/replay", tag = "requests", params(("id" = String, Path)),
    responses((status = 200, description = "What would happen now", body = Replayed), Refusals))]
pub async fn run_again(State(state): Shared, caller: Caller, Named(id): Named, _body: Body) -> Answer {
    caller.may(Permission::RequestsDecide).await?;
    let id = known(&id)?;
    let replayed = replay(&state.desk, state.ra(), id, caller.actor()).await?;
    let (outcome, mut told) = match replayed.now {
        Verdict::Issued { ca, subject, sans, not_after } => {
            let would_issue = WouldIssue {
                ca: ca.to_string(),
                subject: subject.to_string(),
                sans: sans.iter().map(ToString::to_string).collect(),
                not_after: not_after.to_string(),
            };
            ("would-be-issued", Replayed { would_issue: Some(would_issue), ..Replayed::default() })
        }
        Verdict::Again(serial) => {
            ("would-be-given-again", Replayed { serial: Some(serial.to_string()), ..Replayed::default() })
        }
        Verdict::Waiting => ("would-wait", Replayed::default()),
        Verdict::Crl => ("would-be-answered", Replayed::default()),
        Verdict::Refused { code, rule } => {
            ("refused", Replayed { code: Some(code), rule: Some(rule), ..Replayed::default() })
        }
    };
    told.outcome = outcome.to_owned();
    told.differences = replayed.differences;
    told.then = Some(listed(&replayed.then));
    json::answer(StatusCode::OK, &told)
}

/// What is looked for: one index leads, the rest is held against what it finds.
#[derive(Debug)]
struct Filter {
    profile: Option<ProfileId>,
    code: Option<String>,
    subject: Option<String>,
    since: Option<Timestamp>,
}

impl Filter {
    fn read(query: Query) -> Result<(Self, Query)> {
        let mut query = query.only(&["profile", "code", "subject", "since", "limit", "cursor"])?;
        let filter = Self {
            profile: query.parsed("profile", str::parse)?,
            code: query.take("code"),
            subject: query.take("subject").map(|text| text.to_lowercase()),
            since: query.parsed("since", Timestamp::parse)?,
        };
        Ok((filter, query))
    }

    /// One page, and where to go on.
    async fn page(
        &self,
        db: &Db,
        limit: usize,
        mut after: Option<Vec<u8>>,
    ) -> Result<(Vec<RefusedRecord>, Option<Vec<u8>>)> {
        let (mut items, mut looked_at) = (Vec::new(), 0);
        while items.len() < limit && looked_at < MOST_LOOKED_AT {
            let scan = self.scan().limit(limit - items.len()).after(after.take());
            let batch = db.scan::<RefusedRecord>(scan).await?;
            looked_at += batch.items.len();
            for stored in batch.items {
                if self.since.is_some_and(|since| stored.value.id.made_at() < since) {
                    return Ok((items, None));
                }
                if self.matches(&stored.value) {
                    items.push(stored.value);
                }
            }
            after = batch.next;
            if after.is_none() {
                break;
            }
        }
        Ok((items, after))
    }

    fn scan(&self) -> Scan {
        let by = |index| Scan::all::<RefusedRecord>(index);
        let scan = match (&self.code, &self.profile) {
            (Some(code), _) => by(RefusedRecord::BY_CODE).prefix(RefusedRecord::prefix(code)),
            (None, Some(profile)) => {
                by(RefusedRecord::BY_PROFILE).prefix(RefusedRecord::prefix(profile.as_str()))
            }
            (None, None) => by(PRIMARY),
        };
        scan.backward()
    }

    fn matches(&self, record: &RefusedRecord) -> bool {
        let names = || {
            let subject = record.asked.subject.iter().map(ToString::to_string);
            subject.chain(record.asked.sans.iter().map(ToString::to_string))
        };
        self.profile.as_ref().is_none_or(|profile| record.profile == *profile)
            && self.code.as_ref().is_none_or(|code| record.code == *code)
            && self.subject.as_ref().is_none_or(|part| names().any(|n| n.to_lowercase().contains(part)))
    }
}

fn listed(record: &RefusedRecord) -> RefusedRequest {
    let asked = &record.asked;
    RefusedRequest {
        id: record.id.to_string(),
        at: record.id.made_at().to_string(),
        protocol: record.protocol.to_string(),
        profile: record.profile.to_string(),
        code: record.code.clone(),
        rule: record.rule.clone(),
        requester: record.requester.clone(),
        user_agent: record.user_agent.clone(),
        traits: record.traits.clone(),
        asked: Asked {
            subject: asked.subject.as_ref().map(ToString::to_string),
            sans: asked.sans.iter().map(ToString::to_string).collect(),
            key: asked.key.clone(),
            proof: asked.proof.clone(),
            transaction: asked.transaction.clone(),
        },
        can_be_replayed: record.has_message,
    }
}

fn described(explained: explain::Explanation, request: Option<RefusedRequest>, id: RecordId) -> Explanation {
    let change =
        |change: explain::Change| Change { side: change.side.as_str().to_owned(), text: change.text };
    let likely = |device: explain::Likely| LikelyDevice {
        name: device.name,
        vendor: device.vendor,
        cannot: device.cannot,
        hints: device.hints,
    };
    Explanation {
        id: id.to_string(),
        code: explained.code,
        stage: explained.stage.to_owned(),
        rule: explained.rule,
        means: explained.means,
        changes: explained.changes.into_iter().map(change).collect(),
        devices: explained.devices.into_iter().map(likely).collect(),
        request,
    }
}
