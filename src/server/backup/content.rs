//! What lies in a backup's envelope: entries, one after the other.
//!
//! | entry | after its number (8 bits) |
//! |---|---|
//! | 1 begin | length (32 bits), [`Begin`] as JSON; the first |
//! | 2 file | length of its path (16), length (32), path, bytes |
//! | 3 row | part (8), length of its key (16) and value (32), key, value |
//! | 4 end | length (32), [`End`] as JSON; the last |

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::store::Part;

mod path;
mod read;
mod write;

pub use path::SafePath;
pub use read::{Entry, Reader};
pub use write::Writer;

/// The form of the entries that this program writes.
pub const FORMAT: u32 = 1;
/// The largest file, in bytes.
pub const MAX_FILE: u32 = 64 << 20;
/// The most files.
pub const MAX_FILES: u64 = 100_000;

const MAX_MANIFEST: u32 = 64 << 10;
const MAX_KEY: u16 = 1 << 10;
const MAX_VALUE: u32 = 2 << 20;
const MAX_PATH: u16 = 1 << 10;

const BEGIN: u8 = 1;
const FILE: u8 = 2;
const ROW: u8 = 3;
const END: u8 = 4;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The form of the entries.
    pub format: u32,
    /// The version of the program that made it.
    pub signet: String,
    /// When (RFC 3339).
    pub made: String,
    /// The number of the newest audit entry at that instant.
    pub audit_entries: u64,
}

/// What a backup held, said at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many files.
    pub files: u64,
    /// How many records.
    pub records: u64,
    /// How many pieces of large records.
    pub chunks: u64,
    /// How many counters.
    pub counters: u64,
    /// How many audit entries.
    pub audit_entries: u64,
    /// SHA-256 of all entries before this one, hexadecimal.
    pub sha256: String,
}

impl End {
    fn count(&mut self, part: Part) {
        match part {
            Part::Format | Part::Head => {}
            Part::Records => self.records += 1,
            Part::Chunks => self.chunks += 1,
            Part::Counters => self.counters += 1,
            Part::Audit => self.audit_entries += 1,
        }
    }
}

/// The number of a part in a backup: never given to another.
fn number(part: Part) -> u8 {
    match part {
        Part::Format => 0,
        Part::Head => 1,
        Part::Records => 2,
        Part::Chunks => 3,
        Part::Counters => 4,
        Part::Audit => 5,
    }
}

fn part(wanted: u8) -> Result<Part> {
    let all = [Part::Format, Part::Head, Part::Records, Part::Chunks, Part::Counters, Part::Audit];
    all.into_iter()
        .find(|part| number(*part) == wanted)
        .ok_or_else(|| super::damaged("a row of no known part"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests;
