//! What phones come for beside certificates: their lists and files (HTTP, HTTPS, TFTP), TVS, and alarms taken in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ca::Authority;
use crate::clock::Clock;
use crate::device;
use crate::device::fetch::{Depot, ListFile, Shelf};
use crate::device::ledger::{Ledger, Over};
use crate::error::{Error, Result};
use crate::server::bound::PhoneSockets;
use crate::server::capf::Board;
use crate::server::identity::{Held, Identities};
use crate::server::layout::Layout;
use crate::server::listen::{Limits, Listener, Rules, Service, Transport};
use crate::server::settings::Given;
use crate::server::syslog_in::SyslogIn;
use crate::server::tftp;
use crate::server::tls::Resolver;
use crate::server::tvs::{Patience, Tvs, TvsListener};
use crate::trust::identity::{OwnIdentities, OwnIdentity, Purpose};
use crate::trust::records::ListKind;
use crate::trust::tvs::service::{self, TTL};

/// How often what phones did is written, and the certificates shown to them are looked at.
pub const PERIOD: Duration = Duration::from_secs(5);

/// What serves phones.
pub struct Phones {
    authority: Arc<Authority>,
    identities: Arc<Identities>,
    /// Lists and files.
    pub depot: Arc<Depot>,
    /// Answers TVS.
    pub tvs: Arc<Tvs>,
    /// What TVS shows.
    shown_by_tvs: Arc<Resolver>,
    /// What the HTTPS listeners for phones show.
    shown_by_files: Arc<Resolver>,
    /// Whether it was said that the clusters have no certificate of TVS in common, and of TFTP.
    warned: [AtomicBool; 2],
}

impl Phones {
    /// Nothing is read yet.
    pub fn new(
        authority: Arc<Authority>,
        identities: Arc<Identities>,
        given: &Given,
        layout: &Layout,
    ) -> Self {
        let (db, clock) = (authority.db.clone(), authority.clock.clone());
        let shelf = Arc::new(Shelf::new(db.clone()));
        let ledger = Arc::new(Ledger::new(db, clock.clone()));
        let depot = Depot::new(Arc::clone(&shelf), Arc::clone(&ledger), clock.clone(), layout.files());
        let service = service::Service::new(Arc::clone(&authority), given.tvs_ttl.unwrap_or(TTL));
        Self {
            authority,
            identities,
            depot: Arc::new(depot),
            tvs: Arc::new(Tvs { service, shelf, ledger, clock, patience: Patience::default() }),
            shown_by_tvs: Arc::default(),
            shown_by_files: Arc::default(),
            warned: Default::default(),
        }
    }

    /// Starts the listeners that are bound; they end when `stop` becomes true. Errors: those of making an identity that
    /// is not there yet.
    pub async fn listen(
        &self,
        sockets: PhoneSockets,
        (limits, board): (Limits, &Board),
        stop: &watch::Receiver<bool>,
        listeners: &mut JoinSet<()>,
    ) -> Result<()> {
        if let Some(listener) = sockets.tvs {
            self.identities.hold(Purpose::Tvs).await?;
            self.show(Purpose::Tvs).await?;
            let open = board.put("tvs", listener.address(), Arc::clone(&self.shown_by_tvs), None);
            let handler =
                TvsListener { open, tvs: Arc::clone(&self.tvs), tls: tls(&self.shown_by_tvs, &[])?, limits };
            listeners.spawn(listener.serve(handler, stop.clone()));
        }
        if let Some(listener) = sockets.http {
            self.serve_files(
                listener,
                ("phone-http", Over::Http),
                Transport::Plain,
                limits,
                (stop, listeners),
            );
        }
        for listener in sockets.https.into_iter().chain(sockets.https_second) {
            self.identities.hold(Purpose::Tftp).await?;
            self.show(Purpose::Tftp).await?;
            let transport = Transport::Tls(tls(&self.shown_by_files, &[b"http/1.1"])?);
            self.serve_files(listener, ("phone-https", Over::Https), transport, limits, (stop, listeners));
        }
        if let Some(socket) = sockets.tftp {
            listeners.spawn(tftp::Server::new(Arc::clone(&self.depot)).serve(socket, stop.clone()));
        }
        if let Some((listener, socket)) = sockets.syslog {
            let taker = || SyslogIn { depot: Arc::clone(&self.depot), limits };
            listeners.spawn(listener.serve(taker(), stop.clone()));
            listeners.spawn(Arc::new(taker()).datagrams(socket, stop.clone()));
        }
        Ok(())
    }

