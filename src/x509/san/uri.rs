//! URIs (RFC 5280 §4.2.1.6, RFC 3986): absolute, without user information: CSR-46.

use std::net::Ipv6Addr;

use super::dns;
use crate::error::{Error, Result};

/// The longest URI, in octets.
const MAX_LEN: usize = 2048;
/// Schemes whose URIs run or read something where they are opened.
const REFUSED: [&str; 5] = ["javascript", "file", "data", "vbscript", "blob"];
/// Schemes without `//` that name a thing.
const OPAQUE: [&str; 6] = ["urn", "sip", "sips", "tag", "xmpp", "im"];

/// Checks an absolute URI; returns it as it is.
pub(super) fn check(uri: &str) -> Result<String> {
    let bad = || Error::bad_csr("bad URI SAN");
    let (scheme, rest) = uri.split_once(':').ok_or_else(bad)?;
    if uri.len() > MAX_LEN || !is_scheme(scheme) || !has_only_uri_characters(rest) {
        return Err(bad());
    }
    let scheme = scheme.to_ascii_lowercase();
    if REFUSED.contains(&scheme.as_str()) {
        return Err(bad());
    }
    let sound = match rest.strip_prefix("//") {
        Some(hierarchical) => is_authority(hierarchical.split(['/', '?', '#']).next().unwrap_or_default()),
        None => is_opaque(&scheme, rest),
    };
    if sound { Ok(uri.to_owned()) } else { Err(bad()) }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// RFC 3986 §2: unreserved, reserved, and percent signs before two hexadecimal digits.
fn has_only_uri_characters(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    bytes.iter().enumerate().all(|(i, &b)| match b {
        b'%' => bytes.get(i + 1..i + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        _ => b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&b),
    })
}

/// `host`, `host:port` or `[v6]:port`; user information is refused.
fn is_authority(authority: &str) -> bool {
    if let Some(bracketed) = authority.strip_prefix('[') {
        return bracketed
            .split_once(']')
            .is_some_and(|(ip, port)| ip.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port)));
    }
    let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let host_ok = host.parse::<std::net::Ipv4Addr>().is_ok()
        || dns::check(host).is_ok_and(|name| !name.starts_with('*'));
    host_ok && (port.is_empty() || is_port(port))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

/// `urn:…`, or `sip:host` (RFC 5922 §7.1: no user part in a certificate).
fn is_opaque(scheme: &str, rest: &str) -> bool {
    let sip = matches!(scheme, "sip" | "sips" | "im" | "xmpp");
    OPAQUE.contains(&scheme)
        && !rest.is_empty()
        && (!sip || is_authority(rest.split([';', '?']).next().unwrap_or("")))
}
