//! Search by words of subject and alternative names, each by its beginning.

use crate::ca::records::CertificateRecord;
use crate::error::{Error, Result};
use crate::store::{KeyBuilder, Record};

const MOST: usize = 8;

/// The words looked for, lower-case; the longest leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Reads a search text. Errors: `pattern-not-allowed`, `too-many-items`.
    pub fn read(text: &str) -> Result<Self> {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        if words.iter().any(|word| is_pattern(word)) {
            return Err(Error::invalid(
                "pattern-not-allowed",
                "q is plain words; each finds what begins with it, without patterns",
            ));
        }
        if words.is_empty() || words.len() > MOST {
            return Err(Error::invalid("too-many-items", format!("q has 1 to {MOST} words")));
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Ok(Self(words))
    }

    /// What the leading word's index keys begin with.
    pub fn prefix(&self) -> Vec<u8> {
        prefix(&self.0[0])
    }

    /// Whether each word begins some word of the certificate.
    pub fn match_all(&self, record: &CertificateRecord) -> bool {
        let keys = keys(record);
        self.0.iter().all(|word| {
            let prefix = prefix(word);
            keys.iter().any(|key| key.starts_with(&prefix))
        })
    }
}

/// Where a walk along the index stands: a certificate stands there once for each of its words, and is told of
/// only at the first of them. The index key of an entry is not given, but it is the smallest of the certificate's
/// own that lies beyond the entry before: any smaller one would have come earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Walk {
    word: Vec<u8>,
    key: Vec<u8>,
}

impl Walk {
    /// Takes the next entry of the index; whether the certificate is met for the first time.
    pub fn meets_first(&mut self, words: &Words, record: &CertificateRecord) -> bool {
        let (prefix, key) = (words.prefix(), record.key());
        let mut own: Vec<_> = keys(record).into_iter().filter(|k| k.starts_with(&prefix)).collect();
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

fn keys(record: &CertificateRecord) -> Vec<Vec<u8>> {
    let by_word = record.indexes().into_iter().filter(|entry| entry.index == CertificateRecord::BY_WORD);
    by_word.map(|entry| entry.key).collect()
}

/// Whether someone expects more than words; `*.` at the beginning is a wildcard name.
fn is_pattern(word: &str) -> bool {
    let rest = word.strip_prefix("*.").unwrap_or(word);
    rest.contains(['(', ')', '[', ']', '{', '}', '+', '?', '^', '$', '|', '\\', '*'])
}
