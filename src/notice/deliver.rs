//! The messages of a look: one task for each channel, tried until it arrives.

use serde::{Deserialize, Serialize};

use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::notice::digest::Digest;
use crate::notice::records::{NoticeRecord, OpenLook};
use crate::notice::{InForce, Notices};
use crate::store::{Db, KeyBuilder, Scan, Unit};
use crate::task::{self, Leased, NewTask, Outcome};

/// The kind of these tasks.
pub const SEND: &str = "notice.send";

/// What the task knows; the notices stand in the store.
#[derive(Serialize, Deserialize)]
struct Sending {
    channel: String,
    run: RecordId,
    found: u64,
    at: Timestamp,
}

/// Schedules a message for each channel that is used; returns how many.
pub(super) fn schedule(
    unit: &mut Unit,
    authority: &Authority,
    in_force: &InForce,
    look: OpenLook,
) -> Result<usize> {
    let now = authority.clock.now();
    let enabled = in_force.policy.channels.iter().filter(|channel| channel.enabled);
    let mut scheduled = 0;
    for channel in enabled {
        let sending = Sending { channel: channel.name.clone(), run: look.run, found: look.found, at: now };
        let body = postcard::to_stdvec(&sending).map_err(|e| Error::internal("a message").because(e))?;
        let new = NewTask {
            kind: SEND,
            key: format!("{} {}", look.run, channel.name),
            subject: format!("channel:{}", channel.name),
            body,
            due: now,
        };
        task::schedule(unit, new, now, &authority.random)?;
        scheduled += 1;
    }
    Ok(scheduled)
}

/// Sends one message. Sent again it is the same, under the same identifier. Errors: those of the channel.
pub async fn deliver(notices: &Notices, leased: Leased) -> Result<Outcome> {
    let Ok(sending) = postcard::from_bytes::<Sending>(&leased.task.body) else {
        return Ok(Outcome::GiveUp("the task cannot be read".to_owned()));
    };
    let in_force = notices.current();
    let used = in_force.policy.channels.iter().find(|c| c.enabled && c.name == sending.channel);
    let Some(channel) = used else {
        return Ok(Outcome::GiveUp(format!("there is no channel {} any more", sending.channel)));
    };
    let listed = listed(&notices.authority.db, sending.run, in_force.policy.listed).await?;
    let digest = Digest {
        id: format!("{}.{}", sending.run, sending.channel),
        at: sending.at,
        found: sending.found,
        listed,
    };
    in_force.channels.send(&sending.channel, &digest).await?;
    Ok(Outcome::Done(format!("{} notices sent to {}", sending.found, channel.target)))
}

/// The notices of a look that expire first.
async fn listed(db: &Db, run: RecordId, most: usize) -> Result<Vec<NoticeRecord>> {
    let prefix = KeyBuilder::new().bytes(run.as_bytes()).build();
    let scan = Scan::all::<NoticeRecord>(NoticeRecord::BY_RUN).prefix(prefix).limit(most);
    Ok(db.scan::<NoticeRecord>(scan).await?.items.into_iter().map(|stored| stored.value).collect())
}
