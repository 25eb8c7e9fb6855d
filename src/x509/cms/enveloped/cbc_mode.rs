//! CBC with PKCS#7 padding (RFC 5652 §6.3), where a wrong padding takes as long as a right one.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use cbc::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use des::TdesEde3;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::x509::cms::algorithm::ContentCipher;

/// Decrypts and removes the padding. Where the padding is wrong or the lengths do not fit, the choice says no and the
/// content is of no use; whether the padding is right changes nothing in what is done.
pub fn open(cipher: ContentCipher, key: &[u8], iv: &[u8], encrypted: &[u8]) -> (Zeroizing<Vec<u8>>, Choice) {
    let mut content = Zeroizing::new(encrypted.to_vec());
    if encrypted.is_empty() || !encrypted.len().is_multiple_of(cipher.block_len()) {
        return (content, Choice::from(0));
    }
    let decrypted = match aes(cipher) {
        Some(algorithm) => aes_decrypt(algorithm, key, iv, &mut content),
        None => des_decrypt(cipher, key, iv, &mut content),
    };
    let (kept, good) = unpadded_len(&content, cipher.block_len());
    content.truncate(kept);
    (content, good & Choice::from(u8::from(decrypted.is_some())))
}

/// Pads and encrypts. Errors: `internal` if key or IV have the wrong length.
pub fn seal(cipher: ContentCipher, key: &[u8], iv: &[u8], content: &[u8]) -> Result<Vec<u8>> {
    let block = cipher.block_len();
    let padding = block - content.len() % block;
    let mut out = content.to_vec();
    out.resize(content.len() + padding, padding as u8);
    encrypt(cipher, key, iv, &mut out).map(|()| out)
}

/// Encrypts whole blocks in place, without padding. Errors: `internal` if a length does not fit.
pub fn encrypt(cipher: ContentCipher, key: &[u8], iv: &[u8], blocks: &mut [u8]) -> Result<()> {
    let done = match aes(cipher) {
        Some(algorithm) => aes_encrypt(algorithm, key, iv, blocks),
        // Single DES is never written: its key is too short for the cipher that stands here.
        None => triple_des_encrypt(key, iv, blocks),
    };
    done.ok_or_else(|| Error::internal("the content cipher failed"))
}

fn aes(cipher: ContentCipher) -> Option<&'static Algorithm> {
    match cipher {
        ContentCipher::Aes128 => Some(&AES_128),
        ContentCipher::Aes192 => Some(&AES_192),
        ContentCipher::Aes256 => Some(&AES_256),
        ContentCipher::TripleDes | ContentCipher::Des => None,
    }
}

fn aes_decrypt(algorithm: &'static Algorithm, key: &[u8], iv: &[u8], content: &mut [u8]) -> Option<()> {
    let key = UnboundCipherKey::new(algorithm, key).and_then(DecryptingKey::cbc).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    key.decrypt(content, DecryptionContext::Iv128((&iv).into())).map(|_| ()).ok()
}

fn aes_encrypt(algorithm: &'static Algorithm, key: &[u8], iv: &[u8], content: &mut [u8]) -> Option<()> {
    let key = UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::cbc).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    key.less_safe_encrypt(content, EncryptionContext::Iv128((&iv).into())).map(|_| ()).ok()
}

fn des_decrypt(cipher: ContentCipher, key: &[u8], iv: &[u8], content: &mut [u8]) -> Option<()> {
    match cipher {
        #[cfg(feature = "legacy")]
        ContentCipher::Des => {
            decrypt_blocks(cbc::Decryptor::<des::Des>::new_from_slices(key, iv).ok()?, content)
        }
        #[cfg(not(feature = "legacy"))]
        ContentCipher::Des => None,
        ContentCipher::TripleDes => {
            decrypt_blocks(cbc::Decryptor::<TdesEde3>::new_from_slices(key, iv).ok()?, content)
        }
        ContentCipher::Aes128 | ContentCipher::Aes192 | ContentCipher::Aes256 => None,
    }
}

fn decrypt_blocks<M: BlockModeDecrypt>(mut mode: M, content: &mut [u8]) -> Option<()> {
    for block in content.chunks_exact_mut(M::block_size()) {
        mode.decrypt_block(<&mut Block<M>>::try_from(block).ok()?);
    }
    Some(())
}

fn triple_des_encrypt(key: &[u8], iv: &[u8], content: &mut [u8]) -> Option<()> {
    let mut mode = cbc::Encryptor::<TdesEde3>::new_from_slices(key, iv).ok()?;
    for block in content.chunks_exact_mut(8) {
        mode.encrypt_block(<&mut Block<TdesEde3>>::try_from(block).ok()?);
    }
    Some(())
}

/// The length without the padding, and whether the padding is right (with all of the length where it is not): looks at
/// every byte of the last block whatever it finds.
fn unpadded_len(content: &[u8], block: usize) -> (usize, Choice) {
    let tail = content.get(content.len().saturating_sub(block)..).unwrap_or_default();
    let padding = tail.last().copied().unwrap_or_default();
    let mut good = padding.ct_gt(&0) & !(padding.ct_gt(&(block as u8)));
    for (place, byte) in tail.iter().rev().enumerate() {
        let is_padding = (place as u8).ct_lt(&padding);
        good &= Choice::conditional_select(&Choice::from(1), &byte.ct_eq(&padding), is_padding);
    }
    let removed = u8::conditional_select(&0, &padding, good);
    (content.len() - usize::from(removed), good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_opens_what_it_sealed_at_every_length() {
        for cipher in ContentCipher::ALL {
            let (key, iv) = (vec![7; cipher.key_len()], vec![9; cipher.block_len()]);
            for length in 0..40 {
                let content = vec![length as u8; length];
                let sealed = seal(cipher, &key, &iv, &content).unwrap();
                let (opened, good) = open(cipher, &key, &iv, &sealed);
                assert!(bool::from(good));
                assert_eq!(opened.as_slice(), content);
            }
        }
    }

    /// SCEP-70
    #[test]
    fn empty_and_odd_lengths_and_wrong_paddings_do_not_open() {
        for cipher in ContentCipher::ALL {
            let (key, iv) = (vec![7; cipher.key_len()], vec![9; cipher.block_len()]);
            let opens = |key: &[u8], encrypted: &[u8]| bool::from(open(cipher, key, &iv, encrypted).1);
            assert!(!opens(&key, &[]));
            assert!(!opens(&key, &[1; 15]));
            let sealed = seal(cipher, &key, &iv, b"content").unwrap();
            assert!(opens(&key, &sealed) && !opens(&key[1..], &sealed));
        }
        let unpadded = |content: &[u8]| {
            let (length, good) = unpadded_len(content, 8);
            bool::from(good).then_some(length)
        };
        assert_eq!(unpadded(&[1, 2, 3, 4, 5, 6, 7, 1]), Some(7));
        assert_eq!(unpadded(&[8; 8]), Some(0));
        for bad in [[1, 2, 3, 4, 5, 6, 7, 0], [9; 8], [1, 2, 3, 4, 5, 3, 2, 3], [255; 8]] {
            assert_eq!(unpadded(&bad), None, "{bad:?}");
        }
    }
}
