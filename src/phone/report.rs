//! How a phone tells of its lists: the alarm `DeviceTLInfo` by syslog (RFC 5424) over UDP.

use std::sync::Arc;

use sha1::{Digest, Sha1};
use tokio::net::UdpSocket;

use super::Outcome;
use super::accept::Alarm;
use super::list::TrustList;
use super::state::Phone;

/// Sends the alarm of a phone to `to` (`HOST:PORT`), with the digests of the lists that it holds now.
pub async fn send(phone: &Phone, alarm: Alarm, to: &str) -> Outcome<()> {
    let unspecified = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(unspecified).await?;
    socket.send_to(text(phone, alarm).as_bytes(), to).await?;
    Ok(())
}

fn text(phone: &Phone, alarm: Alarm) -> String {
    let parameter = |name: &str, value: &str| format!("%[{name}={value}]");
    let digest = |name, list: &Option<Arc<TrustList>>| {
        list.as_ref().map(|list| parameter(name, &hex(list.file()))).unwrap_or_default()
    };
    format!(
        "<165>1 - {name} phone - - - DeviceTLInfo: {device}{status}{ctl}{itl}",
        name = phone.name,
        device = parameter("DeviceName", &phone.name),
        status = parameter("StatusCode", &alarm.code().to_string()),
        ctl = digest("CTL_Signature", &phone.installed.ctl),
        itl = digest("ITL_Signature", &phone.installed.itl),
    )
}

fn hex(file: &[u8]) -> String {
    Sha1::digest(file).iter().map(|byte| format!("{byte:02X}")).collect()
}
