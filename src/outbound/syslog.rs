//! A syslog server: one message in a datagram (RFC 5426), or counted on a connection (RFC 6587 §3.4.1), in the clear or
//! under TLS (RFC 5425). Nobody answers: on a connection a message counts as sent once the server closed it in turn,
//! or did not refuse it for a while.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::host::Host;
use super::{printable, roots, trusting};
use crate::error::{Error, Kind, Result};

/// How long the end of a connection is waited for: servers that keep it open have taken the message by then.
const LAST: Duration = Duration::from_secs(2);

/// How a message is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram each; what is lost is not noticed.
    Udp,
    /// A connection in the clear.
    Tcp,
    /// A connection under TLS.
    Tls,
}

/// A syslog server.
pub struct Syslog {
    host: Host,
    way: Way,
    patience: Duration,
}

enum Way {
    Udp,
    Tcp,
    Tls(TlsConnector),
}

impl Syslog {
    /// Prepares to send to `host`; its TLS certificate chains to one in the PEM file `ca`, or in the system's store.
    /// `patience` is for one message. Errors: `bad-ca-file`.
    pub fn new(host: Host, transport: Transport, ca: Option<&Path>, patience: Duration) -> Result<Self> {
        let way = match transport {
            Transport::Udp => Way::Udp,
            Transport::Tcp => Way::Tcp,
            Transport::Tls => Way::Tls(TlsConnector::from(Arc::new(trusting(roots(ca)?)?))),
        };
        Ok(Self { host, way, patience })
    }

    /// Sends one message (RFC 5424). Errors: `syslog-failed`.
    pub async fn send(&self, message: &[u8]) -> Result<()> {
        let sent = async {
            match &self.way {
                Way::Udp => self.datagram(message).await,
                Way::Tcp => counted(self.host.connect(self.patience).await?, message).await,
                Way::Tls(connector) => {
                    let stream = self.host.connect(self.patience).await?;
                    let name = ServerName::try_from(self.host.name().to_owned())
                        .map_err(|e| std::io::Error::other(e.to_string()))?;
                    counted(connector.connect(name, stream).await?, message).await
                }
            }
        };
        match timeout(self.patience, sent).await {
            Ok(sent) => sent.map_err(|e| self.failed(&e.to_string())),
            Err(_elapsed) => Err(self.failed("no answer in time")),
        }
    }

    async fn datagram(&self, message: &[u8]) -> std::io::Result<()> {
        let mut failure = std::io::Error::other("it has no address");
        for server in self.host.addresses().await? {
            match datagram_to(server, message).await {
                Ok(()) => return Ok(()),
                Err(e) => failure = e,
            }
        }
        Err(failure)
    }

    fn failed(&self, why: &str) -> Error {
        let text = format!("the syslog server {}: {}", self.host, printable(why));
        Error::new(Kind::Unreachable, "syslog-failed", text)
    }
}

async fn datagram_to(server: SocketAddr, message: &[u8]) -> std::io::Result<()> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    let sent = socket.send(message).await?;
    if sent == message.len() { Ok(()) } else { Err(std::io::Error::other("the datagram was cut")) }
}

/// `LENGTH SP MESSAGE`, then the end of what is sent, and of what comes.
async fn counted(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &[u8]) -> std::io::Result<()> {
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message);
    stream.write_all(&frame).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    // A server that did not read all of it resets the connection.
    match timeout(LAST, stream.read(&mut [0; 64])).await {
        Ok(Err(e)) if e.kind() != std::io::ErrorKind::UnexpectedEof => Err(e),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_message_is_counted_on_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Host::parse(&listener.local_addr().unwrap().to_string(), 514).unwrap();
        let serve = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = String::new();
            stream.read_to_string(&mut all).await.unwrap();
            all
        });
        let syslog = Syslog::new(host, Transport::Tcp, None, PATIENCE).unwrap();
        syslog.send("<28>1 - ü".as_bytes()).await.unwrap();
        assert_eq!(serve.await.unwrap(), "10 <28>1 - ü");
    }

    #[tokio::test]
    async fn nobody_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Host::parse(&listener.local_addr().unwrap().to_string(), 514).unwrap();
        drop(listener);
        let syslog = Syslog::new(host, Transport::Tcp, None, PATIENCE).unwrap();
        let error = syslog.send(b"x").await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Unreachable, "syslog-failed"));
    }
}
