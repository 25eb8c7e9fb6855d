//! The encryption of old PEM keys: a key by MD5 from the passphrase (openssl's `EVP_BytesToKey`), then CBC.
//!
//! It is read, never written: a key under it is one round of MD5 away from a guess at its passphrase.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use cbc::cipher::{Block, BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::armour::DekInfo;
use super::bad_key;
use crate::error::{Error, Result};

/// The decrypted bytes. Errors: `bad-key` for another cipher, `wrong-passphrase`.
pub fn open(info: &DekInfo, data: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>> {
    let salt = info.iv.get(..8).ok_or_else(|| bad_key("its IV is too short"))?;
    let opened = match info.cipher.as_str() {
        "AES-128-CBC" => aes(&AES_128, &derive(passphrase, salt, 16), &info.iv, data),
        "AES-192-CBC" => aes(&AES_192, &derive(passphrase, salt, 24), &info.iv, data),
        "AES-256-CBC" => aes(&AES_256, &derive(passphrase, salt, 32), &info.iv, data),
        "DES-EDE3-CBC" => triple_des(&derive(passphrase, salt, 24), &info.iv, data),
        _ => {
            return Err(bad_key(
                "its cipher is not read here; openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out KEY.new converts it",
            ));
        }
    };
    // One padding in 256 holds by chance; what comes out is always a SEQUENCE.
    let opened = opened.filter(|der| der.first() == Some(&0x30));
    opened.ok_or_else(|| Error::invalid("wrong-passphrase", "the passphrase does not open this key"))
}

fn derive(passphrase: &str, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    while key.len() < length {
        let last = key.len().saturating_sub(16);
        let digest =
            Md5::new().chain_update(&key[last..]).chain_update(passphrase).chain_update(salt).finalize();
        key.extend_from_slice(&digest);
    }
    key.truncate(length);
    key
}

fn aes(algorithm: &'static Algorithm, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let iv: [u8; 16] = iv.try_into().ok()?;
    let key = UnboundCipherKey::new(algorithm, key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7).ok()?;
    let mut out = Zeroizing::new(data.to_vec());
    let kept = key.decrypt(&mut out, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?.len();
    out.truncate(kept);
    Some(out)
}

fn triple_des(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if data.is_empty() || !data.len().is_multiple_of(8) {
        return None;
    }
    let mut mode = cbc::Decryptor::<TdesEde3>::new_from_slices(key, iv).ok()?;
    let mut out = Zeroizing::new(data.to_vec());
    for block in out.chunks_exact_mut(8) {
        mode.decrypt_block(<&mut Block<TdesEde3>>::try_from(block).ok()?);
    }
    let padding = usize::from(*out.last()?);
    let kept = out.len().checked_sub(padding).filter(|_| (1..=8).contains(&padding))?;
    if out[kept..].iter().any(|byte| usize::from(*byte) != padding) {
        return None;
    }
    out.truncate(kept);
    Some(out)
}
