//! A channel tried out by an operator.

use crate::audit::{Actor, Event, Outcome};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::notice::Notices;
use crate::notice::digest::Digest;
use crate::notice::policy::ChannelPolicy;
use crate::store::Unit;

/// Sends a message that says it is a test, now and once, also by a channel that is not enabled. Errors: `not-found`;
/// those of the channel.
pub async fn try_out(notices: &Notices, name: &str, actor: Actor) -> Result<ChannelPolicy> {
    let in_force = notices.current();
    let channel = in_force.policy.channels.iter().find(|channel| channel.name == name);
    let channel = channel.ok_or_else(|| Error::not_found("channel", "of that name"))?.clone();
    let authority = &notices.authority;
    let now = authority.clock.now();
    let id = format!("{}.{name}", RecordId::new(now, &authority.random)?);
    let sent = in_force.channels.send(name, &Digest { id, at: now, found: 0, listed: Vec::new() }).await;
    let mut event = Event::new(now, actor, "notice.test", format!("channel:{name}"));
    if let Err(error) = &sent {
        event = event.outcome(Outcome::Refused).with("code", error.code()).with("reason", error.detail());
    }
    let mut unit = Unit::new();
    unit.event(event);
    authority.db.commit(unit).await?;
    sent.map(|()| channel)
}
