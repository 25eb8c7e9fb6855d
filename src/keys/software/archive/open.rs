//! Reading an archive, frame by frame; nothing is given out that was not as it was written.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::frames::{read_frame_head, read_head};
use super::{FRAME, FrameKey, MAGIC, SALT_LEN, damaged, tag_len, vault_file};
use crate::error::{Error, Kind, Result};
use crate::keys::sealer::SealingRoot;

/// Reads what an archive holds. Its end is reported only after the last frame was seen, with nothing behind it.
pub struct ArchiveReader<R: Read> {
    source: R,
    vault: Vec<u8>,
    key: FrameKey,
    number: u32,
    frame: Zeroizing<Vec<u8>>,
    /// How much of the frame was given out.
    given: usize,
    ended: bool,
}

/// Opens an archive with the password that was in force when it was made. Blocking and slow (argon2id).
/// Errors: `not-a-backup`, `backup-newer`, `damaged-backup`, `wrong-password`, `invalid-password`, `unreadable-backup`.
pub fn open<R: Read>(mut source: R, password: &str) -> Result<ArchiveReader<R>> {
    let mut head = vec![0; MAGIC.len() + 4];
    fill(&mut source, &mut head)?;
    let length = read_head(&head)?;
    let mut rest = vec![0; length + SALT_LEN];
    fill(&mut source, &mut rest)?;
    let (vault, salt) = rest.split_at(length);
    let (master, _) = vault_file::decode(vault, password).map_err(of_backup)?;
    head.extend_from_slice(&rest);
    let key = FrameKey::new(&SealingRoot::new(&*master), &head, salt)?;
    let frame = Zeroizing::new(Vec::with_capacity(FRAME + tag_len()));
    Ok(ArchiveReader { source, vault: vault.to_vec(), key, number: 0, frame, given: 0, ended: false })
}

impl<R: Read> ArchiveReader<R> {
    /// The vault's file as it stood.
    pub fn vault(&self) -> &[u8] {
        &self.vault
    }

    /// Opens the next frame. Errors: `damaged-backup`, `unreadable-backup`.
    fn advance(&mut self) -> Result<()> {
        let mut head = [0; 4];
        fill(&mut self.source, &mut head)?;
        let (length, last) = read_frame_head(&head)?;
        self.frame.resize(length, 0);
        fill(&mut self.source, &mut self.frame)?;
        let opened = self.key.open(self.number, last, &mut self.frame);
        let opened =
            opened.ok_or_else(|| damaged(&format!("frame {} is not as it was written", self.number)))?;
        self.frame.truncate(opened);
        self.given = 0;
        self.number = self.number.checked_add(1).ok_or_else(|| damaged("it has too many frames"))?;
        if last {
            self.ended = true;
            return self.nothing_follows();
        }
        Ok(())
    }

    fn nothing_follows(&mut self) -> Result<()> {
        match self.source.read(&mut [0]).map_err(unread)? {
            0 => Ok(()),
            _ => Err(damaged("something follows its end")),
        }
    }
}

impl<R: Read> Read for ArchiveReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.frame.len() {
            if self.ended {
                return Ok(0);
            }
            self.advance().map_err(io::Error::other)?;
        }
        let length = out.len().min(self.frame.len() - self.given);
        out[..length].copy_from_slice(&self.frame[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

fn fill(source: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    source.read_exact(bytes).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it is cut short"),
        _ => unread(e),
    })
}

fn unread(e: io::Error) -> Error {
    Error::invalid("unreadable-backup", "the backup cannot be read").because(e)
}

/// The vault in a backup's head is no file of this data folder.
fn of_backup(error: Error) -> Error {
    match error.code() {
        "wrong-password" => Error::new(
            Kind::Unauthenticated,
            "wrong-password",
            "the security password is not the one that was in force when the backup was made",
        ),
        "damaged-file" => damaged("its head is not as it was written"),
        _ => error,
    }
}
