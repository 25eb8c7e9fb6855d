//! The certificate before, revoked some time after it was renewed, where its profile says so.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::ca::records::serials::{self, Reference};
use crate::ca::records::{CertificateRecord, Status};
use crate::ca::renewal::successor::is_gone;
use crate::ca::{Authority, revoke};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{RecordId, Serial};
use crate::random::Random;
use crate::store::Unit;
use crate::task::{self, NewTask, Outcome};
use crate::x509::crl::Reason;

/// The kind of its task.
pub const KIND: &str = "certificate.supersede";
/// How long is waited while the certificate that renewed it is on hold.
const ON_HOLD: Duration = Duration::from_hours(1);

/// What the task knows.
#[derive(Serialize, Deserialize)]
struct Body {
    old: RecordId,
    by: Serial,
}

/// Adds to the unit of a renewal: the one before is to be revoked at `due`. Errors: `internal`.
pub fn schedule(
    unit: &mut Unit,
    old: &CertificateRecord,
    by: &Serial,
    (now, due): (Timestamp, Timestamp),
    random: &Random,
) -> Result<()> {
    let body = Body { old: old.id, by: by.clone() };
    let body =
        postcard::to_stdvec(&body).map_err(|e| Error::internal("a task cannot be encoded").because(e))?;
    // One certificate may be renewed several times: each of them is a reason of its own to revoke it.
    let key = format!("{}.{} {by}", old.ca, old.serial);
    let subject = format!("certificate:{}", old.serial);
    task::schedule(unit, NewTask { kind: KIND, key, subject, body, due }, now, random).map(drop)
}

/// Does the task. Doing it again changes nothing. Errors: `storage`, `state-conflict`: to be tried again.
pub async fn run(authority: &Authority, body: &[u8]) -> Result<Outcome> {
    let Ok(Body { old, by }) = postcard::from_bytes(body) else {
        return Ok(Outcome::GiveUp("what it is about cannot be read".to_owned()));
    };
    let (db, now) = (&authority.db, authority.clock.now());
    let Some(old) = db.get::<CertificateRecord>(old.as_bytes()).await?.map(|stored| stored.value) else {
        return done("the certificate is not there any more");
    };
    if old.not_after < now {
        return done("the certificate expired before");
    }
    if is_gone(&old) {
        return done("the certificate was revoked before");
    }
    let successors = serials::all(db, &by).await?;
    if !successors.iter().any(|new| new.value.status == Status::Good) {
        if successors.iter().any(|new| !is_gone(&new.value)) {
            let said = "the certificate that renewed it is on hold";
            return Ok(Outcome::Later(now.plus(ON_HOLD), said.to_owned()));
        }
        return done("left alone: the certificate that renewed it was revoked meanwhile");
    }
    revoke::revoke_named(authority, &Reference::to(&old), Reason::Superseded, Actor::System).await?;
    Ok(Outcome::Done(format!("revoked; superseded by {by}")))
}

fn done(what: &str) -> Result<Outcome> {
    Ok(Outcome::Done(what.to_owned()))
}
