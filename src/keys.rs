//! The wall around private keys: operations behind two traits, bytes in no other room.

use std::fmt::Debug;
use std::sync::Arc;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::x509::key::{Digest, KeyAlgorithm, PublicKey};

#[cfg(feature = "legacy")]
mod legacy;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod place;
pub mod pool;
mod sealer;
pub mod software;
pub mod token;

pub use place::Place;
pub use sealer::Sealer;

/// A key that signs. Blocking and CPU-bound: call it on the [`pool::Pool`].
pub trait Signer: Send + Sync + Debug {
    /// Its public half.
    fn public_key(&self) -> &PublicKey;
    /// The digest it signs with when a profile names none: SHA-256 for RSA and P-256, 384 for P-384, 512 for P-521.
    fn default_digest(&self) -> Digest;
    /// Signs `message`: PKCS#1 v1.5 for RSA, DER `Ecdsa-Sig-Value` for EC.
    /// Errors: `digest-not-supported` (P-256 and P-384 take their curve's digest only), `internal`.
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>>;
    /// Signs `message` with SHA-1 and PKCS#1 v1.5, for replies to old devices (feature `legacy`, docs/decisions/legacy.md).
    /// Errors: `digest-not-supported` for an EC key and in a build without the feature, `internal`.
    fn sign_sha1(&self, _message: &[u8]) -> Result<Vec<u8>> {
        Err(Error::invalid("digest-not-supported", "SHA-1 needs an RSA key and a build with feature legacy"))
    }
    /// Signs `message` with RSASSA-PSS, the salt as long as the digest, as TLS 1.3 asks of an RSA key (RFC 8446 §4.2.3).
    /// Errors: `digest-not-supported` for an EC key and for one in a token, `internal`.
    fn sign_pss(&self, _digest: Digest, _message: &[u8]) -> Result<Vec<u8>> {
        Err(Error::invalid("digest-not-supported", "RSASSA-PSS needs an RSA key that is kept in software"))
    }
    /// Whether another device signs (a token), so that a signature may have to be waited for: then it is asked for on
    /// no thread that others need. Its errors: also `token-not-ready`, `token-refused`.
    fn is_remote(&self) -> bool {
        false
    }
}

/// How a content key was transported to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
    /// RSAES-OAEP with this digest for both hash and MGF1.
    OaepSha1,
    /// OAEP with SHA-256.
    OaepSha256,
}

/// An RSA key that opens envelopes.
pub trait Decrypter: Send + Sync + Debug {
    /// Its public half.
    fn public_key(&self) -> &PublicKey;
    /// Opens `ciphertext` into exactly `len` bytes, at most 64. A failure of any sort yields random bytes of the same length
    /// (implicit rejection): the caller goes on and fails later, alike for every cause.
    fn open_key(&self, transport: KeyTransport, ciphertext: &[u8], len: usize) -> Zeroizing<Vec<u8>>;
}

/// A token that holds keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStatus {
    /// Its label or serial number, as the settings name it.
    pub name: String,
    /// Why it cannot be used now, or which key it lacks.
    pub fault: Option<String>,
}

/// Named private keys, encrypted at rest under the security password, or in a token.
pub trait KeyStore: Send + Sync {
    /// Makes a key and stores it durably; RSA takes seconds, so this runs on a thread of its own.
    /// Errors: `key-exists`, `storage`.
    fn generate(&self, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>>;
    /// As [`KeyStore::generate`], in the place named; a token takes up to minutes.
    /// Errors: also `token-not-configured`, `token-not-ready`, `token-refused`.
    fn generate_in(&self, place: Place, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        match place {
            Place::Software => self.generate(id, algorithm),
            Place::Token => Err(token::not_configured()),
        }
    }
    /// Takes a key pair that stands in the token already, by its CKA_ID, under a name of ours.
    /// Errors: `key-exists`, `wrong-key` if it is not of `algorithm` or may leave the token, `token-not-configured`,
    /// `token-not-ready`, `token-refused`.
    fn adopt(&self, _id: &KeyId, _object: &[u8], _algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        Err(token::not_configured())
    }
    /// Where a key is kept, or would be if there is none of that name.
    fn place(&self, _id: &KeyId) -> Place {
        Place::Software
    }
    /// The tokens in use, each with what is wrong with it, if something is.
    fn tokens(&self) -> Vec<TokenStatus> {
        Vec::new()
    }
    /// Lets tokens be tried again that had refused the PIN: the operator may have changed it.
    fn try_tokens_again(&self) {}
    /// The signer of a key. Errors: `key-not-present` if it was exported and removed or never made.
    fn signer(&self, id: &KeyId) -> Result<Arc<dyn Signer>>;
    /// The decrypter of an RSA key. Errors: `key-not-present`, `key-not-rsa`.
    fn decrypter(&self, id: &KeyId) -> Result<Arc<dyn Decrypter>>;
    /// The key as an encrypted PKCS#8 PEM (PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC) that openssl reads.
    fn export(&self, id: &KeyId, passphrase: &str) -> Result<Zeroizing<String>>;
    /// Stores a key from PKCS#8 DER. Errors: `key-exists`, `bad-key`.
    fn import(&self, id: &KeyId, pkcs8: &[u8]) -> Result<Arc<dyn Signer>>;
    /// Removes a key for good: its file is overwritten, unlinked, and its folder synced.
    fn remove(&self, id: &KeyId) -> Result<()>;
    /// Every key that is present.
    fn list(&self) -> Result<Vec<KeyId>>;
    /// Its private key as PKCS#8 DER, for a TLS listener's own certificate only.
    fn tls_key(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>>;
    /// What seals secrets that the store keeps for a while, with a key of its own for each purpose (a short fixed word,
    /// never changed: what was sealed is opened by the same). Errors: `internal`.
    fn sealer(&self, purpose: &str) -> Result<Sealer>;
}

/// Makes a key on a thread of its own, so that the seconds an RSA key takes hold nothing else up.
/// Errors: as [`KeyStore::generate`]; `internal` if there is no thread to be had.
pub async fn generate_on_thread(
    store: Arc<dyn KeyStore>,
    id: KeyId,
    algorithm: KeyAlgorithm,
) -> Result<Arc<dyn Signer>> {
    let (answer, made) = oneshot::channel();
    std::thread::Builder::new()
        .name("make-key".to_owned())
        .spawn(move || {
            // The caller may have left: the key then stands in the store all the same.
            let _ = answer.send(store.generate(&id, algorithm));
        })
        .map_err(|e| Error::internal("no thread to make a key on").because(e))?;
    made.await.map_err(|_| Error::internal("making a key failed"))?
}
