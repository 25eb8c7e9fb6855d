//! What the vault's files have in common: AES-256-GCM inside, SHA-256 around.
//!
//! The digest tells damage apart from a wrong password: a file whose digest holds is as it was written,
//! so what then does not open was closed with another key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::random::Random;

/// Length of every symmetric key here, in bytes.
pub const KEY_LEN: usize = 32;
/// Length of the digest at a file's end, in bytes.
const DIGEST_LEN: usize = 32;

/// An AES-256-GCM key that shows nothing of itself.
pub struct SealingKey(LessSafeKey);

impl SealingKey {
    /// From its 32 bytes.
    pub fn new(bytes: &[u8; KEY_LEN]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::internal("AES-256-GCM key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// `header`, a random nonce, and `secret` encrypted with the header as additional data; then the digest
    /// over all of it.
    pub fn seal(&self, header: &[u8], secret: &[u8], random: &Random) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random.bytes()?;
        // Room for the tag too, so that no plaintext is left behind by growing.
        let mut sealed = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(secret);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), &mut sealed)
            .map_err(|_| Error::internal("AES-256-GCM failed"))?;
        let mut file = [header, &nonce, &sealed].concat();
        let digest = Sha256::digest(&file);
        file.extend_from_slice(&digest);
        Ok(file)
    }

    /// Opens the `body` behind `header`; none if it was closed with another key or another header.
    pub fn open(&self, header: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = body.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let len = self.0.open_in_place(nonce, Aad::from(header), &mut text).ok()?.len();
        text.truncate(len);
        Some(text)
    }
}

/// A file's bytes without its digest; none if the digest does not hold.
pub fn undamaged(file: &[u8]) -> Option<&[u8]> {
    let (bytes, digest) = file.split_at_checked(file.len().checked_sub(DIGEST_LEN)?)?;
    (Sha256::digest(bytes).as_slice() == digest).then_some(bytes)
}

/// The error that names a file which is not as it was written, and why.
pub fn damaged(name: &str, why: &str) -> Error {
    Error::new(Kind::Storage, "damaged-file", format!("the file keys/{name} is damaged: {why}"))
}
