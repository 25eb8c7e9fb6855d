//! Where a connection may lead: hosts by name or address, and which of their addresses count.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// Which addresses a host may turn out to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This machine alone.
    Loopback,
    /// Any single host; never a link-local one, where clouds keep credentials for whoever asks.
    Hosts,
}

impl Reach {
    pub(super) fn includes(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let single = match ip {
            IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_broadcast(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        };
        match self {
            Self::Loopback => ip.is_loopback(),
            Self::Hosts => single && !ip.is_multicast() && !ip.is_unspecified(),
        }
    }

    /// The system's resolver, without the addresses that are out of reach: a name may change its mind after it was
    /// checked.
    pub(super) async fn resolve(self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let allowed: Vec<SocketAddr> = found.filter(|address| self.includes(address.ip())).collect();
        if allowed.is_empty() {
            return Err(std::io::Error::other(format!("{host} has no address that may be connected to")));
        }
        Ok(allowed)
    }
}

/// A server by its name (or address) and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: u16,
}

impl Host {
    /// Reads `HOST`, `HOST:PORT` or `[IPV6]:PORT`; `usual` is the port if none is named. Errors: `bad-address` also
    /// for addresses that are no single host's.
    pub fn parse(text: &str, usual: u16) -> Result<Self> {
        let bad = || {
            let text = "a server is HOST or HOST:PORT: a single host's name or address, not link-local, multicast or \
                        unspecified";
            Error::invalid("bad-address", text)
        };
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?)
            }
            _ => (text, usual),
        };
        let name = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
        let fits = match name.parse::<IpAddr>() {
            Ok(ip) => Reach::Hosts.includes(ip),
            Err(_) => is_name(name),
        };
        if fits { Ok(Self { name: name.to_ascii_lowercase(), port }) } else { Err(bad()) }
    }

    /// Its name or address.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its addresses, those that may be connected to.
    pub(super) async fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        Reach::Hosts.resolve(&self.name, self.port).await
    }

    /// Connects to the first of its addresses that answers within `patience` each.
    pub(super) async fn connect(&self, patience: Duration) -> std::io::Result<TcpStream> {
        let mut failure = std::io::Error::other("it has no address");
        for address in self.addresses().await? {
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(e)) => failure = e,
                Err(_elapsed) => failure = std::io::Error::other("no answer in time"),
            }
        }
        Err(failure)
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// A DNS name as hosts have them (RFC 1123 §2.1, and the underscore that some have), or `localhost`.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    name.len() <= 253 && !numeric && name.strip_suffix('.').unwrap_or(name).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Host::parse(text, 25).map_or_else(|e| e.code().to_owned(), |host| host.to_string())
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_its_port() {
        assert_eq!(read("Mail.Example.org"), "mail.example.org:25");
        assert_eq!(read("localhost:587"), "localhost:587");
        assert_eq!(read("10.0.0.9:6514"), "10.0.0.9:6514");
        assert_eq!(read("::1"), "[::1]:25");
        assert_eq!(read("[2001:db8::1]:514"), "[2001:db8::1]:514");
    }

    #[test]
    fn adminjson_45_no_address_of_nobody_of_many_or_of_the_link() {
        for bad in [
            "",
            ":25",
            "mail.example.org:",
            "mail.example.org:0",
            "mail.example.org:99999",
            "mail example.org",
            "mail.example.org\r\nX",
            "user@mail.example.org",
            "https://mail.example.org",
            "169.254.169.254",
            "169.254.169.254:80",
            "[fe80::1]:25",
            "[::ffff:169.254.169.254]:25",
            "0.0.0.0",
            "224.0.0.1:514",
            "255.255.255.255:514",
            "2130706433",
            "127.1",
        ] {
            assert_eq!(read(bad), "bad-address", "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_only_where_it_may_go() {
        let found = Reach::Loopback.resolve("localhost", 0).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|a| a.ip().is_loopback()), "{found:?}");
        assert!(Reach::Loopback.resolve("192.0.2.1", 0).await.is_err());
        assert!(Reach::Hosts.resolve("169.254.169.254", 80).await.is_err());
    }
}
