//! The HTTPS listener's TLS: 1.2 and 1.3 by aws-lc, no early data, a certificate that can be swapped, and clients that
//! may show one of ours.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::ca::{Authority, Hierarchy, LoadedCa};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::keys::KeyStore;
use crate::server::identity::Held;
use crate::server::tls::ca_key::CaKey;
use crate::server::tls::client::Clients;

mod ca_key;
mod client;
mod phones;

pub use phones::for_phones;

/// The certificate shown to clients; none yet: handshakes fail.
#[derive(Default)]
pub struct Resolver(RwLock<Option<Shown>>);

/// What is shown, and the name of its key.
#[derive(Clone)]
struct Shown {
    certified: Arc<CertifiedKey>,
    key: KeyId,
}

impl Resolver {
    /// Shows an identity from the next handshake on. Errors: `internal` if rustls refuses it.
    pub fn show(&self, keys: &dyn KeyStore, held: &Held) -> Result<()> {
        if self.shows(held.certificate.der()) {
            return Ok(());
        }
        let pkcs8 = keys.tls_key(&held.key)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_slice()));
        let key = aws_lc_rs::sign::any_supported_type(&der)
            .map_err(|e| Error::internal("the TLS key cannot be used").because(e))?;
        let leaf = held.certificate.der().to_vec();
        let chain = chain(std::iter::once(leaf).chain(held.chain.iter().cloned()).collect());
        self.swap(CertifiedKey::new(chain, key), &held.key)
    }

    /// Shows a CA's own certificate from the next handshake on; its key signs behind the key store's wall.
    /// Errors: `ca-not-ready`; `internal` if rustls refuses it.
    pub fn show_ca(&self, ca: &LoadedCa) -> Result<()> {
        let (certificate, signer) = ca.ready()?;
        if self.shows(certificate.der()) {
            return Ok(());
        }
        let chain = chain(ca.chain.iter().map(|certificate| certificate.der().to_vec()).collect());
        self.swap(CertifiedKey::new(chain, Arc::new(CaKey(Arc::clone(signer)))), &ca.record.key)
    }

    /// The chain that is shown, leaf first and without its root, and the name of its key; none yet.
    pub fn shown(&self) -> Option<(Vec<CertificateDer<'static>>, KeyId)> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|shown| (shown.certified.cert.clone(), shown.key.clone()))
    }

    /// Shows nothing any more; handshakes fail.
    pub fn hide(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether that is the leaf that is shown.
    pub fn shows(&self, leaf: &[u8]) -> bool {
        self.current().is_some_and(|c| c.cert.first().is_some_and(|shown| shown.as_ref() == leaf))
    }

    fn swap(&self, certified: CertifiedKey, key: &KeyId) -> Result<()> {
        certified.keys_match().map_err(|e| Error::internal("TLS key and certificate differ").because(e))?;
        let shown = Shown { certified: Arc::new(certified), key: key.clone() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(())
    }

    /// What is shown; none yet.
    pub fn current(&self) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|shown| Arc::clone(&shown.certified))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// Leaf and intermediates; the root is left out, since a client that trusts it has it (RFC 8446 §4.4.2).
fn chain(mut whole: Vec<Vec<u8>>) -> Vec<CertificateDer<'static>> {
    whole.truncate(whole.len().saturating_sub(1).max(1));
    whole.into_iter().map(CertificateDer::from).collect()
}

/// The listener's configuration: made anew when the CAs change, whose clients are asked for a certificate by name.
/// Each has its own session cache, so that no ticket of another listener, or of other CAs, is taken.
pub struct Config {
    resolver: Arc<Resolver>,
    authority: Authority,
    made: RwLock<Option<(Arc<Hierarchy>, Arc<ServerConfig>)>>,
}

impl Config {
    /// With what is shown to clients, and the CAs whose clients may show certificates. Errors: `internal` if the
    /// provider lacks a protocol version.
    pub fn new(resolver: Arc<Resolver>, authority: Authority) -> Result<Self> {
        let config = Self { resolver, authority, made: RwLock::default() };
        config.current().map(|_| config)
    }

    /// What the next handshake goes by. Errors: `internal`.
    pub fn current(&self) -> Result<Arc<ServerConfig>> {
        let hierarchy = self.authority.hierarchy();
        if let Some((of, made)) = &*self.made.read().unwrap_or_else(PoisonError::into_inner)
            && Arc::ptr_eq(of, &hierarchy)
        {
            return Ok(Arc::clone(made));
        }
        let made = self.make(&hierarchy)?;
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = Some((hierarchy, Arc::clone(&made)));
        Ok(made)
    }

    fn make(&self, hierarchy: &Hierarchy) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clients = Clients::new(self.authority.clone(), hierarchy, &provider);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|e| Error::internal("TLS versions").because(e))?;
        let mut config = builder
            .with_client_cert_verifier(Arc::new(clients))
            .with_cert_resolver(Arc::clone(&self.resolver) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
