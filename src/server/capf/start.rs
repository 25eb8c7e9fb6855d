//! Starting the listeners that the settings ask for.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Capf, Door, Modern};
use crate::error::Result;
use crate::server::listen::{Limits, Listener};
use crate::server::state::State;
use crate::server::tls::Resolver;

/// The bound listeners, each if it is on.
pub struct Sockets {
    /// For today's phones.
    pub modern: Option<Listener>,
    /// For old ones.
    pub legacy: Option<Listener>,
}

/// What the listeners have in common.
pub struct Common<'a, D> {
    /// What is served.
    pub state: &'a State,
    /// Who speaks CAPF.
    pub door: Arc<D>,
    /// Bounds of connections.
    pub limits: Limits,
    /// When it ends.
    pub stop: watch::Receiver<bool>,
}

/// Serves CAPF on the bound listeners. Errors: `legacy-not-built`; `internal`.
pub fn start<D: Door>(sockets: Sockets, common: Common<'_, D>, listeners: &mut JoinSet<()>) -> Result<()> {
    let Some(resolver) = common.state.identities.capf_resolver() else { return Ok(()) };
    if let Some(listener) = sockets.modern {
        let open = common.state.listeners.put("capf", listener.address(), resolver.clone(), None);
        let tls = Modern::new(resolver.clone())?;
        let capf = Capf::new("capf", tls, common.door.clone(), common.limits, open);
        listeners.spawn(listener.serve(capf, common.stop.clone()));
    }
    match sockets.legacy {
        Some(listener) => start_legacy(listener, common, resolver, listeners),
        None => Ok(()),
    }
}

#[cfg(feature = "legacy")]
fn start_legacy<D: Door>(
    listener: Listener,
    common: Common<'_, D>,
    resolver: Arc<Resolver>,
    listeners: &mut JoinSet<()>,
) -> Result<()> {
    const OLD: &str =
        "it speaks TLS 1.0 and key exchange without forward secrecy: turn it off with the last old phone";
    let at = listener.address();
    tracing::warn!(address = %at, "the CAPF listener for old phones is on: {OLD}");
    let open = common.state.listeners.put("capf-legacy", at, resolver.clone(), Some(OLD));
    let tls = super::Legacy::new(resolver, common.state.desk.authority.keys.clone());
    let capf = Capf::new("capf-legacy", tls, common.door, common.limits, open);
    listeners.spawn(listener.serve(capf, common.stop));
    Ok(())
}

#[cfg(not(feature = "legacy"))]
fn start_legacy<D: Door>(
    _listener: Listener,
    _common: Common<'_, D>,
    _resolver: Arc<Resolver>,
    _listeners: &mut JoinSet<()>,
) -> Result<()> {
    let text = "the CAPF listener for old phones needs a program that was built with feature legacy";
    Err(crate::error::Error::invalid("legacy-not-built", text))
}
