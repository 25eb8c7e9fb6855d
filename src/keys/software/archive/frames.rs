//! The outer form of an archive, which shows without a password whether it came whole.

use super::{FRAME, LAST, MAGIC, MAX_VAULT, SALT_LEN, tag_len};
use crate::error::{Error, Result};

/// Follows the bytes of an archive as they arrive: head, frames, last frame. It holds a few bytes, whatever comes.
#[derive(Debug)]
pub struct Frames {
    held: Vec<u8>,
    /// Bytes to pass over before the next head is read.
    left: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Frame,
    /// The frame that is passed over is the last.
    Last,
}

impl Frames {
    /// Before the first byte.
    pub fn begin() -> Self {
        Self { held: Vec::new(), left: 0, state: State::Head }
    }

    /// Follows more bytes. Errors: `not-a-backup`, `damaged-backup`.
    pub fn follow(&mut self, mut bytes: &[u8]) -> Result<()> {
        loop {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                return Ok(());
            }
            bytes = match self.state {
                State::Head => self.head(bytes)?,
                State::Frame => self.frame(bytes)?,
                State::Last => return Err(super::damaged("something follows its end")),
            };
        }
    }

    /// Whether it came whole. Errors: `damaged-backup` if it is cut short.
    pub fn end(&self) -> Result<()> {
        if self.state == State::Last && self.left == 0 {
            return Ok(());
        }
        Err(super::damaged("it is cut short"))
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let Some(rest) = self.hold(bytes, MAGIC.len() + 4) else { return Ok(&[]) };
        let vault = read_head(&self.held)?;
        (self.left, self.state) = (vault + SALT_LEN, State::Frame);
        self.held.clear();
        Ok(rest)
    }

    fn frame<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let Some(rest) = self.hold(bytes, 4) else { return Ok(&[]) };
        let (length, last) = read_frame_head(&self.held)?;
        self.left = length;
        if last {
            self.state = State::Last;
        }
        self.held.clear();
        Ok(rest)
    }

    /// Holds bytes until there are `wanted`; gives what follows once there are.
    fn hold<'a>(&mut self, bytes: &'a [u8], wanted: usize) -> Option<&'a [u8]> {
        let (taken, rest) = bytes.split_at(bytes.len().min(wanted.saturating_sub(self.held.len())));
        self.held.extend_from_slice(taken);
        (self.held.len() == wanted).then_some(rest)
    }
}

/// The length of the vault's file, from an archive's first bytes. Errors: `not-a-backup`, `damaged-backup`.
pub(super) fn read_head(bytes: &[u8]) -> Result<usize> {
    let (magic, length) = bytes.split_at(MAGIC.len().min(bytes.len()));
    let (name, format) = MAGIC.split_at(MAGIC.len() - 1);
    match magic.split_at(name.len().min(magic.len())) {
        (found, _) if found != name => {
            return Err(Error::invalid("not-a-backup", "the file is not a backup of Signet's"));
        }
        (_, found) if found != format => {
            let text = "the backup has a form that this program does not know; use a newer program";
            return Err(Error::invalid("backup-newer", text));
        }
        _ => {}
    }
    let length = length.try_into().map_or(usize::MAX, |length| u32::from_be_bytes(length) as usize);
    if length > MAX_VAULT {
        return Err(super::damaged("its head is not one we write"));
    }
    Ok(length)
}

/// The sealed length of a frame, and whether it is the last. Errors: `damaged-backup`.
pub(super) fn read_frame_head(bytes: &[u8]) -> Result<(usize, bool)> {
    let head = bytes.try_into().map_or(0, u32::from_be_bytes);
    let (length, last) = ((head & !LAST) as usize, head & LAST != 0);
    if length < tag_len() || length > FRAME + tag_len() {
        return Err(super::damaged("the length of a frame is not one we write"));
    }
    Ok((length, last))
}
