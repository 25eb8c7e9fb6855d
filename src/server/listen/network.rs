//! Who may speak to a listener: addresses, and networks in the notation of RFC 4632 and RFC 4291.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A network, as `10.1.0.0/16`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// This machine itself.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// Whether an address belongs to it; an IPv4 address counts as such also where it comes in an IPv6 one.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(own.to_bits().into(), other.to_bits().into(), 32 - self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128 - self.prefix),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether two addresses are the same but for their last bits.
fn same(a: u128, b: u128, last: u8) -> bool {
    (a ^ b).checked_shr(last.into()).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let bad = |rule: &str| Error::invalid("invalid-network", format!("{text:.60}: {rule}"));
        let rule = "a network is an address, or one with a prefix, as 10.1.0.0/16";
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| bad(rule))?)),
        };
        let address: IpAddr = address.parse().map_err(|_| bad(rule))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(bad("its prefix is longer than an address"));
        }
        let network = Self { address, prefix };
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(bad("write an IPv4 address as such")),
            _ if network.has_more_bits() => Err(bad("bits are set behind its prefix")),
            IpAddr::V4(_) | IpAddr::V6(_) => Ok(network),
        }
    }
}

impl Network {
    /// Who writes `10.1.2.3/8` may have meant something else.
    fn has_more_bits(&self) -> bool {
        let (value, last) = match self.address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32 - self.prefix),
            IpAddr::V6(v6) => (v6.to_bits(), 128 - self.prefix),
        };
        value.trailing_zeros() < last.into() && value != 0
    }
}

impl TryFrom<String> for Network {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_belongs_to_its_networks_alone() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ffff::1", "10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.9.9.9", "::ffff:11.9.9.9"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ] {
            assert!(holds(network, inside), "{network} {inside}");
            assert!(!holds(network, outside), "{network} {outside}");
        }
        let is_here = |text: &str| Network::LOOPBACK.iter().any(|n| n.contains(text.parse().unwrap()));
        assert!(is_here("127.9.9.9") && is_here("::1") && is_here("::ffff:127.0.0.1"));
        assert!(!is_here("10.0.0.1") && !is_here("::2"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_the_rule() {
        for bad in [
            "",
            "10",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.1.0.0/8",
            "::ffff:10.0.0.1",
            "a/8",
            "10.0.0.1/",
        ] {
            assert_eq!(bad.parse::<Network>().unwrap_err().code(), "invalid-network", "{bad}");
        }
        for good in ["0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32"] {
            assert_eq!(good.parse::<Network>().unwrap().to_string(), good);
        }
    }
}
