//! From `[challenge]` as it was read to a source that can be asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{ChallengeSource, RadiusOptions, SecretFile, WebhookOptions, absolute};
use crate::ca::profile::duration;
use crate::ca::profile::faults::Faults;
use crate::ca::profile::options::Approval;
use crate::ca::profile::raw::{RawChallenge, RawFrom, RawProfile, RawSource};
use crate::error::{Error, Result};
use crate::outbound::webhook::Target;

/// The port of RADIUS authentication (RFC 2865 §3).
const RADIUS_PORT: u16 = 1812;
const MAX_SERVERS: usize = 3;
/// A device waits meanwhile, and its connection ends after a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// The source that a profile names; nothing, and its faults noted, if it cannot be one.
pub(in crate::ca::profile) fn source(raw: &RawProfile, faults: &mut Faults<'_>) -> Option<ChallengeSource> {
    let Some(challenge) = &raw.challenge else {
        return Some(ChallengeSource::OneTime);
    };
    if raw.approval != Approval::Challenge {
        faults.rule(&["challenge"], "bad-profile", "[challenge] belongs to approval = \"challenge\"");
        return None;
    }
    foreign_keys(challenge, faults);
    match challenge.source {
        RawSource::OneTime => Some(ChallengeSource::OneTime),
        RawSource::SharedSecret => shared_secret(challenge, faults),
        RawSource::Webhook => webhook(challenge, faults),
        RawSource::Radius => radius(raw, challenge, faults),
    }
}

/// A key that the source does not know is a mistake, not a decoration.
fn foreign_keys(raw: &RawChallenge, faults: &mut Faults<'_>) {
    use RawSource::{Radius, SharedSecret, Webhook};
    let keys: [(&str, bool, &[RawSource]); 9] = [
        ("acknowledge_shared_secret", raw.acknowledge_shared_secret.is_some(), &[SharedSecret]),
        ("secret_file", raw.secret_file.is_some(), &[SharedSecret, Webhook, Radius]),
        ("url", raw.url.is_some(), &[Webhook]),
        ("ca_file", raw.ca_file.is_some(), &[Webhook]),
        ("allow_plain_http", raw.allow_plain_http.is_some(), &[Webhook]),
        ("timeout", raw.timeout.is_some(), &[Webhook, Radius]),
        ("servers", raw.servers.is_some(), &[Radius]),
        ("nas_identifier", raw.nas_identifier.is_some(), &[Radius]),
        ("tries", raw.tries.is_some(), &[Radius]),
    ];
    for (key, given, sources) in keys {
        if given && !sources.contains(&raw.source) {
            let words: Vec<_> = sources.iter().map(|s| format!("\"{}\"", s.as_str())).collect();
            let rule = format!("challenge.{key} belongs to source = {}", words.join(" or "));
            faults.rule(&["challenge", key], "bad-profile", rule);
        }
    }
}

fn shared_secret(raw: &RawChallenge, faults: &mut Faults<'_>) -> Option<ChallengeSource> {
    let secret = secret_file(raw, faults);
    if raw.acknowledge_shared_secret != Some(true) {
        let rule = "who holds a shared secret gets a certificate of any name that the profile allows; \
                    use another source, or set acknowledge_shared_secret = true";
        faults.rule(&["challenge", "source"], "unsafe-profile", rule);
        return None;
    }
    Some(ChallengeSource::SharedSecret { secret: secret? })
}

fn webhook(raw: &RawChallenge, faults: &mut Faults<'_>) -> Option<ChallengeSource> {
    let secret = secret_file(raw, faults);
    let plain = raw.allow_plain_http.unwrap_or(false);
    let target = match &raw.url {
        Some(url) => faults.take(&["challenge", "url"], Target::parse(url, plain)),
        None => needed("url", raw.source, faults),
    };
    let ca_file = match raw.ca_file.as_deref().map(absolute) {
        Some(path) => Some(faults.take(&["challenge", "ca_file"], path)?),
        None => None,
    };
    let timeout = timeout(raw, Duration::from_secs(5), faults);
    let options = WebhookOptions { target: target?, secret: secret?, ca_file, timeout: timeout? };
    Some(ChallengeSource::Webhook(options))
}

