//! Which CAPF listeners are on, and how many are connected: for health and metrics.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::admin::{ListenerState, Listeners};
use crate::server::tls::Resolver;

/// The listeners that are on.
#[derive(Default)]
pub struct Board(RwLock<Vec<Entry>>);

struct Entry {
    name: &'static str,
    address: SocketAddr,
    /// What TLS shows; none: it speaks in clear.
    resolver: Option<Arc<Resolver>>,
    warning: Option<&'static str>,
    open: Open,
}

/// Counts a listener's connections.
#[derive(Clone, Debug, Default)]
pub struct Open(Arc<AtomicUsize>);

/// A connection that is counted until it is dropped.
pub struct Entered<'a> {
    open: &'a Open,
    name: &'static str,
}

impl Open {
    /// Counts one connection more to the listener of that name.
    pub fn enter(&self, name: &'static str) -> Entered<'_> {
        let entered = Entered { open: self, name };
        let now = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        entered.tell(now);
        entered
    }
}

impl Entered<'_> {
    fn tell(&self, now: usize) {
        metrics::gauge!("signet_connections", "listener" => self.name).set(now as f64);
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let now = self.open.0.fetch_sub(1, Ordering::Relaxed) - 1;
        self.tell(now);
    }
}

impl Board {
    /// Puts a listener on the board; returns what counts its connections.
    pub fn put(
        &self,
        name: &'static str,
        address: SocketAddr,
        resolver: Arc<Resolver>,
        warning: Option<&'static str>,
    ) -> Open {
        self.add(name, address, Some(resolver), warning)
    }

    /// Puts a listener that speaks in clear on the board; returns what counts its connections.
    pub fn put_plain(&self, name: &'static str, address: SocketAddr, warning: Option<&'static str>) -> Open {
        self.add(name, address, None, warning)
    }

    fn add(
        &self,
        name: &'static str,
        address: SocketAddr,
        resolver: Option<Arc<Resolver>>,
        warning: Option<&'static str>,
    ) -> Open {
        let open = Open::default();
        let entry = Entry { name, address, resolver, warning, open: open.clone() };
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(entry);
        open
    }
}

impl Listeners for Board {
    fn listeners(&self) -> Vec<ListenerState> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(Entry::state).collect()
    }
}

impl Entry {
    fn state(&self) -> ListenerState {
        let missing = "it has no certificate: see the log (the profile of --capf-profile, and its CA)";
        let lacks_certificate = self.resolver.as_ref().is_some_and(|resolver| resolver.shown().is_none());
        ListenerState {
            name: self.name,
            fault: lacks_certificate.then(|| missing.to_owned()),
            warning: self.warning,
            detail: format!("{}, {} connected", self.address, self.open.0.load(Ordering::Relaxed)),
        }
    }
}
