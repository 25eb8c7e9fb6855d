//! From a profile's file to a profile: every rule that it breaks is found, not the first alone.

use std::time::Duration;

use crate::ca::profile::alternative::{SORTS, SanRules};
use crate::ca::profile::expression::Rule;
use crate::ca::profile::faults::Faults;
use crate::ca::profile::options::{Approval, CapfOptions};
use crate::ca::profile::pattern::Pattern;
use crate::ca::profile::raw::{RawAttribute, RawFrom, RawProfile, RawSan, RawUsage};
use crate::ca::profile::subject::{AttributeRule, From, SubjectRules};
use crate::ca::profile::{Profile, attribute, challenge, duration, legacy, offline, renewal, usage};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::x509::key::DeviceKey;
use crate::x509::name::{Attribute, Name};

const MAX_VALIDITY: Duration = Duration::from_secs(3653 * 86_400);
const MIN_VALIDITY: Duration = Duration::from_secs(60);
const MAX_BACKDATE: Duration = Duration::from_secs(86_400);
const MAX_SANS: usize = 250;
const MAX_RULES: usize = 32;
const USUAL_SANS: usize = 10;
const USUAL_BACKDATE: Duration = Duration::from_secs(300);

/// Reads and checks one file. Errors: every fault, each with `file:line` as its field.
pub(super) fn profile(id: ProfileId, file: &str, source: &str) -> Result<Profile, Vec<Error>> {
    let mut faults = Faults::new(file, source);
    let raw: RawProfile = match toml::from_str(source) {
        Ok(raw) => raw,
        Err(e) => {
            faults.toml(&e);
            return Err(faults.into_found());
        }
    };
    match build(id, source, raw, &mut faults) {
        Some(profile) if faults.is_clean() => Ok(profile),
        Some(_) | None => Err(faults.into_found()),
    }
}

fn build(id: ProfileId, source: &str, raw: RawProfile, faults: &mut Faults<'_>) -> Option<Profile> {
    combinations(&raw, faults);
    legacy::hold(&raw, legacy::BUILT, faults);
    keys(&raw, faults);
    let ca = faults.take(&["ca"], raw.ca.parse());
    let challenge = challenge::source(&raw, faults);
    let validity = validity(&raw, faults);
    let backdate = backdate(&raw, faults);
    let subject = subject(&raw, faults);
    let device = device(&raw, &subject, faults);
    let san = san(&raw.san, faults);
    let key_usage = faults.take(&["usage", "key"], usage::key_usage(&raw.usage.key));
    serves_keys(key_usage, &raw, faults);
    let extended = faults.take(&["usage", "extended"], usage::extended_key_usage(&raw.usage.extended));
    nocheck(&raw.usage, faults);
    let renewal = renewal::rules(&raw.renewal, faults);
    let rules = rules(&raw, faults);
    let offline = offline::issuers(&raw, faults);
    let old_keys = raw.keys.contains(&DeviceKey::Rsa1024);
    let old_phones = old_keys && raw.capf.is_some();
    let capf = raw.capf.unwrap_or_default();
    let retry_later = patterns(&capf.retry_later, &["capf", "retry_later"], faults);
    let reserved_names = patterns(&raw.reserved_names, &["reserved_names"], faults);
    let profile = Profile {
        id,
        ca: ca?,
        enabled: raw.enabled,
        internal: raw.internal,
        description: raw.description,
        approval: raw.approval,
        challenge: challenge?,
        keys: raw.keys.iter().filter_map(|key| key.present()).collect(),
        rsa_1024: old_keys,
        digest: raw.digest,
        validity: validity?,
        backdate: backdate?,
        subject,
        device,
        san,
        key_usage: key_usage?,
        extended: extended?,
        ocsp_nocheck: raw.usage.ocsp_nocheck,
        renewal: renewal?,
        rules,
        reserved_names,
        scep: raw.scep,
        offline: offline?,
        capf: CapfOptions { null_string: capf.null_string, retry_later, rsa_1024: old_phones },
        source: source.to_owned(),
    };
    unsafe_profile(&profile, raw.acknowledge_unsafe, faults);
    unsafe_responder(&profile, faults);
    Some(profile)
}

