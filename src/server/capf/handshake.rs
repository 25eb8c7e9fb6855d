//! The handshakes of today's phones: TLS 1.2 and 1.3 by rustls. No client certificate is asked for, nothing resumed.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::InvalidMessage;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;
use crate::error::Result;
use crate::server::tls::{Resolver, for_phones};

/// What went wrong in a handshake.
#[derive(Debug)]
pub struct Fault {
    label: &'static str,
    detail: String,
}

impl Fault {
    /// Of that kind, for the metrics.
    pub fn new(label: &'static str, detail: impl fmt::Display) -> Self {
        Self { label, detail: detail.to_string() }
    }

    /// Its kind: one of few words.
    pub fn label(&self) -> &'static str {
        self.label
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.detail)
    }
}

/// TLS 1.2 and 1.3.
pub struct Modern(TlsAcceptor);

impl Modern {
    /// Shows what `resolver` has. Errors: `internal` if the provider lacks a protocol version.
    pub fn new(resolver: Arc<Resolver>) -> Result<Self> {
        Ok(Self(TlsAcceptor::from(for_phones(resolver, &[])?)))
    }
}

impl Tls for Modern {
    type Stream = TlsStream<TcpStream>;

    async fn accept(&self, stream: TcpStream) -> std::result::Result<Self::Stream, Fault> {
        self.0.accept(stream).await.map_err(|e| fault(&e))
    }
}

/// What rustls has against it.
fn fault(error: &io::Error) -> Fault {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let label = match of_tls {
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => "plaintext",
        Some(rustls::Error::PeerIncompatible(_)) => "incompatible",
        Some(_) => "refused",
        None => "broken-off",
    };
    Fault::new(label, error)
}
