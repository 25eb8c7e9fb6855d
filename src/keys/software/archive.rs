//! The envelope of a backup: a stream that opens with the security password that was in force when it was made.
//!
//! `SGNBACKUP`, format 1, the length (32 bits) and bytes of the vault's file as it stood, a salt (32), then frames: a
//! length (31 bits, the highest bit set in the last frame) and so many bytes under AES-256-GCM. The key of the frames is
//! derived from the vault's master key and the salt (HKDF-SHA-256), so it is used for this stream alone; a frame's nonce
//! is its number and whether it is the last (STREAM, Hoang, Reyhanitabar, Rogaway and Vizár 2015), its additional data
//! the SHA-256 of all before the frames. So no frame is cut off, swapped or taken from elsewhere unseen.

use std::path::PathBuf;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use sha2::{Digest, Sha256};

use super::{Vault, files, key_file, read_vault, vault_file};
use crate::error::{Error, Result};
use crate::keys::sealer::SealingRoot;
use crate::random::Random;

mod frames;
mod open;
mod seal;

pub use frames::Frames;
pub use open::{ArchiveReader, open};
pub use seal::ArchiveWriter;

/// The bytes of an archive's frame, opened, at most.
pub const FRAME: usize = 64 * 1024;

const MAGIC: &[u8; 10] = b"SGNBACKUP\x01";
const SALT_LEN: usize = 32;
/// The largest vault file that is read; one has 117 bytes.
const MAX_VAULT: usize = 4096;
/// Of a frame's head: it is the last.
const LAST: u32 = 1 << 31;
/// How the names of keys' files end: of our own, and of the notes on keys in a token.
pub const KEY_FILES: [&str; 2] = [key_file::SUFFIX, ".token"];
/// Names what the derived key is for; never changed.
const PURPOSE: &[u8] = b"backup 1";

/// Makes archives of a vault, and gives its files as they lie on the disk: encrypted.
#[derive(Clone)]
pub struct Archivist {
    folder: PathBuf,
    sealing: SealingRoot,
    random: Random,
}

impl Vault {
    /// What makes archives that open with the password in force.
    pub fn archivist(&self) -> Archivist {
        Archivist { folder: self.folder.clone(), sealing: self.sealing.clone(), random: self.random.clone() }
    }
}

impl Archivist {
    /// The keys' files, each with its name, without the vault's, which stands at the head of an archive. Errors: `storage`.
    pub fn key_files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for name in files::names(&self.folder, "")? {
            // One that was removed meanwhile is no key any more.
            if KEY_FILES.iter().any(|suffix| name.ends_with(suffix))
                && let Some(bytes) = files::read(&self.folder.join(&name))?
            {
                found.push((name, bytes));
            }
        }
        Ok(found)
    }

    /// The head of an archive and the key of its frames. Errors: `vault-missing`, `storage`, `internal`.
    fn begin(&self) -> Result<(Vec<u8>, FrameKey)> {
        let vault = read_vault(&self.folder)?;
        let length =
            u32::try_from(vault.len()).map_err(|_| Error::internal("the vault's file is too long"))?;
        let salt: [u8; SALT_LEN] = self.random.bytes()?;
        let head = [MAGIC, length.to_be_bytes().as_slice(), &vault, &salt].concat();
        let key = FrameKey::new(&self.sealing, &head, &salt)?;
        Ok((head, key))
    }
}

/// The file of a vault as it stands in an archive's head, for the folder that is restored.
pub const VAULT_FILE: &str = vault_file::NAME;

/// Seals and opens the frames of one archive.
struct FrameKey {
    key: LessSafeKey,
    head: [u8; 32],
}

impl FrameKey {
    fn new(sealing: &SealingRoot, head: &[u8], salt: &[u8]) -> Result<Self> {
        let key = sealing.derived(&[PURPOSE, salt])?;
        Ok(Self { key, head: Sha256::digest(head).into() })
    }

    fn seal(&self, number: u32, last: bool, bytes: &mut Vec<u8>) -> Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(number, last), Aad::from(self.head), bytes)
            .map_err(|_| Error::internal("AES-256-GCM failed"))
    }

    /// The length of what was opened in place; none if it is not as it was written.
    fn open(&self, number: u32, last: bool, bytes: &mut [u8]) -> Option<usize> {
        self.key.open_in_place(nonce(number, last), Aad::from(self.head), bytes).ok().map(|open| open.len())
    }
}

/// The frame's number and whether it is the last: never the same twice under one key.
fn nonce(number: u32, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[7..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

fn tag_len() -> usize {
    AES_256_GCM.tag_len()
}

fn damaged(why: &str) -> Error {
    Error::invalid("damaged-backup", format!("the backup is damaged: {why}"))
}

#[cfg(test)]
mod tests;
