//! Writing the entries.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{BEGIN, Begin, END, End, FILE, MAX_FILE, MAX_KEY, MAX_VALUE, ROW, SafePath, hex, number};
use crate::error::{Error, Kind, Result};
use crate::store::Part;

/// Writes entries and counts them.
pub struct Writer<W: Write> {
    out: W,
    digest: Sha256,
    end: End,
}

impl<W: Write> Writer<W> {
    /// Begins. Errors: those of the writer beneath.
    pub fn begin(out: W, begin: &Begin) -> Result<Self> {
        let mut writer = Self { out, digest: Sha256::new(), end: End::default() };
        let json = json(begin)?;
        writer.put(&[&[BEGIN], &length(&json)?, &json])?;
        Ok(writer)
    }

    /// Writes a file. Errors: `too-large`.
    pub fn file(&mut self, path: &SafePath, bytes: &[u8]) -> Result<()> {
        let too_large =
            || Error::new(Kind::TooLarge, "too-large", format!("{path} is over 64 MiB: it is not backed up"));
        let size = u32::try_from(bytes.len()).ok().filter(|size| *size <= MAX_FILE).ok_or_else(too_large)?;
        let name = path.as_str().as_bytes();
        let name_length = u16::try_from(name.len()).map_err(|_| too_large())?;
        self.end.files += 1;
        self.put(&[&[FILE], &name_length.to_be_bytes(), &size.to_be_bytes(), name, bytes])
    }

    /// Writes a row of the store.
    pub fn row(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<()> {
        let long = || Error::internal("a row of the store is longer than a backup takes");
        let key_length = u16::try_from(key.len()).ok().filter(|n| *n <= MAX_KEY).ok_or_else(long)?;
        let value_length = u32::try_from(value.len()).ok().filter(|n| *n <= MAX_VALUE).ok_or_else(long)?;
        self.end.count(part);
        self.put(&[&[ROW, number(part)], &key_length.to_be_bytes(), &value_length.to_be_bytes(), key, value])
    }

    /// Writes the end. Returns the writer beneath and what was counted.
    pub fn finish(mut self) -> Result<(W, End)> {
        self.end.sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        let json = json(&self.end)?;
        self.put(&[&[END], &length(&json)?, &json])?;
        Ok((self.out, self.end))
    }

    fn put(&mut self, pieces: &[&[u8]]) -> Result<()> {
        for piece in pieces {
            self.digest.update(piece);
            self.out.write_all(piece).map_err(unwritten)?;
        }
        Ok(())
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal("a backup's manifest").because(e))
}

fn length(bytes: &[u8]) -> Result<[u8; 4]> {
    u32::try_from(bytes.len())
        .map(u32::to_be_bytes)
        .map_err(|_| Error::internal("a backup's manifest is too long"))
}

/// Ours where the writer beneath failed with one of ours.
fn unwritten(e: io::Error) -> Error {
    Error::storage("the backup cannot be written").because(e)
}
