//! Tokens in memory, so that a busy client costs no read each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::watch;

use crate::admin::records::TokenRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, Record};

const MOST: usize = 1000;
/// Another process on the same store is heard of at the latest after this.
const FRESH: Duration = Duration::from_secs(2);

/// A bounded cache of active tokens, emptied whenever a token changes.
pub struct Cache {
    changed: watch::Receiver<u64>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    version: u64,
    tokens: HashMap<[u8; 32], (Arc<TokenRecord>, Timestamp)>,
}

impl Cache {
    /// An empty cache over this store.
    pub fn new(db: &Db) -> Self {
        Self { changed: db.raw().changed(TokenRecord::KIND), known: Mutex::default() }
    }

    /// The active token with this hash. Errors: `storage`.
    pub async fn find(&self, db: &Db, hash: &[u8; 32], now: Timestamp) -> Result<Option<Arc<TokenRecord>>> {
        let version = *self.changed.borrow();
        if let Some(token) = self.recall(version, hash, now) {
            return Ok(token.is_active(now).then_some(token));
        }
        let Some(stored) = db.find::<TokenRecord>(TokenRecord::BY_HASH, hash).await? else { return Ok(None) };
        let token = Arc::new(stored.value);
        if !bool::from(token.token_hash.ct_eq(hash)) || !token.is_active(now) {
            return Ok(None);
        }
        self.remember(version, &token, now);
        Ok(Some(token))
    }

    fn recall(&self, version: u64, hash: &[u8; 32], now: Timestamp) -> Option<Arc<TokenRecord>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.version != version {
            return None;
        }
        let (token, at) = known.tokens.get(hash)?;
        (now.since(*at) < FRESH).then(|| token.clone())
    }

    /// Keeps a token that was read after `version` was seen: a later change empties the cache again.
    fn remember(&self, version: u64, token: &Arc<TokenRecord>, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.version != version || known.tokens.len() >= MOST {
            known.tokens.clear();
            known.version = version;
        }
        known.tokens.insert(token.token_hash, (token.clone(), now));
    }
}
