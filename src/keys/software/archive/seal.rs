//! Writing an archive, frame by frame.

use std::io::{self, Write};

use zeroize::Zeroizing;

use super::{Archivist, FRAME, FrameKey, LAST, tag_len};
use crate::error::{Error, Result};

/// Seals what is written to it; without [`ArchiveWriter::finish`] the archive has no end and does not open.
pub struct ArchiveWriter<W: Write> {
    out: W,
    key: FrameKey,
    number: u32,
    frame: Zeroizing<Vec<u8>>,
}

impl Archivist {
    /// Begins an archive in `out`. Errors: `vault-missing`, `storage`; those of `out`.
    pub fn seal<W: Write>(&self, mut out: W) -> Result<ArchiveWriter<W>> {
        let (head, key) = self.begin()?;
        out.write_all(&head).map_err(unwritten)?;
        let frame = Zeroizing::new(Vec::with_capacity(FRAME + tag_len()));
        Ok(ArchiveWriter { out, key, number: 0, frame })
    }
}

impl<W: Write> ArchiveWriter<W> {
    /// Writes the last frame. Errors: those of the writer beneath.
    pub fn finish(mut self) -> Result<W> {
        self.put(true).and_then(|()| self.out.flush()).map_err(unwritten)?;
        Ok(self.out)
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        self.key.seal(self.number, last, &mut self.frame).map_err(io::Error::other)?;
        let length = self.frame.len() as u32 | if last { LAST } else { 0 };
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&self.frame)?;
        self.frame.clear();
        self.number = self.number.checked_add(1).ok_or_else(|| io::Error::other("too many frames"))?;
        Ok(())
    }
}

impl<W: Write> Write for ArchiveWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.len() == FRAME {
            self.put(false)?;
        }
        let taken = bytes.len().min(FRAME - self.frame.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// A frame is written when it is full, or the last.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unwritten(e: io::Error) -> Error {
    Error::storage("the backup cannot be written").because(e)
}
