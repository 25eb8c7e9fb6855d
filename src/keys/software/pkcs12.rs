//! A private key with its certificate on their way out, as PKCS#12 (RFC 7292).

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use zeroize::Zeroizing;

use super::pbes2::decrypt_pem;
use crate::error::{Error, Result};

/// Rounds of its key derivations: as many as of a key that leaves as PEM.
const ITERATIONS: u32 = 600_000;

/// PKCS#12 around a key that was exported as `ENCRYPTED PRIVATE KEY` under `passphrase`, and its certificate (DER), under
/// the same passphrase: PBES2 with AES-256, authenticated by HMAC-SHA-256. Blocking: a second or two.
/// Errors: `bad-key`, `wrong-passphrase`; `internal`.
pub fn seal(exported: &str, passphrase: &str, certificate: &[u8], name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |e: p12_keystore::error::Error| Error::internal("PKCS#12 encoding").because(e);
    let key = decrypt_pem(exported, passphrase)?;
    let key = PrivateKey::from_der(&key).map_err(failed)?;
    let certificate = Certificate::from_der(certificate).map_err(failed)?;
    let mut store = KeyStore::new();
    // What joins key and certificate within the file.
    let chain = PrivateKeyChain::new("1", key, [certificate]);
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(chain));
    let written = store
        .writer(passphrase)
        .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
        .encryption_iterations(ITERATIONS)
        .mac_algorithm(MacAlgorithm::HmacSha256)
        .mac_iterations(ITERATIONS)
        .write();
    written.map(Zeroizing::new).map_err(failed)
}
