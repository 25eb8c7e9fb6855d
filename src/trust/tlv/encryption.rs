//! How the body of an `.enc.sgn` file is encrypted.

use super::layout::Found;
use super::tags::header as tag;
use super::{Reader, length_of, push, push_frame};
use crate::error::Result;
use crate::trust::sign::SignatureDigest;

/// AES-128.
const AES: u8 = 1;

/// Elements 16 to 27 of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionInfo {
    /// The IV of AES-128-CBC.
    pub(in crate::trust) iv: [u8; 16],
    /// How many octets were added to the plain file: 1 to 16.
    pub(in crate::trust) padding: u8,
    /// The content key, encrypted to the device's RSA key (PKCS#1 v1.5).
    pub(in crate::trust) wrapped_key: Vec<u8>,
    /// The digest of the plain file, by the algorithm of the signature.
    pub(in crate::trust) plain_digest: Vec<u8>,
}

impl EncryptionInfo {
    /// Reads it, if any element of it is there. Errors: `bad-signed-file`, `bad-trust-list`.
    pub(super) fn read(
        found: &Found<'_>,
        reader: &Reader<'_>,
        digest: SignatureDigest,
    ) -> Result<Option<Self>> {
        if (tag::ENCRYPTION_INFO..=tag::PLAIN_DIGEST).all(|tag| found.get(tag).is_none()) {
            return Ok(None);
        }
        let require = |tag| found.require(tag, reader);
        for (marked, value) in [(tag::IV_MARK, 0), (tag::KEY_MARK, 0), (tag::CIPHER, AES)] {
            let mark = require(marked)?;
            if mark.byte()? != value {
                return Err(mark.fault(&format!("only {value} is known")));
            }
        }
        let padding = require(tag::BODY_PADDING)?;
        let added = padding.word()?;
        let added = u8::try_from(added).ok().filter(|n| (1..=16).contains(n));
        let (size, wrapped) = (require(tag::KEY_SIZE)?, require(tag::WRAPPED_KEY)?);
        if usize::from(size.word()?) != wrapped.value.len() * 8 || wrapped.value.len() < 128 {
            return Err(size.fault("it is the size in bits of the key in element 25, 1,024 or more"));
        }
        let algorithm = require(tag::PLAIN_DIGEST_ALGORITHM)?;
        if algorithm.byte()? != digest.code() {
            return Err(algorithm.fault("it is the same as element 8 (digest)"));
        }
        let plain_digest = require(tag::PLAIN_DIGEST)?;
        if plain_digest.value.len() != digest.octets() {
            return Err(plain_digest.fault(&format!("a {digest} digest has {} octets", digest.octets())));
        }
        Ok(Some(Self {
            iv: require(tag::IV)?.octets()?,
            padding: added.ok_or_else(|| padding.fault("1 to 16 octets are added"))?,
            wrapped_key: wrapped.value.to_vec(),
            plain_digest: plain_digest.value.to_vec(),
        }))
    }

    /// Appends its elements. Errors: `element-too-long`.
    pub(super) fn push(&self, out: &mut Vec<u8>, digest: SignatureDigest) -> Result<()> {
        let mut iv = Vec::with_capacity(28);
        push(&mut iv, tag::IV_MARK, &[0])?;
        push(&mut iv, tag::IV, &self.iv)?;
        push(&mut iv, tag::BODY_PADDING, &u16::from(self.padding).to_be_bytes())?;
        let mut key = Vec::with_capacity(self.wrapped_key.len() + 16);
        push(&mut key, tag::KEY_MARK, &[0])?;
        push(
            &mut key,
            tag::KEY_SIZE,
            &length_of(self.wrapped_key.len() * 8, "the wrapped key")?.to_be_bytes(),
        )?;
        push(&mut key, tag::CIPHER, &[AES])?;
        push(&mut key, tag::WRAPPED_KEY, &self.wrapped_key)?;
        push_frame(out, tag::ENCRYPTION_INFO, iv.len() + key.len() + 2 * super::FRAME)?;
        push(out, tag::IV_INFO, &iv)?;
        push(out, tag::KEY_INFO, &key)?;
        push(out, tag::PLAIN_DIGEST_ALGORITHM, &[digest.code()])?;
        push(out, tag::PLAIN_DIGEST, &self.plain_digest)
    }
}
