//! TFTP, for reading alone (RFC 1350, with the options of RFC 2347 to 2349): phones of today try HTTP first, older ones
//! know nothing else. Only names that phones have are there; every transfer is bounded in number, size and time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::device::fetch::Depot;
use crate::device::ledger::Over;
use crate::server::listen::address::{Addresses, Place};
use crate::server::tftp::packet::{Code, Packet, Request, error};
use crate::server::tftp::session::Session;

pub mod packet;
mod session;

/// Transfers at once; who asks beyond that asks again.
const MOST: usize = 512;
/// Of those, from one address.
const MOST_OF_ADDRESS: usize = 8;

/// What serves files.
pub struct Server {
    depot: Arc<Depot>,
    room: Arc<Semaphore>,
    addresses: Addresses,
    /// Who is being served: a request that comes again meanwhile is not a second one.
    peers: Arc<Mutex<HashSet<SocketAddr>>>,
}

/// The place of a transfer; dropped with it.
struct Taken {
    peer: SocketAddr,
    peers: Arc<Mutex<HashSet<SocketAddr>>>,
    _room: OwnedSemaphorePermit,
    _place: Place,
}

impl Server {
    /// Serves the files of `depot`.
    pub fn new(depot: Arc<Depot>) -> Self {
        let addresses = Addresses::new(MOST_OF_ADDRESS);
        Self { depot, room: Arc::new(Semaphore::new(MOST)), addresses, peers: Arc::default() }
    }

    /// Serves until `stop` becomes true; transfers that have begun then end.
    pub async fn serve(self, socket: UdpSocket, mut stop: watch::Receiver<bool>) {
        let mut transfers = JoinSet::new();
        // One byte more than a request may have, so that a longer one is seen to be one.
        let mut buffer = [0; packet::MOST_REQUEST + 1];
        loop {
            let received = tokio::select! {
                received = socket.recv_from(&mut buffer) => received,
                Some(_) = transfers.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            // An answer of before that found nobody comes back as an error of the socket: it is nobody's now.
            let Ok((length, peer)) = received else { continue };
            match Packet::read(&buffer[..length]) {
                Ok(Packet::Read(request)) => {
                    if let Some(taken) = self.take(peer) {
                        let local = socket.local_addr().map(|local| local.ip());
                        let depot = Arc::clone(&self.depot);
                        transfers.spawn(async move {
                            if let Ok(local) = local {
                                answer(&depot, request, (local, 0).into(), peer).await;
                            }
                            drop(taken);
                        });
                    }
                }
                Ok(Packet::Acknowledgement(_) | Packet::Error) => {}
                Err(refused) => drop(socket.send_to(&error(refused.code, refused.text), peer).await),
            }
        }
    }

    fn take(&self, peer: SocketAddr) -> Option<Taken> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok();
        let place = self.addresses.enter(peer.ip());
        let (Some(room), Some(place)) = (room, place) else {
            metrics::counter!("signet_tftp_refused_total").increment(1);
            return None;
        };
        let is_new = lock(&self.peers).insert(peer);
        is_new.then(|| Taken { peer, peers: Arc::clone(&self.peers), _room: room, _place: place })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        lock(&self.peers).remove(&self.peer);
    }
}

fn lock(peers: &Mutex<HashSet<SocketAddr>>) -> MutexGuard<'_, HashSet<SocketAddr>> {
    peers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers from a port of its own (RFC 1350 §4).
async fn answer(depot: &Depot, request: Request, local: SocketAddr, peer: SocketAddr) {
    let connected = async {
        let socket = UdpSocket::bind(local).await?;
        socket.connect(peer).await?;
        std::io::Result::Ok(socket)
    };
    let socket = match connected.await {
        Ok(socket) => socket,
        Err(error) => return tracing::warn!(%peer, %error, "no port to answer a TFTP request from"),
    };
    let refuse = async |code, text| drop(socket.send(&error(code, text)).await);
    match depot.find(&request.name).await {
        Ok(None) => {
            tracing::info!(peer = %peer.ip(), name = request.name, "TFTP: no such file");
            refuse(Code::NotFound, "no such file for this device").await;
        }
        Ok(Some(served)) => match Session::new(&request, &served.bytes) {
            None => refuse(Code::Undefined, "the file is too large for this block size").await,
            Some(mut session) => match session.run(&socket).await {
                Ok(()) => depot.note(served, peer.ip(), Over::Tftp),
                Err(why) => tracing::info!(peer = %peer.ip(), name = request.name, why, "TFTP: not finished"),
            },
        },
        Err(error) => {
            tracing::error!(%error, name = request.name, "a file could not be served");
            refuse(Code::Undefined, "not available now").await;
        }
    }
}
