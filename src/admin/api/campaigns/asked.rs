//! A campaign to be made, as it is read.

use std::time::Duration;

use crate::admin::api::devices::{FILTERS, read_filter};
use crate::admin::api::json::{self, Fields};
use crate::admin::duration;
use crate::device::Filter;
use crate::device::campaign::{Assignment, Hours, MOST_HOURS, NewCampaign, Pace};
use crate::device::records::{Action, Authentication, KeyOrder};
use crate::error::{Error, Result};
use crate::x509::key::KeyAlgorithm;

const USUAL_WITHIN: Duration = Duration::from_hours(7 * 24);
const USUAL_AT_ONCE: u32 = 100;
const USUAL_PER_MINUTE: u32 = 60;
const MOST: u64 = 100_000;
/// A campaign that is wanted, or only asked about.
pub(super) struct Asked {
    pub new: NewCampaign,
    pub dry_run: bool,
}

impl json::Body for Asked {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "filter",
        "operation",
        "authentication",
        "key",
        "within",
        "at_once",
        "per_minute",
        "hours",
        "pause_after",
        "dry_run",
    ];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let new = NewCampaign {
            name: fields.required_name("name")?,
            assignment: assignment(fields)?,
            pace: Pace {
                at_once: number(fields, "at_once")?.unwrap_or(USUAL_AT_ONCE),
                per_minute: number(fields, "per_minute")?.unwrap_or(USUAL_PER_MINUTE),
            },
            hours: hours(fields)?,
            pause_after: number(fields, "pause_after")?,
        };
        Ok(Self { new, dry_run: fields.flag("dry_run")? })
    }
}

fn assignment(fields: &mut Fields<'_>) -> Result<Assignment> {
    let operation = fields.required_line("operation")?;
    let (asked, filter) = filter(fields)?;
    Ok(Assignment {
        filter,
        asked,
        action: operation.parse::<Action>().map_err(|e| fields.at("operation", e))?,
        authentication: fields.parsed("authentication", str::parse)?.unwrap_or(Authentication::ExistingLsc),
        key: fields.parsed("key", str::parse)?.unwrap_or(KeyOrder::only(KeyAlgorithm::Rsa2048)),
        within: fields.parsed("within", duration::parse)?.unwrap_or(USUAL_WITHIN),
    })
}

/// As it was asked for, and as the room has it. That it says something the room holds.
fn filter(fields: &mut Fields<'_>) -> Result<(Vec<(String, String)>, Filter)> {
    let Some(mut given) = fields.object("filter", &FILTERS)? else { return Err(fields.missing("filter")) };
    let mut asked = Vec::new();
    for name in FILTERS {
        asked.extend(given.line(name)?.map(|value| (name.to_owned(), value)));
    }
    let value = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let filter = read_filter(value).map_err(|e| fields.at("filter", e))?;
    Ok((asked, filter))
}

fn hours(fields: &mut Fields<'_>) -> Result<Vec<Hours>> {
    let lines = fields.lines("hours", MOST_HOURS)?.into_iter().enumerate();
    lines.map(|(place, text)| text.parse().map_err(|e: Error| e.at(format!("/hours/{place}")))).collect()
}

fn number(fields: &mut Fields<'_>, name: &str) -> Result<Option<u32>> {
    let found = fields.integer(name, 1..=MOST)?;
    found
        .map(|n| u32::try_from(n).map_err(|_| fields.at(name, Error::invalid("out-of-range", "too large"))))
        .transpose()
}
