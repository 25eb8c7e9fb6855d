//! Search by words of the name, each by its beginning.

use serde::{Deserialize, Serialize};

use crate::device::records::DeviceRecord;
use crate::error::{Error, Result};
use crate::store::{KeyBuilder, Record};

const MOST: usize = 8;

/// The words looked for, in capitals; the longest leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words(Vec<String>);

impl Words {
    /// Reads a search text. Errors: `pattern-not-allowed`, `too-many-items`.
    pub fn read(text: &str) -> Result<Self> {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_ascii_uppercase).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if words.iter().any(|word| !word.chars().all(plain)) {
            let rule = "q is plain words of names (letters, digits, dots, underscores, hyphens); each finds what begins with it";
            return Err(Error::invalid("pattern-not-allowed", rule));
        }
        if words.is_empty() || words.len() > MOST {
            return Err(Error::invalid("too-many-items", format!("q has 1 to {MOST} words")));
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Ok(Self(words))
    }

    /// What the leading word's index keys begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        prefix(self.0.first().map(String::as_str).unwrap_or_default())
    }

    /// Whether each word begins some word of the device's name.
    pub(super) fn match_all(&self, device: &DeviceRecord) -> bool {
        let own = device.name.words();
        self.0.iter().all(|word| own.iter().any(|one| one.starts_with(word)))
    }
}

/// Where a walk along the index stands: a device stands there once for each of its words, and is told of only at the
/// first of them. The index key of an entry is not given, but it is the smallest of the device's own that lies beyond
/// the entry before: any smaller one would have come earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    word: Vec<u8>,
    key: Vec<u8>,
}

impl Walk {
    /// Takes the next entry of the index; whether the device is met for the first time.
    pub(super) fn meets_first(&mut self, words: &Words, device: &DeviceRecord) -> bool {
        let (lead, key) = (words.prefix(), device.key());
        let word = |word: String| KeyBuilder::new().text(&word).build();
        let mut own: Vec<_> = device.name.words().into_iter().map(word).collect();
        own.retain(|word| word.starts_with(&lead));
        own.sort();
        let beyond = |word: &&Vec<u8>| (&self.word, &self.key) < (*word, &key);
        let Some(here) = own.iter().find(beyond) else { return false };
        let first = own.first() == Some(here);
        *self = Self { word: here.clone(), key };
        first
    }
}

fn prefix(word: &str) -> Vec<u8> {
    KeyBuilder::new().text_prefix(word).build()
}
