//! E-mail addresses (RFC 5280 §4.2.1.6: `Mailbox` of RFC 5321, here without quoted local parts): CSR-47.

use super::dns;
use crate::error::{Error, Result};

/// Checks `local@domain`; returns it with the domain in lower case.
pub(super) fn check(address: &str) -> Result<String> {
    let bad = || Error::bad_csr("bad email SAN");
    let (local, domain) = address.split_once('@').ok_or_else(bad)?;
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    if local.len() > 64 || address.len() > 254 || !local.split('.').all(is_atom) {
        return Err(bad());
    }
    let domain = dns::check(domain).ok().filter(|d| !d.starts_with('*')).ok_or_else(bad)?;
    Ok(format!("{local}@{domain}"))
}