fn radius(raw: &RawProfile, challenge: &RawChallenge, faults: &mut Faults<'_>) -> Option<ChallengeSource> {
    let secret = secret_file(challenge, faults);
    let servers = servers(challenge, faults);
    let timeout = timeout(challenge, Duration::from_secs(2), faults);
    let tries = challenge.tries.unwrap_or(2);
    if !(1..=5).contains(&tries) {
        faults.rule(&["challenge", "tries"], "out-of-range", "challenge.tries is from 1 to 5");
        return None;
    }
    let nas_identifier = challenge.nas_identifier.clone().unwrap_or_else(|| "signet".to_owned());
    if !(1..=253).contains(&nas_identifier.len()) || nas_identifier.chars().any(char::is_control) {
        let rule = "challenge.nas_identifier is a line of 1 to 253 bytes";
        faults.rule(&["challenge", "nas_identifier"], "bad-profile", rule);
    }
    names_are_bound(raw, faults);
    let (servers, timeout) = (servers?, timeout?);
    if timeout * tries * u32::try_from(servers.len()).unwrap_or(u32::MAX) > LONGEST {
        let rule = "servers times tries times timeout is at most 30s: the device waits meanwhile";
        faults.rule(&["challenge", "timeout"], "out-of-range", rule);
    }
    Some(ChallengeSource::Radius(RadiusOptions { servers, secret: secret?, nas_identifier, timeout, tries }))
}

/// The server hears the device's name and nothing of the others: those must not be the device's choice.
fn names_are_bound(raw: &RawProfile, faults: &mut Faults<'_>) {
    let Some(device) = raw.device.as_deref() else {
        let rule = "source = \"radius\" needs device: the attribute of the subject that is sent as User-Name";
        return faults.rule(&["challenge", "source"], "bad-profile", rule);
    };
    let free = raw.subject.iter().filter(|(_, rule)| matches!(rule.from, RawFrom::Request));
    let free: Vec<&str> = free.map(|(name, _)| name.as_str()).filter(|name| *name != device).collect();
    if !free.is_empty() && !raw.acknowledge_unsafe {
        let rule = format!(
            "a RADIUS server judges the device's name alone, and the requester chooses {}; fix or forbid them, or set \
             acknowledge_unsafe = true",
            free.join(", ")
        );
        faults.rule(&["subject"], "unsafe-profile", &rule);
    }
    if device != "CN" && !raw.acknowledge_unsafe {
        let rule = "a RADIUS server hears one name, and only the CN stands in a subject once: device = \"CN\", or set \
                    acknowledge_unsafe = true";
        faults.rule(&["device"], "unsafe-profile", rule);
    }
    let only_the_cn = raw.san.cn_among && raw.san.max == Some(1) && device == "CN";
    if !raw.san.allow.is_empty() && !only_the_cn && !raw.acknowledge_unsafe {
        let rule = "a RADIUS server judges the device's name alone, and the requester chooses alternative names; \
                    allow none, or the CN alone (device = \"CN\", cn_among = true, max = 1), or set \
                    acknowledge_unsafe = true";
        faults.rule(&["san", "allow"], "unsafe-profile", rule);
    }
}

fn servers(raw: &RawChallenge, faults: &mut Faults<'_>) -> Option<Vec<SocketAddr>> {
    let Some(list) = &raw.servers else {
        return needed("servers", raw.source, faults);
    };
    if !(1..=MAX_SERVERS).contains(&list.len()) {
        faults.rule(
            &["challenge", "servers"],
            "out-of-range",
            "challenge.servers names one to three servers",
        );
        return None;
    }
    let read = |(place, text): (usize, &String)| {
        faults.take(&["challenge", "servers", &place.to_string()], server(text))
    };
    list.iter().enumerate().map(read).collect()
}

/// `ADDRESS` or `ADDRESS:PORT`. No names: whoever answers DNS would choose the judge.
fn server(text: &str) -> Result<SocketAddr> {
    let bad =
        || Error::invalid("bad-address", "a RADIUS server is an IP address, with :PORT if it is not 1812");
    let alone = |ip: IpAddr| SocketAddr::new(ip, RADIUS_PORT);
    let address = text.parse().or_else(|_| text.parse().map(alone)).map_err(|_| bad())?;
    let ip = address.ip();
    if address.port() == 0 || ip.is_unspecified() || ip.is_multicast() {
        return Err(bad());
    }
    Ok(address)
}

fn timeout(raw: &RawChallenge, usual: Duration, faults: &mut Faults<'_>) -> Option<Duration> {
    let path = ["challenge", "timeout"];
    let Some(text) = &raw.timeout else {
        return Some(usual);
    };
    let timeout = faults.take(&path, duration::parse(text))?;
    if !(Duration::from_secs(1)..=LONGEST).contains(&timeout) {
        faults.rule(&path, "out-of-range", "challenge.timeout is from 1s to 30s");
        return None;
    }
    Some(timeout)
}

fn secret_file(raw: &RawChallenge, faults: &mut Faults<'_>) -> Option<SecretFile> {
    let Some(text) = &raw.secret_file else {
        return needed("secret_file", raw.source, faults);
    };
    faults.take(&["challenge", "secret_file"], SecretFile::parse(text))
}

fn needed<T>(key: &str, source: RawSource, faults: &mut Faults<'_>) -> Option<T> {
    let rule = format!("source = \"{}\" needs challenge.{key}", source.as_str());
    faults.rule(&["challenge", "source"], "bad-profile", rule);
    None
}
