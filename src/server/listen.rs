//! The bounded accept loop under every listener: so many connections, so many from one address,
//! a time limit on each phase, and an end that finishes what was accepted.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::server::tls::Config;

pub mod address;
mod connection;
mod guard;
pub mod limits;
pub mod network;
mod refusal;
pub mod rules;

pub use address::Addresses;
pub use limits::Limits;
pub use rules::Rules;

/// What carries the requests.
#[derive(Clone)]
pub enum Transport {
    /// HTTP/1.0 and 1.1.
    Plain,
    /// TLS 1.2 and 1.3 with HTTP/1.1 and HTTP/2.
    Tls(Arc<rustls::ServerConfig>),
    /// The same by a configuration that follows the CAs, whose clients may show a certificate.
    TlsWithClients(Arc<Config>),
}

/// What a listener needs to serve HTTP; shared by its connections.
pub struct Service {
    /// `http` or `https`, for the log and the metrics.
    pub name: &'static str,
    /// Who answers.
    pub router: Router,
    /// TLS or not.
    pub transport: Transport,
    /// Bounds of a connection.
    pub limits: Limits,
    /// Bounds of a request.
    pub rules: Rules,
    /// Time, for the log.
    pub clock: Clock,
}

/// What is done with the connections of a listener.
pub trait Handler: Send + Sync + 'static {
    /// As log and metrics name the listener.
    fn name(&self) -> &'static str;
    /// Bounds of its connections.
    fn limits(&self) -> &Limits;
    /// Serves a connection to its end, which comes soon after `stop` became true.
    fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send;
}

impl Handler for Service {
    fn name(&self) -> &'static str {
        self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
        connection::serve(stream, peer, &self, stop).await;
    }
}

/// A bound listener that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds what the setting `name` (as `http` or `capf-legacy`) says. Errors: `cannot-listen` naming the address, the flag
    /// and what to do.
    pub async fn bind(name: &str, at: SocketAddr) -> Result<Self> {
        let failed = |e: std::io::Error| cannot_listen(name, at, e);
        let socket = TcpListener::bind(at).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// Its real address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` becomes true, then finishes what was accepted, at most for the drain time.
    pub async fn serve(self, handler: impl Handler, mut stop: watch::Receiver<bool>) {
        let (name, limits, handler) = (handler.name(), *handler.limits(), Arc::new(handler));
        let addresses = Addresses::new(limits.connections_per_address);
        let room = Arc::new(Semaphore::new(limits.connections));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket, &room) => accepted,
                Some(_) = connections.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let Some(place) = addresses.enter(peer.ip()) else {
                tracing::debug!(listener = name, peer = %peer.ip(), "too many connections from one address");
                metrics::counter!("signet_connections_refused_total", "listener" => name).increment(1);
                continue;
            };
            let (handler, stop) = (handler.clone(), stop.clone());
            connections.spawn(async move {
                handler.serve(stream, peer, stop).await;
                drop((permit, place));
            });
        }
        drop(self.socket);
        drain(connections, limits.drain).await;
    }
}

/// `cannot-listen`, naming the address, the flag and what to do.
pub(in crate::server) fn cannot_listen(name: &str, at: SocketAddr, e: std::io::Error) -> Error {
    let next = match e.kind() {
        ErrorKind::AddrInUse => "another program has this port: stop it or name another port",
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: name one that it has, or 0.0.0.0 for all"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need the right to bind them: name a higher port, or give CAP_NET_BIND_SERVICE"
        }
        _ => "name another address",
    };
    let flag = format!("--{name} ADDR:PORT or SIGNET_{}", name.to_uppercase().replace('-', "_"));
    Error::conflict("cannot-listen", format!("cannot listen on {at} ({e}); {next} ({flag})"))
}

/// Waits for room first: what does not fit stays in the kernel's bounded queue.
async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and complete: waiting for more to send only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(e) => {
            tracing::warn!(error = %e, "cannot accept a connection");
            // Out of descriptors, most likely: give the others time to end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn drain(mut connections: JoinSet<()>, at_most: Duration) {
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(at_most, finished).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}
