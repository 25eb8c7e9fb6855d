//! `/challenges/batch`: many challenges in one durable write, or none.

use axum::http::StatusCode;

use super::types::{ChallengeFault, ChallengeFaults, CreatedChallenges, NewChallenge, NewChallenges};
use super::*;
use crate::admin::api::problem::Refusal;
use crate::error::Kind;

/// The most challenges of one batch.
const MOST: usize = 100;

/// Makes challenges, all of them or none, or only says which would be refused (`dry_run`). They are shown this once; a
/// replay under the same Idempotency-Key is refused.
#[utoipa::path(post, path = "/api/v1/challenges/batch", tag = "challenges", request_body = NewChallenges,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The challenges", body = CreatedChallenges),
        (status = 200, description = "What a dry run found", body = ChallengeFaults), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::ChallengesCreate).await?;
    let NewChallenges { items, dry_run } = body.json()?;
    if dry_run {
        let faults = items.iter().enumerate().filter_map(|(place, new)| {
            let fault =
                super::check(new.clone()).and_then(|new| challenge::check(&state.desk, &new)).err()?;
            Some(told(place, &fault))
        });
        return json::answer(StatusCode::OK, &ChallengeFaults { faults: faults.collect() });
    }
    let read = |(place, new)| super::check(new).map_err(|fault| refused(vec![(place, fault)]));
    let items = items.into_iter().enumerate().map(read).collect::<Answer<Vec<_>>>()?;
    let claim = claim(state.now(), &caller, &body, Kept::Secret);
    let alongside = Claim::alongside(claim.as_ref(), &state.desk.authority.db).await?;
    let made =
        challenge::create_batch(&state.desk, items, caller.actor(), alongside).await.map_err(refused)?;
    let items = made.iter().map(|(record, secret)| created(record, secret)).collect();
    json::answer(StatusCode::CREATED, &CreatedChallenges { items })
}

impl json::Body for NewChallenges {
    const FIELDS: &'static [&'static str] = &["items", "dry_run"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let items = fields.objects("items", MOST, NewChallenge::FIELDS)?;
        if items.is_empty() {
            return Err(fields.missing("items"));
        }
        let items = items.into_iter().map(item).collect::<Result<_>>()?;
        Ok(Self { items, dry_run: fields.flag("dry_run")? })
    }
}

/// As a single challenge is read, but for the profile's name, whose faults are told with the others.
fn item(mut fields: Fields<'_>) -> Result<NewChallenge> {
    Ok(NewChallenge {
        profile: fields.required_line("profile")?,
        subject: fields.required_line("subject")?,
        sans: fields.lines("sans", MAX_SANS)?,
        ttl: fields.line("ttl")?,
    })
}

fn told(place: usize, fault: &Error) -> ChallengeFault {
    ChallengeFault {
        item: place as u64,
        pointer: format!("/items/{place}{}", fault.field().unwrap_or_default()),
        code: fault.code().to_owned(),
        detail: fault.detail().to_owned(),
    }
}

/// The first fault, and how many more there are; a fault of ours stays one.
fn refused(faults: Vec<(usize, Error)>) -> Refusal {
    let more = faults.len().saturating_sub(1);
    let Some((place, fault)) = faults.into_iter().next() else {
        return Error::internal("a batch was refused without a fault").into();
    };
    match fault.kind() {
        Kind::Storage | Kind::Internal | Kind::Busy | Kind::Conflict => fault.into(),
        kind => {
            let told = told(place, &fault);
            let detail = match more {
                0 => told.detail,
                more => format!("{} (and {more} more items; a dry run names them all)", told.detail),
            };
            Error::new(kind, fault.code(), detail).at(told.pointer).into()
        }
    }
}
