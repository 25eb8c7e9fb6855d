//! The handshakes of old phones (feature `legacy`): TLS 1.0 to 1.2 by OpenSSL, with RSA key exchange and CBC suites.
//!
//! The private key goes to OpenSSL for this, so it is one that is kept in software.

use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslSessionCacheMode, SslVersion};
use openssl::x509::X509;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::Tls;
use super::handshake::Fault;
use crate::error::{Error, Kind, Result};
use crate::keys::KeyStore;
use crate::server::tls::Resolver;

/// What 7900-series phones offer, stronger suites first; nothing without a certificate, no RC4, no triple DES, and not
/// what OpenSSL's security level would take away.
const SUITES: &str = "ECDHE+AESGCM:ECDHE+AES:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:\
                      AES128-SHA:AES256-SHA:!aNULL:!eNULL:!PSK:!SRP@SECLEVEL=0";

/// TLS 1.0 to 1.2.
pub struct Legacy {
    resolver: Arc<Resolver>,
    keys: Arc<dyn KeyStore>,
    made: RwLock<Option<Made>>,
}

/// A context and the leaf that it shows.
struct Made {
    leaf: CertificateDer<'static>,
    context: SslContext,
}

impl Legacy {
    /// Shows what `resolver` has; its key comes from `keys`.
    pub fn new(resolver: Arc<Resolver>, keys: Arc<dyn KeyStore>) -> Self {
        Self { resolver, keys, made: RwLock::default() }
    }

    /// What the next handshake goes by: made anew when another certificate is shown.
    fn context(&self) -> Result<SslContext> {
        let nothing = || Error::new(Kind::Busy, "not-ready", "the listener has no certificate yet");
        let (chain, key) = self.resolver.shown().ok_or_else(nothing)?;
        let leaf = chain.first().cloned().ok_or_else(nothing)?;
        if let Some(made) = &*self.made.read().unwrap_or_else(PoisonError::into_inner)
            && made.leaf == leaf
        {
            return Ok(made.context.clone());
        }
        let context = context(&chain, &self.keys.tls_key(&key)?).map_err(failed)?;
        let made = Made { leaf, context: context.clone() };
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = Some(made);
        Ok(context)
    }
}

fn context(chain: &[CertificateDer<'static>], pkcs8: &[u8]) -> std::result::Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_cipher_list(SUITES)?;
    builder.set_options(
        SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_TICKET
            | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    for (place, der) in chain.iter().enumerate() {
        let certificate = X509::from_der(der)?;
        match place {
            0 => builder.set_certificate(&certificate)?,
            _ => builder.add_extra_chain_cert(certificate)?,
        }
    }
    let key = PKey::private_key_from_pkcs8(pkcs8)?;
    builder.set_private_key(&key)?;
    builder.check_private_key()?;
    Ok(builder.build())
}

impl Tls for Legacy {
    type Stream = SslStream<TcpStream>;

    async fn accept(&self, stream: TcpStream) -> std::result::Result<Self::Stream, Fault> {
        let context = self.context().map_err(|e| Fault::new("not-ready", e))?;
        let internal = |e: ErrorStack| Fault::new("broken-off", e);
        let ssl = Ssl::new(&context).map_err(internal)?;
        let mut stream = SslStream::new(ssl, stream).map_err(internal)?;
        match Pin::new(&mut stream).accept().await {
            Ok(()) => Ok(stream),
            Err(e) => Err(Fault::new(label(&e), e)),
        }
    }
}

fn label(error: &openssl::ssl::Error) -> &'static str {
    /// What OpenSSL says of bytes that are no TLS record.
    const PLAIN: [&str; 2] = ["http request", "wrong version number"];
    let said = error.ssl_error().map(|stack| stack.to_string()).unwrap_or_default();
    match (said.is_empty(), PLAIN.iter().any(|plain| said.contains(plain))) {
        (true, _) => "broken-off",
        (false, true) => "plaintext",
        (false, false) => "refused",
    }
}

/// What OpenSSL says may hold more than is for an answer: the log has it as the cause.
fn failed(cause: ErrorStack) -> Error {
    Error::internal("OpenSSL does not take the listener's certificate and key").because(cause)
}
