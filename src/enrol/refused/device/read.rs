//! One device's file: read, and every name in it held against what there is.

use serde::Deserialize;

use super::{Condition, Device, Hint};
use crate::ca::profile::Pattern;
use crate::enrol::refused::{table, traits};
use crate::error::{Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    name: String,
    vendor: String,
    #[serde(default)]
    cannot: Vec<String>,
    #[serde(rename = "match")]
    matches: RawMatch,
    #[serde(default)]
    hints: Vec<RawHint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatch {
    any: Vec<RawCondition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct RawCondition {
    profiles: Vec<String>,
    user_agents: Vec<String>,
    subjects: Vec<String>,
    transactions: Vec<String>,
    traits: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHint {
    #[serde(default)]
    codes: Vec<String>,
    text: String,
}

/// Reads one file. Errors: `bad-device`, with `file:line` or `file` and the key as its field.
pub(super) fn device(file: &str, text: &str) -> Result<Device> {
    let raw: RawDevice = toml::from_str(text).map_err(|e| unreadable(file, text, &e))?;
    let at = |key: &'static str| {
        move |e: Error| Error::invalid("bad-device", e.detail()).at(format!("{file} {key}"))
    };
    if raw.matches.any.is_empty() {
        return Err(at("match.any")(Error::invalid("bad-device", "name at least one condition")));
    }
    let any = raw.matches.any.into_iter().map(condition).collect::<Result<_>>().map_err(at("match.any"))?;
    let hints = raw.hints.into_iter().map(hint).collect::<Result<_>>().map_err(at("hints"))?;
    Ok(Device { name: raw.name, vendor: raw.vendor, cannot: raw.cannot, any, hints })
}

fn condition(raw: RawCondition) -> Result<Condition> {
    let RawCondition { profiles, user_agents, subjects, transactions, traits } = raw;
    let lists = [&profiles, &user_agents, &subjects, &transactions, &traits];
    if lists.iter().all(|list| list.is_empty()) {
        return Err(Error::invalid("bad-device", "a condition without a list would fit every request"));
    }
    if let Some(unknown) = traits.iter().find(|t| !traits::KNOWN.contains(&t.as_str())) {
        let text = format!("there is no trait {unknown}; there are {}", traits::KNOWN.join(", "));
        return Err(Error::invalid("bad-device", text));
    }
    Ok(Condition {
        profiles: patterns(&profiles)?,
        user_agents: patterns(&user_agents)?,
        subjects: patterns(&subjects)?,
        transactions: patterns(&transactions)?,
        traits,
    })
}

/// Values are compared in lower case.
fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    texts.iter().map(|text| Pattern::parse(&text.to_lowercase())).collect()
}

fn hint(raw: RawHint) -> Result<Hint> {
    if let Some(unknown) = raw.codes.iter().find(|code| !table::is_known(code)) {
        return Err(Error::invalid("bad-device", format!("no request is refused with the code {unknown}")));
    }
    if raw.text.trim().is_empty() || raw.text.len() > 1000 {
        return Err(Error::invalid("bad-device", "the text of a hint has 1 to 1,000 bytes"));
    }
    Ok(Hint { codes: raw.codes, text: raw.text })
}

fn unreadable(file: &str, text: &str, fault: &toml::de::Error) -> Error {
    let offset = fault.span().map_or(0, |span| span.start);
    let line = text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1;
    let reason = fault.message().lines().collect::<Vec<_>>().join(" ");
    Error::invalid("bad-device", reason).at(format!("{file}:{line}"))
}
