//! Copies of one request take turns: the first is judged, the others find its certificate. A device that resends
//! while its webhook thinks does not have it asked twice, nor a one-time password spent twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::enrol::{Proof, Request};

type Slot = Arc<tokio::sync::Mutex<()>>;

/// The requests that are being judged; each holds a place only as long as somebody works on it.
#[derive(Default)]
pub(in crate::enrol) struct Turns(Mutex<HashMap<[u8; 32], Slot>>);

/// A turn; the next copy begins when it is dropped.
pub(in crate::enrol) struct Turn {
    turns: Arc<Turns>,
    key: [u8; 32],
    slot: Option<Slot>,
    held: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until no copy of this request is being judged; at once for a request that has no copies.
    pub async fn take(self: &Arc<Self>, request: &Request) -> Option<Turn> {
        let key = key(request)?;
        let slot = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        // Made before the wait, so that whoever gives up waiting leaves nothing behind.
        let mut turn = Turn { turns: Arc::clone(self), key, slot: Some(Arc::clone(&slot)), held: None };
        turn.held = Some(slot.lock_owned().await);
        Some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        self.slot = None;
        let mut turns = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Clones are made under this lock only: the last one to leave closes the door.
        if turns.get(&self.key).is_some_and(|slot| Arc::strong_count(slot) == 1) {
            turns.remove(&self.key);
        }
    }
}

fn key(request: &Request) -> Option<[u8; 32]> {
    let transaction = request.transaction.as_ref()?;
    match &request.proof {
        Proof::Challenge(_) | Proof::Renewal { challenge: Some(_), .. } => {}
        Proof::None
        | Proof::Renewal { challenge: None, .. }
        | Proof::Operator { .. }
        | Proof::Device(_)
        | Proof::Internal => {
            return None;
        }
    }
    let digest = Sha256::new()
        .chain_update(request.profile.as_str())
        .chain_update([0])
        .chain_update(&transaction.id)
        .chain_update([0])
        .chain_update(transaction.signer_key)
        .chain_update(request.application.digest())
        .finalize();
    Some(digest.into())
}
