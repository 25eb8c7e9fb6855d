//! One document from one address that an operator named: bounded in time and size, no redirect, no proxy.

use std::time::Duration;

use super::webhook::{Target, Webhook};
use crate::error::{Error, Kind, Result};

/// For the whole exchange.
const TIME: Duration = Duration::from_secs(120);

/// The body of a 200 from `http://` or `https://` (the system's trust store counts), at most `largest` bytes.
/// Errors: `bad-address`; `not-fetched` for anything but that.
pub async fn fetch(address: &str, largest: usize) -> Result<Vec<u8>> {
    let target = Target::parse(address, true).map_err(|e| {
        let why = "an address is http://HOST[:PORT]/PATH or https://… of a single host, without user name";
        Error::invalid("bad-address", why).because(e)
    })?;
    let not_fetched = |e: Error| {
        Error::new(Kind::Unreachable, "not-fetched", format!("cannot fetch from {target}")).because(e)
    };
    Webhook::new(&target, None, TIME)?.get(largest).await.map_err(not_fetched)
}
