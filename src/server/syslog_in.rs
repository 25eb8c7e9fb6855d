//! Syslog in, for alarms of phones: datagrams, and TCP with either framing of RFC 6587. What is no such alarm is passed
//! over; nothing is answered.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::device::alarm::intake;
use crate::device::alarm::syslog::{self, MOST};
use crate::device::fetch::Depot;
use crate::device::ledger::Over;
use crate::server::capf::Open;
use crate::server::listen::network::Network;
use crate::server::listen::{Handler, Limits};

/// Call control keeps its connection open whether or not it has something to say.
const IDLE: Duration = Duration::from_secs(3600);
const FRAME: Duration = Duration::from_secs(30);

/// Takes in alarms.
pub struct SyslogIn {
    /// Where they are noted.
    pub depot: Arc<Depot>,
    /// Who may send; everybody else is not heard.
    pub from: Arc<[Network]>,
    /// Bounds of a TCP connection.
    pub limits: Limits,
    /// Counts TCP connections.
    pub open: Open,
}

impl SyslogIn {
    /// Takes in datagrams until `stop` becomes true.
    pub async fn datagrams(self: Arc<Self>, socket: UdpSocket, mut stop: watch::Receiver<bool>) {
        let mut buffer = vec![0; MOST];
        loop {
            let received = tokio::select! {
                received = socket.recv_from(&mut buffer) => received,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if let Ok((length, peer)) = received
                && self.hears(peer.ip())
            {
                self.take(&buffer[..length], peer.ip()).await;
            }
        }
    }

    fn hears(&self, peer: IpAddr) -> bool {
        let is_known = self.from.iter().any(|network| network.contains(peer));
        if !is_known {
            tracing::debug!(%peer, "syslog of somebody who is not in syslog-in-from was not heard");
            metrics::counter!("signet_syslog_refused_total").increment(1);
        }
        is_known
    }

    async fn take(&self, message: &[u8], from: IpAddr) {
        let Some(report) = syslog::read(message) else {
            return metrics::counter!("signet_syslog_passed_over_total").increment(1);
        };
        if let Err(error) = intake::note(&self.depot, report, from, Over::Syslog).await {
            tracing::warn!(%error, "an alarm of a phone was lost");
        }
    }

    async fn messages(&self, stream: impl AsyncRead + Unpin, peer: IpAddr) -> io::Result<()> {
        let mut stream = BufReader::with_capacity(MOST, stream);
        let mut message = Vec::new();
        while let Ok(waiting) = timeout(IDLE, stream.fill_buf()).await {
            let Some(&first) = waiting?.first() else { return Ok(()) };
            message.clear();
            let whole = frame(&mut stream, first, &mut message);
            timeout(FRAME, whole).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
            self.take(&message, peer).await;
        }
        Ok(())
    }
}

impl Handler for SyslogIn {
    fn name(&self) -> &'static str {
        "syslog-in"
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, mut stop: watch::Receiver<bool>) {
        if !self.hears(peer.ip()) {
            return;
        }
        let _open = self.open.enter(self.name());
        tokio::select! {
            ended = self.messages(stream, peer.ip()) => {
                if let Err(error) = ended {
                    tracing::info!(peer = %peer.ip(), %error, "syslog: the connection was closed");
                }
            }
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// One message: `LENGTH SP message`, or a line (RFC 6587 §3.4). Errors: `InvalidData` over the limit.
async fn frame<S: AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
    first: u8,
    message: &mut Vec<u8>,
) -> io::Result<()> {
    let most = MOST as u64;
    if !first.is_ascii_digit() {
        stream.take(most).read_until(b'\n', message).await?;
        return if message.len() < MOST || message.ends_with(b"\n") { Ok(()) } else { Err(too_long()) };
    }
    let mut length = Vec::new();
    stream.take(6).read_until(b' ', &mut length).await?;
    let digits = length.strip_suffix(b" ").and_then(|digits| std::str::from_utf8(digits).ok());
    let length = digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or_else(too_long)?;
    if length > most {
        return Err(too_long());
    }
    let taken = stream.take(length).read_to_end(message).await?;
    if taken as u64 == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message is at most 8 KiB long")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(bytes: &[u8]) -> (Vec<String>, Option<io::ErrorKind>) {
        let (mut stream, mut found) = (BufReader::new(bytes), Vec::new());
        while let Some(&first) = stream.fill_buf().await.unwrap().first() {
            let mut message = Vec::new();
            if let Err(e) = frame(&mut stream, first, &mut message).await {
                return (found, Some(e.kind()));
            }
            found.push(String::from_utf8(message).unwrap());
        }
        (found, None)
    }

    #[tokio::test]
    async fn both_framings_are_read_on_one_connection() {
        let (found, error) = frames(b"<13>one\n5 <13>a<13>two\n3 <1>").await;
        assert_eq!(found, ["<13>one\n", "<13>a", "<13>two\n", "<1>"]);
        assert_eq!(error, None);
    }

    #[tokio::test]
    async fn what_is_too_long_or_breaks_off_ends_the_connection() {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        assert_eq!(frames(b"8193 x").await.1, Some(InvalidData));
        assert_eq!(frames(b"99999999 x").await.1, Some(InvalidData));
        assert_eq!(frames(b"5x <1>").await.1, Some(InvalidData));
        assert_eq!(frames(b"9 <1>").await.1, Some(UnexpectedEof));
        assert_eq!(frames(&[b'<'; MOST + 1]).await.1, Some(InvalidData));
    }
}