fn combinations(raw: &RawProfile, faults: &mut Faults<'_>) {
    let text = &raw.description;
    if text.is_empty() || text.chars().count() > 500 || text.chars().any(|c| c.is_control() && c != '\n') {
        faults.rule(&["description"], "bad-profile", "description is a sentence of 1 to 500 characters");
    }
    if raw.internal && (raw.scep.is_some() || raw.approval != Approval::Automatic) {
        let rule = "an internal profile has no [scep] and approval = \"automatic\"";
        faults.rule(&["internal"], "bad-profile", rule);
    }
    if !raw.internal && !raw.reserved_names.is_empty() {
        faults.rule(&["reserved_names"], "bad-profile", "only an internal profile reserves names");
    }
    if raw.scep.as_ref().is_some_and(|s| s.digests.is_empty() || s.ciphers.is_empty()) {
        faults.rule(&["scep"], "bad-profile", "[scep] needs at least one digest and one cipher");
    }
}

fn keys(raw: &RawProfile, faults: &mut Faults<'_>) {
    if raw.keys.is_empty() {
        faults.rule(&["keys"], "bad-profile", "keys names at least one key type");
    }
    if raw.keys.iter().enumerate().any(|(i, key)| raw.keys[..i].contains(key)) {
        faults.rule(&["keys"], "bad-profile", "keys names a key type twice");
    }
}

fn validity(raw: &RawProfile, faults: &mut Faults<'_>) -> Option<Duration> {
    let validity = faults.take(&["validity"], duration::parse(&raw.validity))?;
    if !(MIN_VALIDITY..=MAX_VALIDITY).contains(&validity) {
        faults.rule(&["validity"], "out-of-range", "validity is from 60s to 3653d");
        return None;
    }
    Some(validity)
}

fn backdate(raw: &RawProfile, faults: &mut Faults<'_>) -> Option<Duration> {
    let Some(text) = &raw.backdate else {
        return Some(USUAL_BACKDATE);
    };
    let backdate = faults.take(&["backdate"], duration::parse(text))?;
    if backdate > MAX_BACKDATE {
        faults.rule(&["backdate"], "out-of-range", "backdate is at most 1d");
        return None;
    }
    Some(backdate)
}

fn subject(raw: &RawProfile, faults: &mut Faults<'_>) -> SubjectRules {
    let mut attributes: Vec<AttributeRule> = Vec::new();
    for (name, rule) in &raw.subject {
        let built = attribute_rule(name, rule, faults);
        if built.as_ref().is_some_and(|b| attributes.iter().any(|a| a.oid == b.oid)) {
            faults.rule(&["subject", name], "bad-profile", format!("subject.{name} is named twice"));
        }
        attributes.extend(built);
    }
    attributes.sort_by_key(|a| rank(&attribute::name(a.oid)));
    SubjectRules { attributes }
}

fn attribute_rule(name: &str, raw: &RawAttribute, faults: &mut Faults<'_>) -> Option<AttributeRule> {
    let path = ["subject", name];
    let oid = faults.take(&path, attribute::oid(name))?;
    let patterns = patterns(&raw.pattern, &["subject", name, "pattern"], faults);
    let from = match (raw.from, &raw.value) {
        (RawFrom::Forbidden, _) => return None,
        (RawFrom::Request, None) => From::Request,
        (RawFrom::Fixed, Some(value)) => {
            let written = Name::from_attributes(&[Attribute { oid, value: value.clone() }]);
            faults.take(&path, written)?;
            From::Fixed(value.clone())
        }
        (RawFrom::Request, Some(_)) | (RawFrom::Fixed, None) => {
            faults.rule(&path, "bad-profile", "value belongs to from = \"fixed\", and there it is needed");
            return None;
        }
    };
    Some(AttributeRule { oid, from, required: raw.required, patterns })
}

/// The usual order of a name, the most general first.
fn rank(name: &str) -> usize {
    const ORDER: [&str; 6] = ["DC", "C", "ST", "L", "O", "OU"];
    match name {
        "CN" => ORDER.len() + 1,
        other => ORDER.iter().position(|n| *n == other).unwrap_or(ORDER.len()),
    }
}

fn device(
    raw: &RawProfile,
    subject: &SubjectRules,
    faults: &mut Faults<'_>,
) -> Option<const_oid::ObjectIdentifier> {
    let oid = faults.take(&["device"], attribute::oid(raw.device.as_ref()?))?;
    if !subject.attributes.iter().any(|a| a.oid == oid) {
        faults.rule(&["device"], "bad-profile", "device names an attribute that [subject] allows");
    }
    Some(oid)
}

