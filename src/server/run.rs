//! A server from its listeners to its end.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ca::Authority;
use crate::clock::Clock;
use crate::enrol::capf;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::server::bound::Bound;
use crate::server::capf::{Common, Sockets, start};
use crate::server::layout::Layout;
use crate::server::listen::{Limits, Listener, Rules, Service, Transport};
use crate::server::public_url::PublicUrl;
use crate::server::settings::Given;
use crate::server::state::{Opening, State};
use crate::server::{routes, setup, tls, worker};

/// What a server is started with.
pub struct Start<'a> {
    /// The data folder, locked by the caller.
    pub layout: &'a Layout,
    /// The settings in force.
    pub settings: &'a Given,
    /// The prefix of CDP and AIA.
    pub url: PublicUrl,
    /// The security password.
    pub password: &'a str,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Serves until SIGTERM or SIGINT; `ready` is called once everything serves. What was accepted is
/// finished, the last head signed and the store closed. Errors: those of [`State::open`].
pub async fn run(start: Start<'_>, mut bound: Bound, ready: impl FnOnce()) -> Result<()> {
    let mut signals = Signals::new()?;
    let limits = limits(start.settings);
    let names = bound.tls_names(&start.url);
    let state = Arc::new(open(&start, names).await?);
    setup::forget_building(start.layout)?;
    // First, so that nothing of this run stands between the log and the head it is held against.
    let _ = worker::sign_head(&state).await;
    let _ = worker::refresh_identities(&state).await;
    let _ = worker::sign_head(&state).await;
    worker::take_over_tasks(&state).await?;
    // What the CAPF port shows, phones' lists decide, before the first one comes.
    let _ = worker::keep_up_with_phones(&state).await;
    let (stop, stopped) = watch::channel(false);
    let addresses = bound.addresses();
    let for_phones = std::mem::take(&mut bound.phones);
    let mut listeners = listen(bound, &state, limits, &start.clock, &stopped)?;
    state.phones.listen(for_phones, (limits, &state.listeners), &stopped, &mut listeners).await?;
    let work = worker::start(&state, &stopped);
    addresses.write(start.layout)?;
    ready();
    signals.wait(&state).await;
    tracing::info!("stopping: finishing what was accepted");
    state.set_ready(false);
    let _ = stop.send(true);
    finish(start.layout, &state, listeners, work).await
}

async fn open(start: &Start<'_>, tls_names: Vec<crate::x509::san::San>) -> Result<State> {
    State::open(Opening {
        layout: start.layout,
        settings: start.settings,
        public_url: start.url.to_string(),
        tls_names,
        password: start.password,
        clock: start.clock.clone(),
        random: start.random.clone(),
    })
    .await
}

fn limits(settings: &Given) -> Limits {
    let usual = Limits::default();
    Limits {
        connections: settings.connections.unwrap_or(usual.connections).max(1),
        connections_per_address: settings
            .connections_per_address
            .unwrap_or(usual.connections_per_address)
            .max(1),
        ..usual
    }
}

fn listen(
    bound: Bound,
    state: &State,
    limits: Limits,
    clock: &Clock,
    stop: &watch::Receiver<bool>,
) -> Result<JoinSet<()>> {
    let mut listeners = JoinSet::new();
    let mut serve = |listener: Listener, service: Service| {
        listeners.spawn(listener.serve(service, stop.clone()));
    };
    let clock = clock.clone();
    if let Some(listener) = bound.http {
        let router = routes::plain(state);
        let (transport, rules, clock) = (Transport::Plain, Rules::PLAIN, clock.clone());
        serve(listener, Service { name: "http", router, transport, limits, rules, clock });
    }
    if let Some(listener) = bound.https {
        let authority = Authority::clone(&state.desk.authority);
        let config = tls::Config::new(state.identities.resolver(), authority)?;
        let (router, transport) = (routes::api(state), Transport::TlsWithClients(Arc::new(config)));
        let rules = Rules::API;
        serve(listener, Service { name: "https", router, transport, limits, rules, clock });
    }
    let sockets = Sockets { modern: bound.capf, legacy: bound.capf_legacy };
    let door = Arc::new(capf::Service::new(state.desk.clone(), capf::Patience::default()));
    start(sockets, Common { state, door, limits, stop: stop.clone() }, &mut listeners)?;
    Ok(listeners)
}

async fn finish(
    layout: &Layout,
    state: &State,
    mut listeners: JoinSet<()>,
    mut work: JoinSet<()>,
) -> Result<()> {
    while listeners.join_next().await.is_some() {}
    while work.join_next().await.is_some() {}
    if let Err(error) = state.phones.finish().await {
        tracing::warn!(%error, "the last notes of what devices did were not written");
    }
    let _ = worker::sign_head(state).await;
    let closed = state.desk.authority.db.raw().close().await;
    let _ = std::fs::remove_file(layout.listeners());
    tracing::info!("stopped");
    closed
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let on = |kind| signal(kind).map_err(|e| Error::internal("cannot listen to signals").because(e));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Returns at SIGTERM or SIGINT; SIGHUP reads the policies anew.
    async fn wait(&mut self, state: &State) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => worker::reload(state).await,
            }
        }
    }
}
