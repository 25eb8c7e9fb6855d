//! Reading the entries, each within its bounds and in its place.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

use super::{
    BEGIN, Begin, END, End, FILE, FORMAT, MAX_FILE, MAX_FILES, MAX_KEY, MAX_MANIFEST, MAX_PATH, MAX_VALUE,
    ROW, SafePath, hex, part,
};
use crate::error::{Error, Result};
use crate::server::backup::{damaged, inner};
use crate::store::Part;

/// How much of a file is held at once.
const PIECE: usize = 64 * 1024;

/// What comes next.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A file, whose bytes [`Reader::file`] gives.
    File(SafePath),
    /// A row of the store.
    Row(Part, &'a [u8], &'a [u8]),
    /// The end: nothing follows, and the counts hold.
    End(End),
}

/// Reads entries and counts them.
pub struct Reader<R: Read> {
    source: R,
    digest: Sha256,
    counted: End,
    /// How much of the file at hand was not read yet.
    left: u32,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the first entry. Errors: `damaged-backup`, `backup-newer`; those of the reader beneath.
    pub fn begin(source: R) -> Result<(Self, Begin)> {
        let (key, value) = (Vec::new(), Vec::new());
        let mut reader = Self { source, digest: Sha256::new(), counted: End::default(), left: 0, key, value };
        let [BEGIN] = reader.take()? else { return Err(damaged("it does not say what it is")) };
        let begin: Begin = reader.manifest()?;
        if begin.format != FORMAT {
            let text = format!(
                "the backup was made by Signet {:.20}; use that program or a newer one",
                begin.signet
            );
            return Err(Error::invalid("backup-newer", text));
        }
        Ok((reader, begin))
    }

    /// The next entry; what is left of a file is passed over. Errors: `damaged-backup`; those of the reader beneath.
    pub fn entry(&mut self) -> Result<Entry<'_>> {
        self.file(&mut std::io::sink())?;
        let digest = self.digest.clone();
        match self.take()? {
            [FILE] => self.begin_file().map(Entry::File),
            [ROW] => {
                let part = self.row()?;
                Ok(Entry::Row(part, &self.key, &self.value))
            }
            [END] => self.end(digest).map(Entry::End),
            [other] => Err(damaged(format!("entry of unknown sort {other}"))),
        }
    }

    /// Writes the bytes of the file at hand. Errors: `storage` where they cannot be written; as [`Reader::entry`].
    pub fn file(&mut self, out: &mut impl Write) -> Result<()> {
        let mut piece = [0; PIECE];
        while self.left > 0 {
            let length = PIECE.min(self.left as usize);
            self.fill(&mut piece[..length])?;
            out.write_all(&piece[..length])
                .map_err(|e| Error::storage("a file of the backup cannot be written").because(e))?;
            self.left -= length as u32;
        }
        Ok(())
    }

    fn begin_file(&mut self) -> Result<SafePath> {
        let path_length = u16::from_be_bytes(self.take()?);
        let size = u32::from_be_bytes(self.take()?);
        if path_length > MAX_PATH || size > MAX_FILE || self.counted.files == MAX_FILES {
            return Err(damaged("a file is larger than any that is backed up, or there are too many"));
        }
        let mut path = vec![0; path_length.into()];
        self.fill(&mut path)?;
        let path = std::str::from_utf8(&path).map_err(|_| damaged("the name of a file is not text"))?;
        let path = SafePath::parse(path)?;
        self.counted.files += 1;
        self.left = size;
        Ok(path)
    }

    fn row(&mut self) -> Result<Part> {
        let [number] = self.take()?;
        let part = part(number)?;
        let key_length = u16::from_be_bytes(self.take()?);
        let value_length = u32::from_be_bytes(self.take()?);
        if key_length > MAX_KEY || value_length > MAX_VALUE {
            return Err(damaged("a row is longer than any that is backed up"));
        }
        let (mut key, mut value) = (std::mem::take(&mut self.key), std::mem::take(&mut self.value));
        key.resize(key_length.into(), 0);
        value.resize(value_length as usize, 0);
        self.fill(&mut key)?;
        self.fill(&mut value)?;
        (self.key, self.value) = (key, value);
        self.counted.count(part);
        Ok(part)
    }

    /// `digest` is that of all before the end.
    fn end(&mut self, digest: Sha256) -> Result<End> {
        let said: End = self.manifest()?;
        self.counted.sha256 = hex(&digest.finalize());
        if said != self.counted {
            return Err(damaged("it does not hold what its end says: something was left out or added"));
        }
        match self.source.read(&mut [0]).map_err(inner)? {
            0 => Ok(said),
            _ => Err(damaged("something follows its end")),
        }
    }

    fn manifest<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let length = u32::from_be_bytes(self.take()?);
        if length > MAX_MANIFEST {
            return Err(damaged("its manifest is too long"));
        }
        let mut json = vec![0; length as usize];
        self.fill(&mut json)?;
        serde_json::from_slice(&json).map_err(|_| damaged("its manifest cannot be read"))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.source.read_exact(bytes).map_err(inner)?;
        self.digest.update(&*bytes);
        Ok(())
    }
}
