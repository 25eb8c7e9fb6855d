//! What every conversation shares.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, MutexGuard};

use crate::device::DeviceName;
use crate::enrol::Desk;
use crate::enrol::capf::sessions::Sessions;

/// How many devices' strings are looked at side by side at the most.
const TURNS: usize = 64;

/// How long a device is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until it has said who it is.
    pub auth: Duration,
    /// Until it has a key, all its attempts together: a slow phone takes a minute for one.
    pub key: Duration,
    /// Until it has kept, shown or deleted a certificate.
    pub store: Duration,
    /// How often it may say that it is still at work.
    pub in_progress: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            auth: Duration::from_secs(30),
            key: Duration::from_secs(180),
            store: Duration::from_secs(60),
            in_progress: 60,
        }
    }
}

/// The CAPF service: shared by every listener and connection.
pub struct Service {
    /// Where requests are decided.
    pub desk: Arc<Desk>,
    /// The open sessions.
    pub sessions: Sessions,
    /// How long devices are waited for.
    pub patience: Patience,
    turns: Vec<Mutex<()>>,
}

impl Service {
    /// A service at this desk.
    pub fn new(desk: Arc<Desk>, patience: Patience) -> Self {
        let turns = (0..TURNS).map(|_| Mutex::new(())).collect();
        Self { desk, sessions: Sessions::default(), patience, turns }
    }

    /// A device's turn: its strings are looked at one after the other, so that each wrong one counts before the next.
    pub(super) async fn turn(&self, device: &DeviceName) -> MutexGuard<'_, ()> {
        let hash = Sha256::digest(device.folded());
        self.turns[usize::from(hash[0]) % TURNS].lock().await
    }
}
