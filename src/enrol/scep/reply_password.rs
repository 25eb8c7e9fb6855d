//! The password that a reply to a waiting request is encrypted with (RFC 8894 §3.1): kept sealed while it waits.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::enrol::Desk;
use crate::enrol::records::ReplyPasswordRecord;
use crate::error::{Error, Result};
use crate::keys::Sealer;
use crate::store::{Stored, Unit, When};

/// Names the sealing key; part of what is stored.
const PURPOSE: &str = "scep-reply-password";
/// Nobody waits longer for an operator.
const WAITING: Duration = Duration::from_hours(30 * 24);
/// The certificate was fetched; the answer may have been lost on its way.
const FETCHED: Duration = Duration::from_hours(24);

/// Adds the password to the unit that makes the request wait. Errors: `internal`.
pub fn keep(desk: &Desk, transaction: Vec<u8>, password: &str) -> Result<Unit> {
    let sealed = sealer(desk)?.seal(&transaction, password.as_bytes())?;
    let expires = desk.authority.clock.now().plus(WAITING);
    let mut unit = Unit::new();
    unit.put(&ReplyPasswordRecord { transaction, sealed, expires }, When::Always)?;
    Ok(unit)
}

/// The password, for a reply that carries the certificate; from now on it is kept for a day at most.
/// Errors: `cms-recipient` if it is kept no longer; `storage`.
pub async fn take(desk: &Desk, transaction: &[u8]) -> Result<Zeroizing<String>> {
    let db = &desk.authority.db;
    let gone = || {
        let text = "the challenge password for the reply is kept no longer: send the request itself again";
        Error::invalid("cms-recipient", text)
    };
    let stored = db.get::<ReplyPasswordRecord>(transaction).await?.ok_or_else(gone)?;
    let opened = sealer(desk)?.open(transaction, &stored.value.sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| Error::storage("a sealed password is no text"))?;
    let password = Zeroizing::new(text.to_owned());
    shorten(desk, stored, desk.authority.clock.now().plus(FETCHED)).await;
    Ok(password)
}

fn sealer(desk: &Desk) -> Result<Sealer> {
    desk.authority.keys.sealer(PURPOSE)
}

/// Best effort: the sweep comes for it in any case.
async fn shorten(desk: &Desk, stored: Stored<ReplyPasswordRecord>, expires: Timestamp) {
    if stored.value.expires <= expires {
        return;
    }
    let mut unit = Unit::new();
    let shortened = ReplyPasswordRecord { expires, ..stored.value };
    let written = match unit.replace(&shortened, stored.revision) {
        Ok(_) => desk.authority.db.commit(unit).await.map(|_| ()).map_err(Error::from),
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::debug!(%error, "a reply's password is kept longer than it need be");
    }
}
