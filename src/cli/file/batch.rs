//! Files that are sent together.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};

/// Files in one batch: what the API takes.
const MOST: usize = 100;
/// Octets of base64 in one batch, so that its body stays under the API's bound.
const MOST_OCTETS: usize = 200 * 1024;

/// The files of a folder that are to be signed, in the order of their names, or the one file itself; what is signed
/// already is left out. Errors: `unreadable-file`.
pub fn files(from: &Path) -> Result<Vec<PathBuf>> {
    let unreadable =
        |e| Error::invalid("unreadable-file", format!("cannot read {}", from.display())).because(e);
    if !std::fs::metadata(from).map_err(unreadable)?.is_dir() {
        return Ok(vec![from.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(from).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_signed = path.extension().is_some_and(|extension| extension == "sgn");
        if path.is_file() && !is_signed {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What collects until a request is full.
#[derive(Default)]
pub struct Batch {
    items: Vec<Value>,
    octets: usize,
}

impl Batch {
    /// Whether this file no longer fits in.
    pub fn is_full_for(&self, item: &Value) -> bool {
        !self.items.is_empty() && (self.items.len() >= MOST || self.octets + octets(item) > MOST_OCTETS)
    }

    /// Adds a file.
    pub fn add(&mut self, item: Value) {
        self.octets += octets(&item);
        self.items.push(item);
    }

    /// The files, to be sent; it is empty then.
    pub fn take(&mut self) -> Vec<Value> {
        self.octets = 0;
        std::mem::take(&mut self.items)
    }
}

/// A file as the API takes it. Errors: `unreadable-file`, `file-too-large`, and `bad-file-name` if its name is no text.
pub fn item(path: &Path, encrypt: bool) -> Result<Value> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Error::invalid("bad-file-name", format!("the name of {} is not UTF-8", path.display()))
    })?;
    let content = STANDARD.encode(&*crate::cli::input::bytes(path)?);
    if content.len() > MOST_OCTETS {
        let text = format!("{} is over {} KiB", path.display(), MOST_OCTETS / 1024 * 3 / 4);
        return Err(Error::new(Kind::TooLarge, "file-too-large", text));
    }
    Ok(json!({"name": name, "content": content, "encrypt": encrypt}))
}

fn octets(item: &Value) -> usize {
    // The rest of an item is its name and a few words.
    item["content"].as_str().map_or(0, str::len) + item["name"].as_str().map_or(0, str::len) + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_by_number_or_by_size_and_always_takes_one() {
        let file = |octets: usize| json!({"name": "x", "content": "A".repeat(octets)});
        let mut batch = Batch::default();
        assert!(!batch.is_full_for(&file(MOST_OCTETS * 2)));
        (0..MOST).for_each(|_| batch.add(file(1)));
        assert!(batch.is_full_for(&file(1)));
        assert_eq!(batch.take().len(), MOST);
        batch.add(file(MOST_OCTETS / 2));
        assert!(!batch.is_full_for(&file(100)) && batch.is_full_for(&file(MOST_OCTETS / 2)));
    }
}