fn san(raw: &RawSan, faults: &mut Faults<'_>) -> SanRules {
    for sort in raw.allow.iter().filter(|s| !SORTS.contains(&s.as_str())) {
        let rule = format!("{sort:.40} is no sort of name; san.allow is of {}", SORTS.join(", "));
        faults.rule(&["san", "allow"], "bad-profile", rule);
    }
    let max = raw.max.unwrap_or(if raw.allow.is_empty() { 0 } else { USUAL_SANS });
    if max > MAX_SANS || raw.min > max {
        faults.rule(&["san"], "out-of-range", "san.min is at most san.max, which is at most 250");
    }
    if raw.allow.is_empty() && (max > 0 || raw.add_cn || raw.cn_among) {
        faults.rule(&["san"], "bad-profile", "san.allow names no sort, so nothing else in [san] can hold");
    }
    let mut compiled = std::collections::BTreeMap::new();
    for (sort, list) in &raw.patterns {
        if !raw.allow.contains(sort) {
            let rule = format!("san.patterns.{sort:.40} is for a sort that san.allow does not name");
            faults.rule(&["san", "patterns", sort], "bad-profile", rule);
        }
        compiled.insert(sort.clone(), patterns(list, &["san", "patterns", sort], faults));
    }
    SanRules {
        allow: raw.allow.clone(),
        wildcard: raw.wildcard,
        min: raw.min,
        max,
        cn_among: raw.cn_among,
        add_cn: raw.add_cn,
        patterns: compiled,
    }
}

fn patterns(list: &[String], path: &[&str], faults: &mut Faults<'_>) -> Vec<Pattern> {
    let mut compiled = Vec::new();
    for (place, text) in list.iter().enumerate() {
        let place = place.to_string();
        compiled.extend(faults.take(&[path, &[&place]].concat(), Pattern::parse(text)));
    }
    compiled
}

fn serves_keys(bits: Option<u16>, raw: &RawProfile, faults: &mut Faults<'_>) {
    let Some(bits) = bits else {
        return;
    };
    for key in &raw.keys {
        let kind = key.kind();
        if usage::for_key(bits, kind) == 0 {
            let rule = format!("usage.key leaves nothing that a {kind} key can do");
            faults.rule(&["usage", "key"], "key-usage", rule);
        }
    }
}

fn nocheck(raw: &RawUsage, faults: &mut Faults<'_>) {
    let responder = raw.extended.iter().any(|e| e == "OCSPSigning");
    if raw.ocsp_nocheck && !responder {
        faults.rule(&["usage", "ocsp_nocheck"], "bad-profile", "ocsp_nocheck is for OCSPSigning only");
    }
}

fn rules(raw: &RawProfile, faults: &mut Faults<'_>) -> Vec<Rule> {
    if raw.rules.len() > MAX_RULES {
        faults.rule(&["rules"], "out-of-range", "a profile has at most 32 rules");
    }
    let mut compiled = Vec::new();
    for (place, rule) in raw.rules.iter().take(MAX_RULES).enumerate() {
        let place = place.to_string();
        if rule.message.is_empty() || rule.message.len() > 200 || rule.message.chars().any(char::is_control) {
            faults.rule(&["rules", &place, "message"], "bad-rule", "message is a line of 1 to 200 bytes");
        }
        let path = ["rules", &place, "require"];
        compiled.extend(faults.take(&path, Rule::compile(&rule.require, &rule.message)));
    }
    compiled
}

/// Who signs OCSP answers decides on every certificate of the CA: nobody gets that without a decision.
fn unsafe_responder(profile: &Profile, faults: &mut Faults<'_>) {
    let undecided = profile.approval == Approval::Automatic && !profile.internal;
    if undecided && profile.extended.contains(&usage::OCSP_SIGNING) {
        let rule = "OCSPSigning is never approved automatically; set internal = true, or approval to challenge or manual";
        faults.rule(&["usage", "extended"], "unsafe-profile", rule);
    }
}

/// ADMINJSON-41: who may choose names and gets a client identity needs a decision for each request.
fn unsafe_profile(profile: &Profile, acknowledged: bool, faults: &mut Faults<'_>) {
    let client = profile.extended.is_empty() || profile.extended.contains(&usage::CLIENT_AUTH);
    let undecided = profile.approval == Approval::Automatic && !profile.internal;
    if client && undecided && profile.san.is_open() && !acknowledged {
        let rule = "the requester chooses alternative names of a client certificate and nobody approves it; \
                    set approval to challenge or manual, or acknowledge_unsafe = true";
        faults.rule(&["san", "allow"], "unsafe-profile", rule);
    }
}
