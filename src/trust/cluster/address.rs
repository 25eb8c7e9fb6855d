//! Where phones find the servers of a cluster.

use crate::error::{Error, Result};

/// Phones know up to three of a sort; groups of more have others behind a name.
const MOST: usize = 16;

/// Holds that each is a host name or an address, with or without a port. Errors: `invalid-address`, `too-many-items`.
pub fn check(addresses: &[String], field: &str) -> Result<()> {
    if addresses.len() > MOST {
        return Err(Error::invalid("too-many-items", format!("at most {MOST} addresses")).at(field));
    }
    match addresses.iter().position(|address| !is_address(address)) {
        None => Ok(()),
        Some(at) => {
            let text =
                "an address is a host name or an IP address, with a port or without, as tvs.example.org:2445";
            Err(Error::invalid("invalid-address", text).at(format!("{field}/{at}")))
        }
    }
}

fn is_address(text: &str) -> bool {
    if text.parse::<std::net::IpAddr>().is_ok() || text.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    match text.rsplit_once(':') {
        None => is_host(text),
        Some((host, port)) => is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0),
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_an_address_and_either_with_a_port_are_taken() {
        for good in ["tvs", "tvs.example.org", "cucm_1:2445", "10.0.0.1", "10.0.0.1:69", "::1", "[::1]:2445"]
        {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", ":1", "a b", "-a", "a..b", "a:0", "a:65536", "a:x", "http://a", "[::1]", "a/b"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
