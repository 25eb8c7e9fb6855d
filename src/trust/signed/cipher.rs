//! AES-128-CBC over a file that is filled up with CR.

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::ContentKey;
use crate::error::{Error, Result};
use crate::keys::{Decrypter, KeyTransport};
use crate::trust::sign::SignatureDigest;
use crate::trust::tlv::EncryptionInfo;

/// What a file is filled up with: XML does not mind it.
const CR: u8 = b'\r';
const BLOCK: usize = 16;

/// Encrypts; returns what the header says of it, and the body. Errors: `internal`.
pub(super) fn seal(
    content: &[u8],
    key: &ContentKey,
    digest: SignatureDigest,
) -> Result<(EncryptionInfo, Vec<u8>)> {
    let padding = BLOCK - content.len() % BLOCK;
    let mut body = content.to_vec();
    body.resize(content.len() + padding, CR);
    let encrypted = UnboundCipherKey::new(&AES_128, &key.key)
        .and_then(EncryptingKey::cbc)
        .and_then(|aes| aes.less_safe_encrypt(&mut body, EncryptionContext::Iv128((&key.iv).into())));
    encrypted.map_err(|_| Error::internal("the content cipher failed"))?;
    let info = EncryptionInfo {
        iv: key.iv,
        padding: padding as u8,
        wrapped_key: key.wrapped.clone(),
        plain_digest: digest.hash(content),
    };
    Ok((info, body))
}

/// Decrypts. A key that does not open the wrapped key yields random bytes there, so that every failure shows in the
/// digest and looks alike. Errors: `signed-file-not-opened`.
pub(super) fn open(
    body: &[u8],
    info: &EncryptionInfo,
    key: &dyn Decrypter,
    digest: SignatureDigest,
) -> Result<Zeroizing<Vec<u8>>> {
    let content_key = content_key(info, key);
    let mut content = Zeroizing::new(body.to_vec());
    let decrypted = decrypt(&content_key.key, &info.iv, &mut content);
    let plain = content.len().saturating_sub(usize::from(info.padding));
    let is_filled = content.iter().skip(plain).all(|octet| *octet == CR);
    content.truncate(plain);
    let holds = digest.hash(&content).ct_eq(&info.plain_digest);
    if decrypted.is_ok() && is_filled && bool::from(holds) {
        return Ok(content);
    }
    Err(Error::invalid(
        "signed-file-not-opened",
        "the file does not open with this key: it is for another device, or damaged",
    ))
}

/// The key in the header; a random one if `key` does not open it.
pub(super) fn content_key(info: &EncryptionInfo, key: &dyn Decrypter) -> ContentKey {
    ContentKey {
        key: key.open_key(KeyTransport::Pkcs1, &info.wrapped_key, BLOCK),
        iv: info.iv,
        wrapped: info.wrapped_key.clone(),
    }
}

fn decrypt(key: &[u8], iv: &[u8; 16], content: &mut [u8]) -> Result<(), Unspecified> {
    let aes = UnboundCipherKey::new(&AES_128, key).and_then(DecryptingKey::cbc)?;
    aes.decrypt(content, DecryptionContext::Iv128(iv.into())).map(|_| ())
}
