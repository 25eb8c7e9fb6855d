//! The listeners that phones come to beside CAPF.

use std::net::SocketAddr;

use serde::Serialize;
use tokio::net::UdpSocket;

use super::bind;
use crate::error::Result;
use crate::server::listen::{Listener, cannot_listen};
use crate::server::settings::{Given, Listen};

/// Syslog over TCP, and over UDP on the same port.
pub type SyslogSockets = (Listener, UdpSocket);

/// Sockets that nothing is taken from yet.
#[derive(Debug, Default)]
pub struct PhoneSockets {
    /// TVS.
    pub tvs: Option<Listener>,
    /// Lists and files over HTTP.
    pub http: Option<Listener>,
    /// Lists and files over HTTPS.
    pub https: Option<Listener>,
    /// The same on another port.
    pub https_second: Option<Listener>,
    /// Lists and files over TFTP.
    pub tftp: Option<UdpSocket>,
    /// Syslog, over TCP and UDP on the same port.
    pub syslog: Option<SyslogSockets>,
}

/// Real addresses; a listener that is off is null.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PhoneAddresses {
    /// TVS.
    pub tvs: Option<SocketAddr>,
    /// Lists and files over HTTP.
    pub phone_http: Option<SocketAddr>,
    /// Lists and files over HTTPS.
    pub phone_https: Option<SocketAddr>,
    /// The same on another port.
    pub phone_https_second: Option<SocketAddr>,
    /// Lists and files over TFTP (UDP).
    pub tftp: Option<SocketAddr>,
    /// Syslog (TCP and UDP).
    pub syslog_in: Option<SocketAddr>,
}

impl PhoneSockets {
    /// Binds what the settings say; what they do not name is off. Errors: `cannot-listen`.
    pub async fn bind(settings: &Given) -> Result<Self> {
        let tcp = async |name, listen: Option<Listen>| bind(name, listen.unwrap_or(Listen::Off)).await;
        let syslog = match tcp("syslog-in", settings.syslog_in).await? {
            None => None,
            Some(listener) => {
                let socket = udp("syslog-in", listener.address()).await?;
                Some((listener, socket))
            }
        };
        Ok(Self {
            tvs: tcp("tvs", settings.tvs).await?,
            http: tcp("phone-http", settings.phone_http).await?,
            https: tcp("phone-https", settings.phone_https).await?,
            https_second: tcp("phone-https-second", settings.phone_https_second).await?,
            tftp: match settings.tftp {
                None | Some(Listen::Off) => None,
                Some(Listen::At(address)) => Some(udp("tftp", address).await?),
            },
            syslog,
        })
    }

    /// Their real addresses.
    pub fn addresses(&self) -> PhoneAddresses {
        let of = |listener: &Option<Listener>| listener.as_ref().map(Listener::address);
        PhoneAddresses {
            tvs: of(&self.tvs),
            phone_http: of(&self.http),
            phone_https: of(&self.https),
            phone_https_second: of(&self.https_second),
            tftp: self.tftp.as_ref().and_then(|socket| socket.local_addr().ok()),
            syslog_in: self.syslog.as_ref().map(|(listener, _)| listener.address()),
        }
    }
}

async fn udp(name: &str, at: SocketAddr) -> Result<UdpSocket> {
    UdpSocket::bind(at).await.map_err(|e| cannot_listen(name, at, e))
}
