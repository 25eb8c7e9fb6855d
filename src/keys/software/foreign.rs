//! Private keys that another program wrote, on their way in: PEM of the sorts that openssl writes, and PKCS#12.

use std::sync::Arc;

use p12_keystore::Pkcs12Archive;
use zeroize::Zeroizing;

use self::armour::Block;
use super::key::{SoftwareKey, generate};
use super::pbes2::decrypt_pem;
use crate::error::{Error, Kind, Result};
use crate::keys::{Decrypter, Signer};
use crate::random::Random;
use crate::x509::key::KeyAlgorithm;
use crate::x509::pem;

mod armour;
mod old_cipher;
mod wrap;

/// The greatest file that is read, in bytes.
const MAX_FILE: usize = 64 * 1024;
/// The most keys of a PKCS#12 file.
const MAX_KEYS: usize = 16;

/// A private key that came from outside and is in memory only; nothing shows its bytes.
pub struct ForeignKey(Zeroizing<Vec<u8>>);

impl ForeignKey {
    /// The one private key in a PEM text, whatever else stands in it: PKCS#8, encrypted PKCS#8 (PBES2), PKCS#1 and
    /// SEC 1, these also in the old encrypted form (`Proc-Type: 4,ENCRYPTED` with AES-CBC or 3DES).
    /// Blocking. Errors: `bad-key` naming what is wrong, `passphrase-needed`, `wrong-passphrase`.
    pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Self> {
        if text.len() > MAX_FILE {
            return Err(bad_key("the PEM is over 64 KiB"));
        }
        let block = Block::of_key(text)?;
        let wanted = || {
            passphrase.filter(|p| !p.is_empty()).ok_or_else(|| {
                Error::invalid("passphrase-needed", "this key is encrypted: its passphrase is needed")
            })
        };
        if block.label == "ENCRYPTED PRIVATE KEY" {
            return decrypt_pem(&pem::encode(block.label, &block.der), wanted()?).map(Self);
        }
        let der = match &block.cipher {
            None => block.der,
            Some(cipher) => old_cipher::open(cipher, &block.der, wanted()?)?,
        };
        match block.label {
            "PRIVATE KEY" => Ok(Self(der)),
            "RSA PRIVATE KEY" => wrap::pkcs1(&der).map(Self),
            "EC PRIVATE KEY" => wrap::sec1(&der).map(Self),
            _ => Err(bad_key("it is neither RSA nor EC; openssl pkcs8 -topk8 converts other forms")),
        }
    }

    /// A new key that is to live elsewhere. Blocking: RSA takes seconds. Errors: `internal`.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self> {
        generate(algorithm).map(Self)
    }

    /// Its signer. Errors: `bad-key` for a key of a type or size that we do not sign with.
    pub fn signer(&self, random: &Random) -> Result<Arc<dyn Signer>> {
        Ok(Arc::new(SoftwareKey::from_pkcs8(&self.0, random)?))
    }

    /// Its decrypter. Errors: `key-not-rsa`; `bad-key` for an RSA key of a size that we do not use.
    pub fn decrypter(&self, random: &Random) -> Result<Arc<dyn Decrypter>> {
        match SoftwareKey::from_pkcs8(&self.0, random)?.decrypter() {
            Some(decrypter) => Ok(decrypter),
            None => Err(Error::invalid("key-not-rsa", "this key is not RSA: it cannot decrypt")),
        }
    }

    /// The PKCS#8 DER, for [`crate::keys::KeyStore::import`], and on the client's side for its own file and connection.
    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignKey")
    }
}

/// What a PKCS#12 file holds, in its order.
#[derive(Debug)]
pub struct Pkcs12 {
    /// Its private keys.
    pub keys: Vec<ForeignKey>,
    /// Its certificates, DER.
    pub certificates: Vec<Vec<u8>>,
}

impl Pkcs12 {
    /// Opens a PKCS#12 file (RFC 7292). Blocking: at most a million rounds of its key derivation.
    /// Errors: `bad-pkcs12` if it is damaged or protected in a way that is not read, `wrong-passphrase`.
    pub fn open(der: &[u8], password: &str) -> Result<Self> {
        if der.len() > MAX_FILE {
            return Err(Error::new(Kind::TooLarge, "bad-pkcs12", "the PKCS#12 file is over 64 KiB"));
        }
        let archive = Pkcs12Archive::from_pkcs12(der, password).map_err(unopened)?;
        if archive.keys.len() > MAX_KEYS {
            return Err(bad_pkcs12("it holds more than 16 keys"));
        }
        let keys = archive.keys.iter().map(|bag| ForeignKey(Zeroizing::new(bag.key.as_der().to_vec())));
        let certificates = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec());
        Ok(Self { keys: keys.collect(), certificates: certificates.collect() })
    }
}

/// A password that is wrong shows in the MAC, or without one in the padding.
fn unopened(error: p12_keystore::error::Error) -> Error {
    use p12_keystore::error::Error as Cause;
    match error {
        Cause::MacError(_) | Cause::Pkcs5Error(_) | Cause::UnpadError => {
            Error::invalid("wrong-passphrase", "the password does not open this PKCS#12 file")
        }
        Cause::InvalidParameters | Cause::UnsupportedEncryptionScheme | Cause::UnsupportedMacAlgorithm => {
            bad_pkcs12("its encryption is not one that is read here")
        }
        Cause::IoError(_)
        | Cause::DerError(_)
        | Cause::InvalidVersion
        | Cause::UnsupportedContentType
        | Cause::UnsupportedCertificateType
        | Cause::X509Error(_)
        | Cause::InvalidLength
        | Cause::InvalidData
        | Cause::InvalidPrivateKey => bad_pkcs12("it is damaged, cut short, or not DER"),
    }
}

fn bad_pkcs12(why: &str) -> Error {
    let instead =
        "openssl pkcs12 -in FILE -out FILE.pem writes its key and certificates as PEM, which is read too";
    Error::invalid("bad-pkcs12", format!("not a PKCS#12 file that can be read: {why}; {instead}"))
}

fn bad_key(why: &str) -> Error {
    Error::invalid("bad-key", format!("not a key that can be read: {why}"))
}

#[cfg(test)]
mod tests;
