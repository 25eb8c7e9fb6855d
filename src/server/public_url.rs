//! `--url http://HOST[:PORT]`: the address that stands in certificates (CDP, AIA).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::x509::san::San;

/// A checked address: scheme http, host, perhaps a port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl {
    host: String,
    port: Option<u16>,
}

impl PublicUrl {
    /// The address of a demonstration on this machine.
    pub fn localhost(port: u16) -> Self {
        Self { host: "localhost".into(), port: Some(port) }
    }

    /// The host: a DNS name in lower case or an IP address (IPv6 without brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as a subject alternative name.
    pub fn san(&self) -> San {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => San::Ip(ip),
            Err(_) => San::Dns(self.host.clone()),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = Error;

    /// Errors: `invalid-url` naming the rule.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = |rule: &str| {
            Err(Error::invalid("invalid-url", format!("--url is http://HOST[:PORT]: {rule}")).at("url"))
        };
        let Some(rest) = text.strip_prefix("http://") else {
            return refuse("it begins with http:// (CRLs are fetched over plain HTTP, RFC 5280 §8)");
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return refuse("no user name or password");
        }
        if rest.contains(['/', '?', '#']) {
            return refuse("no path, query or fragment");
        }
        let Some((host, port)) = split_port(rest) else {
            return refuse("the port is a number from 1 to 65535");
        };
        match read_host(host) {
            Some(host) => Ok(Self { host, port }),
            None => refuse("HOST is a DNS name, an IPv4 address or an IPv6 address in brackets"),
        }
    }
}

/// Splits `HOST[:PORT]`; none if the port is none.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = authority.rfind(']').map_or(0, |i| i + 1);
    match authority[after_bracket..].find(':') {
        None => Some((authority, None)),
        Some(i) => {
            let port = &authority[after_bracket + i + 1..];
            let number = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse::<u16>().ok())??;
            (number != 0).then_some((&authority[..after_bracket + i], Some(number)))
        }
    }
}

fn read_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().ok().map(|ip| ip.to_string());
    }
    is_host_name(host).then(|| host.to_ascii_lowercase())
}

/// Whether it is a DNS host name or an IPv4 address by its letters (RFC 1123 §2.1).
pub fn is_host_name(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

impl TryFrom<String> for PublicUrl {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]", self.host)?;
        } else {
            write!(f, "http://{}", self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_addresses() {
        for (text, written) in [
            ("http://pki.example.org", "http://pki.example.org"),
            ("http://PKI.example.org:8080/", "http://pki.example.org:8080"),
            ("http://10.0.0.1:80", "http://10.0.0.1:80"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn refuses_what_must_not_stand_in_certificates() {
        for text in [
            "https://pki.example.org",
            "pki.example.org",
            "http://",
            "http://user@pki",
            "http://pki/path",
            "http://pki?x",
            "http://pki:0",
            "http://pki:99999",
            "http://pki:+80",
            "http://pki_1",
            "http://a b",
            "http://[::1",
            "http://::1",
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap_err().code(), "invalid-url", "{text}");
        }
    }

    #[test]
    fn an_address_is_an_ip_name_and_a_host_a_dns_name() {
        let san = |t: &str| t.parse::<PublicUrl>().unwrap().san();
        assert_eq!(san("http://[::1]:1"), San::Ip("::1".parse().unwrap()));
        assert_eq!(san("http://10.0.0.1"), San::Ip("10.0.0.1".parse().unwrap()));
        assert_eq!(san("http://pki"), San::Dns("pki".into()));
    }
}
