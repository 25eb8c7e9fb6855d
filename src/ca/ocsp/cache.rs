//! Signed answers in memory, bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Answer;
use crate::x509::ocsp::Said;

/// Answers of one generation; two are kept. An answer takes about 1.5 KB.
const GENERATION: usize = 10_000;

/// An answer, what it says, and how many revocations had been seen when that was last looked at.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub answer: Answer,
    pub said: Said,
    pub seen: u64,
}

/// Answers by CertID: when the younger generation is full it becomes the elder, and that is forgotten. What is asked
/// for stays young.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Vec<u8>, Entry>,
    elder: HashMap<Vec<u8>, Entry>,
}

impl Cache {
    pub fn get(&self, id: &[u8]) -> Option<Entry> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = held.young.get(id) {
            return Some(entry.clone());
        }
        let (id, entry) = held.elder.remove_entry(id)?;
        held.put(id, entry.clone());
        Some(entry)
    }

    pub fn put(&self, id: Vec<u8>, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(id, entry);
    }
}

impl Generations {
    fn put(&mut self, id: Vec<u8>, entry: Entry) {
        if self.young.len() >= GENERATION {
            self.elder = std::mem::take(&mut self.young);
        }
        self.young.insert(id, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::x509::ocsp::Status;

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let at = Timestamp::from_secs(0);
        let answer = Answer { der: Vec::new().into(), this_update: at, next_update: at, has_nonce: false };
        let entry = Entry { answer, said: Status::Good.into(), seen: 0 };
        let (cache, id) = (Cache::default(), |n: usize| n.to_be_bytes().to_vec());
        for n in 0..5 * GENERATION {
            cache.put(id(n), entry.clone());
            assert!(cache.get(&id(0)).is_some(), "asked for each time");
        }
        let held = cache.0.lock().unwrap();
        assert!(held.young.len() + held.elder.len() <= 2 * GENERATION);
        assert!(!held.young.contains_key(&id(1)) && !held.elder.contains_key(&id(1)));
    }
}
