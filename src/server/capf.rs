//! The CAPF listeners: TLS on a port of their own, and behind it whoever speaks CAPF.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::server::listen::{Handler, Limits};

mod board;
mod door;
mod handshake;
mod heard;
#[cfg(feature = "legacy")]
mod legacy;
mod start;

pub use board::{Board, Open};
pub use handshake::{Fault, Modern};
#[cfg(feature = "legacy")]
pub use legacy::Legacy;
pub use start::{Common, Sockets, start};

use heard::Heard;

/// How long conversations may go on when the server stops: a phone that loses its connection comes back.
const DRAIN: Duration = Duration::from_secs(10);

/// Who speaks CAPF over a connection that TLS protects.
pub trait Door: Send + Sync + 'static {
    /// Holds one conversation; bounds it in time, and closes the stream.
    fn serve<S>(&self, stream: S, peer: SocketAddr) -> impl Future<Output = ()> + Send
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static;
}

/// How a listener does its handshakes.
pub trait Tls: Send + Sync + 'static {
    /// The protected stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Does the server's part of a handshake. Errors: what went wrong.
    fn accept(&self, stream: TcpStream) -> impl Future<Output = Result<Self::Stream, Fault>> + Send;
}

/// A CAPF listener's part in each connection.
pub struct Capf<T, D> {
    name: &'static str,
    tls: T,
    door: Arc<D>,
    limits: Limits,
    open: Open,
}

impl<T: Tls, D: Door> Capf<T, D> {
    /// A listener of that name (`capf`), with its entry on the board.
    pub fn new(name: &'static str, tls: T, door: Arc<D>, limits: Limits, open: Open) -> Self {
        Self { name, tls, door, limits: Limits { drain: DRAIN.min(limits.drain), ..limits }, open }
    }

    async fn shake_hands(&self, stream: TcpStream, peer: SocketAddr) -> Option<T::Stream> {
        let shaken = tokio::time::timeout(self.limits.handshake, self.tls.accept(stream)).await;
        let (outcome, stream) = match shaken {
            Ok(Ok(stream)) => ("done", Some(stream)),
            Ok(Err(fault)) => {
                tracing::debug!(listener = self.name, peer = %peer.ip(), %fault, "TLS handshake failed");
                (fault.label(), None)
            }
            Err(_) => {
                tracing::debug!(listener = self.name, peer = %peer.ip(), "TLS handshake took too long");
                ("timeout", None)
            }
        };
        metrics::counter!("signet_capf_handshakes_total", "listener" => self.name, "outcome" => outcome)
            .increment(1);
        stream
    }
}

impl<T: Tls, D: Door> Handler for Capf<T, D> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, mut stop: watch::Receiver<bool>) {
        let _open = self.open.enter(self.name);
        let Some(stream) = self.shake_hands(stream, peer).await else { return };
        let (stream, heard) = Heard::new(stream);
        let silent_at_the_end = async {
            let _ = stop.wait_for(|stop| *stop).await;
            // Whoever has said something is let finish; the drain's end cuts who takes longer.
            if heard.anything() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.door.serve(stream, peer) => {}
            () = silent_at_the_end => {}
        }
    }
}
