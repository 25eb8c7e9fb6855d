//! PasswordRecipientInfo (RFC 5652 §6.2.4): PBKDF2 makes a key of the password, which wraps the content key as
//! RFC 3211 §2.3.1 has it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::cms::algorithm::ContentCipher;
use crate::x509::cms::{enveloped, oid};
use crate::x509::tlv;

/// Whoever records a reply can try passwords on it: ours have 130 bits, but a shared one may be weak. A small device
/// pays for each as well, so it is not the hundreds of thousands that a login would have.
const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);
const SALT: usize = 16;

/// The recipient who knows `password`, with the content key `key` wrapped by `cipher`. Errors: `internal`.
pub(super) fn recipient(
    password: &str,
    cipher: ContentCipher,
    key: &[u8],
    random: &Random,
) -> Result<Vec<u8>> {
    let salt: [u8; SALT] = random.bytes()?;
    let mut wrapping_key = Zeroizing::new(vec![0; cipher.key_len()]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), &mut wrapping_key);
    let mut iv = vec![0; cipher.block_len()];
    random.fill(&mut iv)?;
    let wrapped = wrap(cipher, &wrapping_key, &iv, key, random)?;
    let iv_parameter = tlv::tlv(tlv::OCTET_STRING, &iv);
    let inner = tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&cipher.oid()), &iv_parameter]);
    let encryption = tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid::PWRI_KEK), &inner]);
    let wrapped = tlv::tlv(tlv::OCTET_STRING, &wrapped);
    Ok(tlv::join(0xa3, &[&tlv::unsigned(0), &derivation(&salt), &encryption, &wrapped]))
}

/// `[0] IMPLICIT` AlgorithmIdentifier of PBKDF2 (RFC 8018 A.2) with HMAC-SHA-256.
fn derivation(salt: &[u8]) -> Vec<u8> {
    let prf = tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid::HMAC_SHA256), &[tlv::NULL, 0]]);
    let salt = tlv::tlv(tlv::OCTET_STRING, salt);
    let parameters = tlv::join(tlv::SEQUENCE, &[&salt, &tlv::unsigned(ITERATIONS.get().into()), &prf]);
    tlv::join(0xa0, &[&tlv::object_identifier(&oid::PBKDF2), &parameters])
}

/// Length, three check bytes, the key and random bytes to fill two blocks or more, encrypted twice over: the second
/// time with the last block of the first as IV.
fn wrap(
    cipher: ContentCipher,
    wrapping_key: &[u8],
    iv: &[u8],
    key: &[u8],
    random: &Random,
) -> Result<Vec<u8>> {
    let block = cipher.block_len();
    let length = u8::try_from(key.len()).map_err(|_| Error::internal("a content key of over 255 bytes"))?;
    let mut blocks = Zeroizing::new(vec![0; (key.len() + 4).next_multiple_of(block).max(2 * block)]);
    random.fill(&mut blocks)?;
    blocks[0] = length;
    for (check, byte) in blocks[1..4].iter_mut().zip(key) {
        *check = !byte;
    }
    blocks[4..4 + key.len()].copy_from_slice(key);
    enveloped::encrypt(cipher, wrapping_key, iv, &mut blocks)?;
    let chained = blocks[blocks.len() - block..].to_vec();
    enveloped::encrypt(cipher, wrapping_key, &chained, &mut blocks)?;
    Ok(blocks.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cbc::cipher::{Block, BlockModeDecrypt, KeyIvInit};

    /// RFC 3211 §2.3.2, by another implementation of AES.
    fn unwrap(wrapping_key: &[u8; 16], iv: &[u8; 16], wrapped: &[u8]) -> Vec<u8> {
        let decrypt = |iv: &[u8], from: &[u8]| {
            let mut out = from.to_vec();
            let mut mode = cbc::Decryptor::<aes::Aes128>::new_from_slices(wrapping_key, iv).unwrap();
            for block in out.chunks_exact_mut(16) {
                mode.decrypt_block(<&mut Block<aes::Aes128>>::try_from(block).unwrap());
            }
            out
        };
        let (first, last) = wrapped.split_at(wrapped.len() - 16);
        // The IV of the outer pass is the last block of the inner one.
        let chained = decrypt(&first[first.len() - 16..], last);
        decrypt(iv, &decrypt(&chained, wrapped))
    }

    #[test]
    fn what_is_wrapped_unwraps_to_length_check_and_key() {
        let (wrapping_key, iv) = ([3; 16], [9; 16]);
        for length in [16, 24, 32] {
            let key: Vec<u8> = (0..length).collect();
            let random = Random::system();
            let wrapped = wrap(ContentCipher::Aes128, &wrapping_key, &iv, &key, &random).unwrap();
            assert!(wrapped.len() >= 32 && wrapped.len().is_multiple_of(16));
            let opened = unwrap(&wrapping_key, &iv, &wrapped);
            assert_eq!(opened[..4], [length, 0xff, 0xfe, 0xfd]);
            assert_eq!(opened[4..4 + key.len()], key);
        }
    }
}
