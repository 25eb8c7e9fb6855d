//! A whole server in a folder, its TLS listener's configuration, and handshakes with it in memory.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
};
use signet::audit::Actor;
use signet::ca::{Authority, LoadedCa};
use signet::clock::Clock;
use signet::enrol::{Outcome, Proof, Request, enrol};
use signet::server::layout::Layout;
use signet::server::state::State;
use signet::server::tls::Config;
use signet::x509::csr::{Csr, Leniency};
use signet::x509::san::San;

use crate::built;

pub const DAY: Duration = Duration::from_hours(24);

pub struct House {
    _home: tempfile::TempDir,
    pub clock: Clock,
    pub state: State,
}

/// A certificate and the key that the client signs the handshake with.
#[derive(Debug)]
pub struct Shown {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Vec<u8>,
}

impl Shown {
    pub fn new(leaf: &[u8], key: &KeyPair) -> Self {
        Self { chain: vec![CertificateDer::from(leaf.to_vec())], key: key.serialize_der() }
    }

    /// The certificate with its key, whether they go together or not.
    fn certified(&self) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        Arc::new(CertifiedKey::new(self.chain.clone(), key))
    }
}

impl House {
    pub async fn open() -> Self {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::manual(Clock::system().now()));
        let layout = Layout::new(home.path());
        built::build(&layout, &clock).await;
        let names = vec![San::Dns("localhost".into()), San::Ip("127.0.0.1".parse().unwrap())];
        let state = built::open(&layout, &clock, names).await;
        let failures = state.identities.refresh().await;
        assert!(failures.is_empty(), "{failures:?}");
        Self { _home: home, clock, state }
    }

    /// A listener's TLS.
    pub fn listener(&self) -> Config {
        let authority = Authority::clone(&self.state.desk.authority);
        Config::new(self.state.identities.resolver(), authority).unwrap()
    }

    pub fn ca(&self, id: &str) -> Arc<LoadedCa> {
        self.state.desk.authority.hierarchy().require(&id.parse().unwrap()).unwrap().clone()
    }

    /// A client of `tls-client`, with its key.
    pub async fn client(&self, name: &str) -> (Shown, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let outcome = enrol(&self.state.desk, request(&key, name)).await.unwrap();
        let Outcome::Issued(issued) = outcome else { panic!("it waits") };
        (Shown::new(&issued.record.der, &key), key)
    }

    /// What clients trust, and show.
    pub fn client_config(&self, shown: Option<&Shown>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let root = self.ca("ec-root").certificate.as_ref().unwrap().der().to_vec();
        roots.add(CertificateDer::from(root)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match shown {
            Some(shown) => builder.with_client_cert_resolver(Arc::new(Always(shown.certified()))),
            None => builder.with_no_client_auth(),
        }
    }

    /// Shakes hands in memory: what the server saw of the client, or what it told the client instead.
    pub fn shake(&self, shown: Option<&Shown>) -> Result<Option<Vec<u8>>, AlertDescription> {
        let server = self.listener().current().unwrap();
        let (server, _) = shake(server, Arc::new(self.client_config(shown)))?;
        Ok(server.peer_certificates().map(|chain| chain[0].to_vec()))
    }
}

/// A request by an operator.
fn request(key: &KeyPair, name: &str) -> Request {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let der = params.serialize_request(key).unwrap().der().to_vec();
    Request {
        profile: "tls-client".parse().unwrap(),
        application: Csr::from_der(&der, Leniency::Strict).unwrap().into(),
        proof: Proof::Operator { name: "ann".into(), renews: None },
        transaction: None,
        actor: Actor::Operator("ann".into()),
        address: None,
        not_after: None,
        issuer: None,
    }
}

/// Carries bytes from one side to the other until both are silent.
pub fn shake(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
) -> Result<(ServerConnection, ClientConnection), AlertDescription> {
    let mut server = ServerConnection::new(server).unwrap();
    let mut client = ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
    for _ in 0..20 {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        let mut rest = up.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            // Its alert says why.
            if server.process_new_packets().is_err() {
                break;
            }
        }
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        let mut rest = down.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            match client.process_new_packets() {
                Ok(_) => {}
                Err(rustls::Error::AlertReceived(alert)) => return Err(alert),
                Err(other) => panic!("the client ended it: {other}"),
            }
        }
        if up.is_empty() && down.is_empty() {
            break;
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Ok((server, client))
}

/// Shows its certificate to whoever asks.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
