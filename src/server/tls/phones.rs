//! TLS as phones get it: 1.2 and 1.3, no client certificates, nothing resumed.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::{CipherSuite, ServerConfig, SupportedCipherSuite};

use crate::error::{Error, Result};

/// Settings of a listener that shows what `shown` has and speaks one of these protocols (ALPN; none: any). A phone comes
/// once in a long while: what it would resume by costs memory and time for nothing. Errors: `internal` if the provider
/// lacks a protocol version.
pub fn for_phones(shown: Arc<dyn ResolvesServerCert>, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| Error::internal("TLS versions").because(e))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    // Each phone makes a handshake of its own for a few octets: its key schedule is half the price with SHA-256.
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// AES-128 first; a phone that insists on AES-256 gets it.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| !is_aes_128(suite));
    provider
}

fn is_aes_128(suite: &SupportedCipherSuite) -> bool {
    matches!(
        suite.suite(),
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}
