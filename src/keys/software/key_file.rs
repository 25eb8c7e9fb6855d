//! One private key's file, encrypted under the master key.
//!
//! `SGNKEY`, format 1, the algorithm's number, the name's length and the name, nonce (12), the PKCS#8 DER under
//! AES-256-GCM with all before the nonce as additional data, SHA-256 (32).

use zeroize::Zeroizing;

use super::frame::{SealingKey, damaged, undamaged};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::random::Random;
use crate::x509::key::KeyAlgorithm;

/// How the names of such files end.
pub const SUFFIX: &str = ".key";

const MAGIC: &[u8; 7] = b"SGNKEY\x01";

/// The name of the file of key `id`.
pub fn name(id: &KeyId) -> String {
    format!("{id}{SUFFIX}")
}

/// The file of a key, given as PKCS#8 DER.
pub fn encode(
    master: &SealingKey,
    id: &KeyId,
    algorithm: KeyAlgorithm,
    pkcs8: &[u8],
    random: &Random,
) -> Result<Vec<u8>> {
    master.seal(&header(id, algorithm)?, pkcs8, random)
}

/// The PKCS#8 DER in the file of key `id`, and its algorithm. Errors: `damaged-file`.
pub fn decode(master: &SealingKey, id: &KeyId, file: &[u8]) -> Result<(KeyAlgorithm, Zeroizing<Vec<u8>>)> {
    let name = name(id);
    let bytes = undamaged(file).ok_or_else(|| damaged(&name, "its digest does not hold"))?;
    let (algorithm, header, body) =
        split(bytes, id).ok_or_else(|| damaged(&name, "its header is not that of this key"))?;
    let pkcs8 = master
        .open(header, body)
        .ok_or_else(|| damaged(&name, "it was not written by this data folder's vault"))?;
    Ok((algorithm, pkcs8))
}

fn header(id: &KeyId, algorithm: KeyAlgorithm) -> Result<Vec<u8>> {
    let len = u8::try_from(id.as_str().len()).map_err(|_| Error::internal("a key's name is too long"))?;
    Ok([MAGIC, [number(algorithm), len].as_slice(), id.as_str().as_bytes()].concat())
}

/// Splits the header from what follows, if it is the header of key `id`.
fn split<'a>(bytes: &'a [u8], id: &KeyId) -> Option<(KeyAlgorithm, &'a [u8], &'a [u8])> {
    let wanted = *bytes.strip_prefix(MAGIC)?.first()?;
    let algorithm = KeyAlgorithm::ALL.into_iter().find(|a| number(*a) == wanted)?;
    let expected = header(id, algorithm).ok()?;
    let (header, body) = bytes.split_at_checked(expected.len())?;
    (header == expected).then_some((algorithm, header, body))
}

/// The number of an algorithm in these files: never given to another.
fn number(algorithm: KeyAlgorithm) -> u8 {
    match algorithm {
        KeyAlgorithm::Rsa2048 => 1,
        KeyAlgorithm::Rsa3072 => 2,
        KeyAlgorithm::Rsa4096 => 3,
        KeyAlgorithm::P256 => 4,
        KeyAlgorithm::P384 => 5,
        KeyAlgorithm::P521 => 6,
    }
}
