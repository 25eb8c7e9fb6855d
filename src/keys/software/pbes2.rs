//! Private keys on their way out and in: `ENCRYPTED PRIVATE KEY` PEM with PBES2 (RFC 8018), as openssl has it.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm as Cipher, DecryptionContext, EncryptionContext,
    PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::pem::{self, LineEnding};
use der::{Decode, Encode, Sequence};
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random::Random;

/// PBKDF2 rounds of an export (OWASP's figure for HMAC-SHA-256): a fifth of a second for each guess.
const ITERATIONS: u32 = 600_000;
/// Rounds that an import may ask for.
const MAX_ITERATIONS: u32 = 10_000_000;
/// The greatest PEM that is read, in bytes.
const MAX_PEM: usize = 64 * 1024;
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// RFC 5958 §3.
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

/// RFC 8018 appendix A.4.
#[derive(Sequence)]
struct Pbes2Params<'a> {
    derivation: AlgorithmIdentifierRef<'a>,
    cipher: AlgorithmIdentifierRef<'a>,
}

/// RFC 8018 appendix A.2; the salt's choice `otherSource` is refused.
#[derive(Sequence)]
struct Pbkdf2Params<'a> {
    salt: &'a OctetStringRef,
    iterations: u32,
    key_length: Option<u16>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

/// `pkcs8` under `passphrase`: PBKDF2 with HMAC-SHA-256 and 600,000 rounds, AES-256-CBC.
/// Errors: `invalid-passphrase` if it has fewer than 8 or more than 1024 bytes; `internal`.
pub fn encrypt_pem(pkcs8: &[u8], passphrase: &str, random: &Random) -> Result<Zeroizing<String>> {
    if !(8..=1024).contains(&passphrase.len()) {
        return Err(Error::invalid("invalid-passphrase", "the passphrase of a key has 8 to 1024 bytes"));
    }
    let salt: [u8; 16] = random.bytes()?;
    let iv: [u8; 16] = random.bytes()?;
    let key = pbkdf2_key(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, passphrase, 32)?;
    // Room for the padding too, so that no plaintext is left behind by growing.
    let mut data = Zeroizing::new(Vec::with_capacity(pkcs8.len() + 16));
    data.extend_from_slice(pkcs8);
    let failed = |_| Error::internal("the key could not be encrypted");
    let cipher = UnboundCipherKey::new(&AES_256, &key).map_err(failed)?;
    PaddedBlockEncryptingKey::cbc_pkcs7(cipher)
        .and_then(|c| c.less_safe_encrypt(&mut *data, EncryptionContext::Iv128(FixedLength::from(iv))))
        .map_err(failed)?;
    let der = encode(&salt, &iv, &data).map_err(|e| Error::internal("PBES2 encoding").because(e))?;
    let text = pem::encode_string(LABEL, LineEnding::LF, &der);
    text.map(Zeroizing::new).map_err(|_| Error::internal("PEM encoding"))
}

/// The PKCS#8 DER in an `ENCRYPTED PRIVATE KEY` PEM: PBES2 with PBKDF2 (HMAC-SHA-1, -256, -384, -512; at most
/// ten million rounds) and AES-CBC; scrypt is not read. Blocking: a second or two at the most.
/// Errors: `bad-key` if it is not that, `wrong-passphrase`.
pub fn decrypt_pem(text: &str, passphrase: &str) -> Result<Zeroizing<Vec<u8>>> {
    if text.len() > MAX_PEM {
        return Err(bad_key("the PEM is over 64 KiB"));
    }
    let (label, der) =
        pem::decode_vec(text.trim().as_bytes()).map_err(|_| bad_key("it is not a PEM of one block"))?;
    if label != LABEL {
        return Err(bad_key("it is not an ENCRYPTED PRIVATE KEY"));
    }
    let sealed = Sealed::from_der(&der)?;
    sealed
        .open(passphrase)
        .ok_or_else(|| Error::invalid("wrong-passphrase", "the passphrase does not open this key"))
}

