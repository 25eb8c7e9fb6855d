//! The CAPF listeners as a phone meets them, with somebody behind the TLS who says one word and repeats what he hears.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use signet::clock::{Clock, Timestamp};
use signet::server::capf::{Common, Door, Sockets, start};
use signet::server::layout::Layout;
use signet::server::listen::{Limits, Listener};
use signet::server::settings::Given;
use signet::server::state::State;
use signet::x509::san::San;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::built;

mod end;
mod fronts;
#[cfg(feature = "legacy")]
mod old;
mod refused;
mod tls;

use tls::Client;

const HELLO: &[u8] = b"\x55\x01";

/// Says hello, and then what it hears.
struct Echo;

impl Door for Echo {
    async fn serve<S>(&self, mut stream: S, _peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut buffer = [0; 16];
        let mut say = HELLO.len();
        buffer[..say].copy_from_slice(HELLO);
        while say > 0 {
            if stream.write_all(&buffer[..say]).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            say = stream.read(&mut buffer).await.unwrap_or(0);
        }
        let _ = stream.shutdown().await;
    }
}

struct House {
    _home: tempfile::TempDir,
    state: Arc<State>,
    clock: Clock,
}

/// Listeners that end when it is dropped.
struct Served {
    capf: SocketAddr,
    legacy: SocketAddr,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl House {
    async fn open(profile: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
        let layout = Layout::new(home.path());
        built::build(&layout, &clock).await;
        let settings = Given {
            capf: Some("127.0.0.1:0".parse().unwrap()),
            capf_profile: profile.map(|name| name.parse().unwrap()),
            ..Given::default()
        };
        let state =
            Arc::new(built::open_with(&layout, &clock, vec![San::Dns("localhost".into())], &settings).await);
        let failures = state.identities.refresh().await;
        assert!(failures.is_empty(), "{failures:?}");
        Self { _home: home, state, clock }
    }

    async fn serve(&self, limits: Limits) -> Served {
        let bind = async |name| Listener::bind(name, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (modern, legacy) = (bind("capf").await, bind("capf-legacy").await);
        let (capf, old) = (modern.address(), legacy.address());
        let (stop, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let common = Common { state: &self.state, door: Arc::new(Echo), limits, stop: stopped };
        let legacy = cfg!(feature = "legacy").then_some(legacy);
        start(Sockets { modern: Some(modern), legacy }, common, &mut listeners).unwrap();
        Served { capf, legacy: old, stop, listeners }
    }
}

/// What comes until the end, or a reset.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    let _ = read.expect("the connection stays open");
    said
}
