//! Subject alternative names (RFC 5280 §4.2.1.6).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::x509::name::{self, Name};

mod dns;
mod email;
mod encoding;
mod uri;

/// One alternative name, checked: it cannot hold a malformed value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum San {
    /// A DNS name, lower-case A-labels, a wildcard only as the whole leftmost label.
    Dns(String),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// An e-mail address.
    Email(String),
    /// An absolute URI.
    Uri(String),
    /// A directory name, as DER.
    Directory(Vec<u8>),
    /// A sort that no profile can allow yet (otherName, registeredID …): its tag number and DER.
    Other(u8, Vec<u8>),
}

impl San {
    /// Reads `dns:host.example`, `ip:10.0.0.1`, `email:a@b.c`, `uri:https://…`, and checks the value by the
    /// catalogue's rules (CSR-40, -41, -43, -44, -46, -47). Errors: `bad-csr` with the catalogue's text.
    pub fn parse(text: &str) -> Result<Self> {
        let (sort, value) = text.split_once(':').unwrap_or(("", text));
        match sort.trim().to_ascii_lowercase().as_str() {
            "dns" => dns::from_text(value.trim()).map(Self::Dns),
            "ip" => value.trim().parse().map(Self::Ip).map_err(|_| Error::bad_csr("malformed IP address")),
            "email" => email::check(value.trim()).map(Self::Email),
            "uri" => uri::check(value.trim()).map(Self::Uri),
            _ => Err(Error::bad_csr(
                "an alternative name is written as dns:, ip:, email: or uri: and its value",
            )),
        }
    }
    /// The sort: `dns`, `ip`, `email`, `uri`, `directory`, `other`.
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Ip(_) => "ip",
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
            Self::Directory(_) => "directory",
            Self::Other(..) => "other",
        }
    }
    /// Its value as text, without the sort.
    pub fn value(&self) -> String {
        match self {
            Self::Dns(v) | Self::Email(v) | Self::Uri(v) => v.clone(),
            Self::Ip(v) => v.to_string(),
            Self::Directory(der) => Name::from_der(der).map(|n| n.to_string()).unwrap_or_default(),
            Self::Other(tag, _) => format!("tag {tag}"),
        }
    }
    /// Reads the value of a SAN extension: 1 to 250 names (CSR-38). Errors: `bad-csr`.
    pub fn decode_all(extension_value: &[u8]) -> Result<Vec<Self>> {
        encoding::decode_all(extension_value)
    }
    /// The DER value of a SAN extension. Errors: `bad-csr` "SAN count out of range" unless there are 1 to 250.
    pub fn encode_all(sans: &[San]) -> Result<Vec<u8>> {
        encoding::encode_all(sans)
    }
    /// Whether two lists hold the same names, in any order, repeats ignored.
    pub fn same_set(a: &[San], b: &[San]) -> bool {
        let set = |list: &[San]| list.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        set(a) == set(b)
    }
}

impl std::fmt::Display for San {
    /// `dns:host.example`, the form that `parse` reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.sort(), name::escape_line(&self.value()))
    }
}

#[cfg(test)]
mod tests;
