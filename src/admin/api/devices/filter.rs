//! What devices are looked for, read from a query or from JSON.

use crate::admin::api::json::Fields;
use crate::admin::api::query::Query;
use crate::admin::duration;
use crate::clock::Timestamp;
use crate::device::Filter;
use crate::device::filter::{Holds, Window, Words};
use crate::error::{Error, Result};

/// Its fields, as in [`super::DeviceFilter`].
pub const FIELDS: [&str; 19] = [
    "name",
    "q",
    "model",
    "region",
    "profile",
    "state",
    "reason",
    "campaign",
    "holds",
    "expires_after",
    "expires_before",
    "expires_within",
    "renewal",
    "lsc_key",
    "mic_key",
    "lsc_issuer",
    "seen_after",
    "seen_before",
    "locked",
];

/// The filter of a query that may also have `limit` and `cursor`. Errors: as [`read`]; `unknown-parameter`.
pub(super) fn of_query(query: Query) -> Result<(Filter, Query)> {
    let known: Vec<&str> = FIELDS.into_iter().chain(["limit", "cursor"]).collect();
    let mut query = query.only(&known)?;
    let filter = read(|name| query.take(name))?;
    Ok((filter, query))
}

/// The filter of a JSON object. Errors: as [`read`], each with its pointer; `invalid-selection` if it says nothing.
pub(super) fn of_fields(fields: &mut Fields<'_>) -> Result<Filter> {
    let mut given = Vec::with_capacity(FIELDS.len());
    for name in FIELDS {
        given.push((name, fields.line(name)?));
    }
    let take = |name: &str| {
        let found = given.iter_mut().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| value.take()).filter(|value| !value.is_empty())
    };
    let filter = read(take).map_err(|e| e.at("/filter"))?;
    if filter.is_all() {
        let rule = "a filter says something: every device is never meant";
        return Err(Error::invalid("invalid-selection", rule).at("/filter"));
    }
    Ok(filter)
}

/// The filter whose values `take` gives by their names ([`FIELDS`]). Errors: those of each value;
/// `unsupported-filter` for what does not combine.
pub fn read(mut take: impl FnMut(&str) -> Option<String>) -> Result<Filter> {
    let time = |name: &str, take: &mut dyn FnMut(&str) -> Option<String>| {
        take(name).map(|text| Timestamp::parse(&text)).transpose()
    };
    let expires =
        Window { after: time("expires_after", &mut take)?, before: time("expires_before", &mut take)? };
    let (seen_after, seen_before) = (time("seen_after", &mut take)?, time("seen_before", &mut take)?);
    let expires_within = take("expires_within").map(|text| duration::parse(&text)).transpose()?;
    if expires_within.is_some() && expires != Window::default() {
        return Err(Error::invalid("unsupported-filter", "expires_within is a window of its own"));
    }
    Ok(Filter {
        name: take("name"),
        words: take("q").map(|text| Words::read(&text)).transpose()?,
        model: take("model"),
        region: take("region"),
        profile: take("profile").map(|text| text.parse()).transpose()?,
        state: take("state").map(|text| text.parse()).transpose()?,
        reason: take("reason").map(|text| text.parse()).transpose()?,
        campaign: take("campaign").map(|text| text.parse()).transpose()?,
        holds: take("holds").map(|text| holds(&text)).transpose()?,
        expires,
        expires_within,
        due: take("renewal").map(|text| due(&text)).transpose()?.unwrap_or(false),
        lsc_key: take("lsc_key"),
        mic_key: take("mic_key"),
        lsc_issuer: take("lsc_issuer"),
        seen_after,
        seen_before,
        locked: take("locked").map(|text| flag(&text)).transpose()?.unwrap_or(false),
    })
}

/// `true` or `false`. Errors: `invalid-flag`.
pub(super) fn flag(text: &str) -> Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::invalid("invalid-flag", "true or false is expected")),
    }
}

fn holds(text: &str) -> Result<Holds> {
    match text {
        "lsc" => Ok(Holds::Lsc),
        "mic" => Ok(Holds::Mic),
        "none" => Ok(Holds::Neither),
        _ => Err(Error::invalid("invalid-holds", "holds is one of lsc, mic, none")),
    }
}

fn due(text: &str) -> Result<bool> {
    match text {
        "due" => Ok(true),
        _ => Err(Error::invalid("invalid-renewal", "renewal of devices is: due")),
    }
}
