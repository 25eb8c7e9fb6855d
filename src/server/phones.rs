//! What phones come for beside certificates: their lists and files (HTTP, HTTPS, TFTP), TVS, and alarms taken in.

use std::sync::Arc;
use std::time::Duration;

use rustls::server::ResolvesServerCert;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ca::Authority;
use crate::clock::Clock;
use crate::device;
use crate::device::fetch::{Depot, Shelf};
use crate::device::ledger::{Ledger, Over};
use crate::error::Result;
use crate::server::bound::{PhoneSockets, SyslogSockets};
use crate::server::capf::Board;
use crate::server::identity::Identities;
use crate::server::layout::Layout;
use crate::server::listen::network::Network;
use crate::server::listen::{Limits, Listener, Rules, Service, Transport};
use crate::server::settings::Given;
use crate::server::syslog_in::SyslogIn;
use crate::server::tftp;
use crate::server::tls::{Resolver, for_phones};
use crate::server::tvs::{Patience, Tvs, TvsListener};
use crate::trust::identity::Purpose;
use crate::trust::tvs::service::{self, TTL};

mod ec_first;
mod shown;

use ec_first::EcFirst;
use shown::Said;

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
    /// What the first of them shows to phones that take an elliptic curve, if lists hold one.
    shown_to_ec: Arc<Resolver>,
    said: Said,
    /// Who may send syslog; none: this machine.
    syslog_from: Option<Vec<Network>>,
}

const UNNAMED: &str = "it hears this machine alone: name who sends (--syslog-in-from)";

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
            shown_to_ec: Arc::default(),
            said: Said::default(),
            syslog_from: given.syslog_in_from.clone().filter(|from| !from.is_empty()),
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
            self.open(Purpose::Tvs).await?;
            let open = board.put("tvs", listener.address(), Arc::clone(&self.shown_by_tvs), None);
            let tls = for_phones(self.shown_by_tvs.clone(), &[])?;
            let handler = TvsListener { open, tvs: Arc::clone(&self.tvs), tls, limits };
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
        self.serve_over_tls([sockets.https, sockets.https_second], limits, (stop, listeners)).await?;
        if let Some(socket) = sockets.tftp {
            listeners.spawn(tftp::Server::new(Arc::clone(&self.depot)).serve(socket, stop.clone()));
        }
        if let Some(sockets) = sockets.syslog {
            self.hear_syslog(sockets, (limits, board), (stop, listeners));
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

    async fn serve_over_tls(
        &self,
        sockets: [Option<Listener>; 2],
        limits: Limits,
        (stop, listeners): (&watch::Receiver<bool>, &mut JoinSet<()>),
    ) -> Result<()> {
        // Only the first port is asked for an elliptic curve.
        let ec_first = EcFirst { ec: self.shown_to_ec.clone(), rsa: self.shown_by_files.clone() };
        let shown: [Arc<dyn ResolvesServerCert>; 2] = [Arc::new(ec_first), self.shown_by_files.clone()];
        for (listener, shown) in sockets.into_iter().zip(shown) {
            let Some(listener) = listener else { continue };
            self.open(Purpose::Tftp).await?;
            self.show(Purpose::TftpEc).await?;
            let transport = Transport::Tls(for_phones(shown, &[b"http/1.1"])?);
            self.serve_files(listener, ("phone-https", Over::Https), transport, limits, (stop, listeners));
        }
        Ok(())
    }

    fn hear_syslog(
        &self,
        (listener, socket): SyslogSockets,
        (limits, board): (Limits, &Board),
        (stop, listeners): (&watch::Receiver<bool>, &mut JoinSet<()>),
    ) {
        let is_deaf = self.syslog_from.is_none() && !listener.address().ip().is_loopback();
        let open = board.put_plain("syslog-in", listener.address(), is_deaf.then_some(UNNAMED));
        let from: Arc<[Network]> =
            self.syslog_from.as_deref().map_or_else(|| Network::LOOPBACK.into(), Arc::from);
        let (depot, from) = (&self.depot, &from);
        let taker = || SyslogIn { depot: depot.clone(), from: from.clone(), limits, open: open.clone() };
        listeners.spawn(listener.serve(taker(), stop.clone()));
        listeners.spawn(Arc::new(taker()).datagrams(socket, stop.clone()));
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
}