    /// Writes what phones did, and shows them other certificates where the lists say so. Returns how many entries of
    /// the ledger were written. Errors: `storage`.
    pub async fn keep_up(&self) -> Result<usize> {
        for purpose in Purpose::ALL {
            self.show(purpose).await?;
        }
        self.depot.ledger.flush().await
    }

    /// Writes all that is not written yet, for the end of the server. Errors: `storage`.
    pub async fn finish(&self) -> Result<usize> {
        self.depot.ledger.finish().await
    }

    fn serve_files(
        &self,
        listener: Listener,
        (name, over): (&'static str, Over),
        transport: Transport,
        limits: Limits,
        (stop, listeners): (&watch::Receiver<bool>, &mut JoinSet<()>),
    ) {
        let router = device::http::router(Arc::clone(&self.depot), over);
        let clock: Clock = self.authority.clock.clone();
        let service = Service { name, router, transport, limits, rules: Rules::FILES, clock };
        listeners.spawn(listener.serve(service, stop.clone()));
    }

    /// Shows the oldest certificate that stands in the newest lists of all clusters, so that phones of the list before
    /// know it too; the newest certificate if none stands anywhere. While the clusters have none in common, the one
    /// that is shown stays.
    async fn show(&self, purpose: Purpose) -> Result<()> {
        let shown = match purpose {
            Purpose::Tvs => &self.shown_by_tvs,
            Purpose::Tftp => &self.shown_by_files,
        };
        let held = self.identities.held(purpose).await?;
        let lists = self.lists(&held).await?;
        let (chosen, is_common) = choose(&held, &lists);
        // Where none was ever made there is nothing to suit anybody.
        let is_off = held.is_empty() && shown.shown().is_none();
        self.warn_once(purpose, is_common || is_off);
        let stays = !is_common && shown.shown().is_some();
        let Some(OwnIdentity { key, certificate, chain, .. }) = chosen.filter(|_| !stays).cloned() else {
            return Ok(());
        };
        self.identities.note_shown(purpose, &certificate);
        let held = Held { key, certificate, chain, former: Vec::new() };
        shown.show(&*self.authority.keys, &held)
    }

    /// The newest ITL of each cluster in which one of these stands.
    async fn lists(&self, held: &[OwnIdentity]) -> Result<Vec<Arc<ListFile>>> {
        let shelf = &self.depot.shelf;
        let mut found = Vec::new();
        for cluster in shelf.clusters().await? {
            let list = shelf.newest(&cluster, ListKind::Itl).await?;
            found.extend(list.filter(|list| held.iter().any(|identity| stands(identity, list))));
        }
        Ok(found)
    }

    fn warn_once(&self, purpose: Purpose, is_common: bool) {
        let warned = match purpose {
            Purpose::Tvs => &self.warned[0],
            Purpose::Tftp => &self.warned[1],
        };
        if !warned.swap(!is_common, Ordering::Relaxed) && !is_common {
            tracing::warn!(
                identity = %purpose,
                "no valid certificate stands in the newest ITL of every cluster: phones of some refuse what is shown; \
                 add it there (signet trust anchor add --own) and publish"
            );
        }
    }
}

/// The oldest that stands in all lists, newest first as they are held; without one the oldest that stands in any, or
/// the newest. Says whether it suits all.
fn choose<'a>(held: &'a [OwnIdentity], lists: &[Arc<ListFile>]) -> (Option<&'a OwnIdentity>, bool) {
    let mut oldest_first = held.iter().rev();
    if lists.is_empty() {
        return (held.first(), !held.is_empty());
    }
    match oldest_first.find(|identity| lists.iter().all(|list| stands(identity, list))) {
        Some(common) => (Some(common), true),
        None => (held.iter().rev().find(|identity| lists.iter().any(|list| stands(identity, list))), false),
    }
}

fn stands(identity: &OwnIdentity, list: &ListFile) -> bool {
    list.members.contains(&identity.certificate.fingerprint())
}

/// TLS 1.2 and 1.3 without client certificates. Phones come once: no tickets are made for them.
fn tls(shown: &Arc<Resolver>, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| Error::internal("TLS versions").because(e))?;
    let resolver = Arc::clone(shown) as Arc<dyn ResolvesServerCert>;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}
