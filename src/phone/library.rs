//! Lists that many phones are given, read once and held once: ten thousand phones of one process have the lists of one. Whether
//! a list is to be taken, each phone sees for itself, its signature too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Outcome;
use super::list::TrustList;

/// So many lists are known at once.
const MOST: usize = 64;

/// Lists by what they are.
#[derive(Debug, Default)]
pub struct Library(Mutex<HashMap<[u8; 32], Arc<TrustList>>>);

impl Library {
    /// The list of this kind in this file. Faults: those of [`TrustList::read`].
    pub(super) fn read(&self, file: &[u8], kind: &str) -> Outcome<Arc<TrustList>> {
        let name = Sha256::new().chain_update(kind).chain_update([0]).chain_update(file).finalize().into();
        let known = |lists: &HashMap<_, _>| lists.get(&name).map(Arc::clone);
        if let Some(list) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(list);
        }
        let list = Arc::new(TrustList::read(file, kind)?);
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= MOST {
            lists.clear();
        }
        Ok(Arc::clone(lists.entry(name).or_insert(list)))
    }
}