/// An encrypted key whose parameters were checked.
struct Sealed<'a> {
    prf: pbkdf2::Algorithm,
    iterations: u32,
    salt: &'a [u8],
    cipher: &'static Cipher,
    key_len: usize,
    iv: [u8; 16],
    data: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn from_der(der: &'a [u8]) -> Result<Self> {
        let info = EncryptedPrivateKeyInfo::from_der(der).map_err(|_| bad_key("it is not PKCS#8"))?;
        let params: Pbes2Params<'a> =
            decode_params(info.algorithm, PBES2).ok_or_else(|| bad_key("its encryption is not PBES2"))?;
        let derivation: Pbkdf2Params<'a> = decode_params(params.derivation, PBKDF2)
            .ok_or_else(|| bad_key("its key derivation is not PBKDF2"))?;
        let prf = prf(derivation.prf).ok_or_else(|| bad_key("its PBKDF2 digest is not allowed"))?;
        if !(1..=MAX_ITERATIONS).contains(&derivation.iterations) {
            return Err(bad_key("PBKDF2 has 1 to 10000000 rounds"));
        }
        let (cipher, key_len) =
            cipher(params.cipher.oid).ok_or_else(|| bad_key("its cipher is not AES-CBC"))?;
        if derivation.key_length.is_some_and(|len| usize::from(len) != key_len) {
            return Err(bad_key("its key length is not that of its cipher"));
        }
        let iv = params.cipher.parameters.and_then(|p| p.decode_as::<&OctetStringRef>().ok());
        let iv = iv.and_then(|iv| iv.as_bytes().try_into().ok()).ok_or_else(|| bad_key("its IV"))?;
        let (salt, data) = (derivation.salt.as_bytes(), info.data.as_bytes());
        Ok(Self { prf, iterations: derivation.iterations, salt, cipher, key_len, iv, data })
    }

    /// The PKCS#8 DER; none if the passphrase is another.
    fn open(&self, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = pbkdf2_key(self.prf, self.iterations, self.salt, passphrase, self.key_len).ok()?;
        let key = UnboundCipherKey::new(self.cipher, &key).ok()?;
        let mut data = Zeroizing::new(self.data.to_vec());
        let len = PaddedBlockDecryptingKey::cbc_pkcs7(key)
            .and_then(|k| k.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(self.iv))))
            .ok()?
            .len();
        data.truncate(len);
        // One padding in 256 holds by chance.
        PrivateKeyInfoRef::try_from(data.as_slice()).is_ok().then_some(data)
    }
}

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.7");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
const HMAC_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.10");
const HMAC_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.11");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

fn encode(salt: &[u8], iv: &[u8], data: &[u8]) -> der::Result<Vec<u8>> {
    let prf = AlgorithmIdentifierRef { oid: HMAC_SHA256, parameters: Some(AnyRef::NULL) };
    let derivation = Pbkdf2Params {
        salt: OctetStringRef::new(salt)?,
        iterations: ITERATIONS,
        key_length: None,
        prf: Some(prf),
    }
    .to_der()?;
    let iv = OctetStringRef::new(iv)?;
    let params = Pbes2Params {
        derivation: algorithm(PBKDF2, AnyRef::from_der(&derivation)?),
        cipher: algorithm(AES_256_CBC, iv.into()),
    }
    .to_der()?;
    EncryptedPrivateKeyInfo {
        algorithm: algorithm(PBES2, AnyRef::from_der(&params)?),
        data: OctetStringRef::new(data)?,
    }
    .to_der()
}

fn algorithm<'a>(oid: ObjectIdentifier, parameters: AnyRef<'a>) -> AlgorithmIdentifierRef<'a> {
    AlgorithmIdentifierRef { oid, parameters: Some(parameters) }
}

fn decode_params<'a, T: Decode<'a> + der::DecodeValue<'a> + der::FixedTag>(
    algorithm: AlgorithmIdentifierRef<'a>,
    wanted: ObjectIdentifier,
) -> Option<T> {
    algorithm.parameters.filter(|_| algorithm.oid == wanted)?.decode_as().ok()
}

/// Absent means HMAC-SHA-1.
fn prf(algorithm: Option<AlgorithmIdentifierRef<'_>>) -> Option<pbkdf2::Algorithm> {
    match algorithm.map(|a| a.oid) {
        None | Some(HMAC_SHA1) => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        Some(HMAC_SHA256) => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        Some(HMAC_SHA384) => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        Some(HMAC_SHA512) => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        Some(_) => None,
    }
}

fn cipher(oid: ObjectIdentifier) -> Option<(&'static Cipher, usize)> {
    match oid {
        AES_128_CBC => Some((&AES_128, 16)),
        AES_192_CBC => Some((&AES_192, 24)),
        AES_256_CBC => Some((&AES_256, 32)),
        _ => None,
    }
}

fn pbkdf2_key(
    prf: pbkdf2::Algorithm,
    iterations: u32,
    salt: &[u8],
    passphrase: &str,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let rounds = NonZeroU32::new(iterations).ok_or_else(|| bad_key("PBKDF2 without rounds"))?;
    let mut key = Zeroizing::new(vec![0; len]);
    pbkdf2::derive(prf, rounds, salt, passphrase.as_bytes(), &mut key);
    Ok(key)
}

fn bad_key(why: &str) -> Error {
    Error::invalid("bad-key", format!("not a key that can be read: {why}"))
}
