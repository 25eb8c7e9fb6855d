//! The bound listeners, their real addresses, and the names that their certificate needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::server::files;
use crate::server::layout::Layout;
use crate::server::listen::Listener;
use crate::server::public_url::PublicUrl;
use crate::server::settings::{Given, Listen};
use crate::x509::san::San;

mod phones;

pub use phones::{PhoneAddresses, PhoneSockets, SyslogSockets};

/// Listeners that do not accept yet.
#[derive(Debug)]
pub struct Bound {
    /// Plain HTTP.
    pub http: Option<Listener>,
    /// HTTPS.
    pub https: Option<Listener>,
    /// CAPF.
    pub capf: Option<Listener>,
    /// CAPF for old phones.
    pub capf_legacy: Option<Listener>,
    /// What phones come for beside certificates.
    pub phones: PhoneSockets,
}

/// Real addresses, as `listeners.json` says them; a listener that is off is null.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
    /// CAPF.
    pub capf: Option<SocketAddr>,
    /// CAPF for old phones.
    pub capf_legacy: Option<SocketAddr>,
    /// What phones come for beside certificates.
    #[serde(flatten)]
    pub phones: PhoneAddresses,
}

impl Bound {
    /// Binds what the settings say. Errors: `cannot-listen`.
    pub async fn bind(settings: &Given) -> Result<Self> {
        Ok(Self {
            http: bind("http", settings.http()).await?,
            https: bind("https", settings.https()).await?,
            capf: bind("capf", settings.capf()).await?,
            capf_legacy: bind("capf-legacy", settings.capf_legacy()).await?,
            phones: PhoneSockets::bind(settings).await?,
        })
    }

    /// Their real addresses.
    pub fn addresses(&self) -> Addresses {
        let of = |listener: &Option<Listener>| listener.as_ref().map(Listener::address);
        Addresses {
            http: of(&self.http),
            https: of(&self.https),
            capf: of(&self.capf),
            capf_legacy: of(&self.capf_legacy),
            phones: self.phones.addresses(),
        }
    }

    /// The HOST of `--url`, this machine, and the address that is listened on.
    pub fn tls_names(&self, url: &PublicUrl) -> Vec<San> {
        let mut names = vec![
            url.san(),
            San::Dns("localhost".into()),
            San::Ip(Ipv4Addr::LOCALHOST.into()),
            San::Ip(Ipv6Addr::LOCALHOST.into()),
        ];
        let own = self.https.as_ref().map(|l| l.address().ip());
        names.extend(own.filter(|ip: &IpAddr| !ip.is_unspecified()).map(|ip| San::Ip(ip.to_canonical())));
        names.sort();
        names.dedup();
        names
    }
}

async fn bind(name: &str, listen: Listen) -> Result<Option<Listener>> {
    match listen {
        Listen::Off => Ok(None),
        Listen::At(address) => Listener::bind(name, address).await.map(Some),
    }
}

impl Addresses {
    /// Writes `DIR/listeners.json`. Errors: `storage`.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let mut json = serde_json::to_vec(self).map_err(|e| Error::internal("listeners.json").because(e))?;
        json.push(b'\n');
        files::write(&layout.listeners(), &json, files::PUBLIC)
    }
}
