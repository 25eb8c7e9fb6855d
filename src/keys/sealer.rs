//! Seals what must be read again but not lie open in the store: a challenge while its transaction is pending, the
//! received message of a refused request. The sealing keys are derived from the vault's master key, so that a copy of
//! the store without the vault and its password tells nothing.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random::Random;

/// Names the derivation; part of what is stored for good.
const DOMAIN: &[u8] = b"signet sealing 1";

/// The key of one store that all its sealing keys are derived from (HKDF-SHA-256, RFC 5869).
#[derive(Clone)]
pub(super) struct SealingRoot(hkdf::Prk);

impl SealingRoot {
    /// From the vault's master key.
    pub fn new(master: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, DOMAIN).extract(master))
    }

    /// The sealer of one purpose. Errors: `internal`.
    pub fn sealer(&self, purpose: &str, random: &Random) -> Result<Sealer> {
        let failed = |_| Error::internal("a key for MACs could not be derived");
        // No purpose holds a zero byte: this is the key of none.
        let info = [purpose.as_bytes(), b"\0mac".as_slice()];
        let mac = self.0.expand(&info, hmac::HMAC_SHA256).map_err(failed)?.into();
        Ok(Sealer { key: self.derived(&[purpose.as_bytes()])?, mac, random: random.clone() })
    }

    /// The AES-256-GCM key of one purpose, named by these parts. Errors: `internal`.
    pub fn derived(&self, info: &[&[u8]]) -> Result<LessSafeKey> {
        let failed = |_| Error::internal("a sealing key could not be derived");
        let key: UnboundKey = self.0.expand(info, &AES_256_GCM).map_err(failed)?.into();
        Ok(LessSafeKey::new(key))
    }
}

/// Seals and opens small secrets of one purpose, with AES-256-GCM under a random nonce, and makes MACs of those that are
/// only compared. Cheap to make anew.
pub struct Sealer {
    key: LessSafeKey,
    mac: hmac::Key,
    random: Random,
}

impl Sealer {
    /// Seals `secret`, bound to `context` (the key of the record that it stands in): elsewhere it does not open.
    /// Errors: `internal`.
    pub fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = self.random.bytes()?;
        // Room for the tag too, so that no plaintext is left behind by growing.
        let mut sealed = Vec::with_capacity(NONCE_LEN + secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(secret);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed[NONCE_LEN..])
            .map_err(|_| Error::internal("AES-256-GCM failed"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`Sealer::seal`] made with the same context. Errors: `storage` if it is damaged, or was sealed for
    /// another record or in another store.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || Error::storage("what was sealed does not open: it is damaged or of another store");
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let opened = self.key.open_in_place(nonce, Aad::from(context), &mut text);
        let length = opened.map_err(|_| damaged())?.len();
        text.truncate(length);
        Ok(text)
    }
}

impl Sealer {
    /// The MAC (HMAC-SHA-256) of a small secret that is only ever compared, bound to `context`, whose length is always
    /// the same for one purpose.
    pub fn mac(&self, context: &[u8], secret: &[u8]) -> [u8; 32] {
        let mut mac = hmac::Context::with_key(&self.mac);
        mac.update(context);
        mac.update(secret);
        let mut tag = [0; 32];
        tag.copy_from_slice(mac.sign().as_ref());
        tag
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(master: u8, purpose: &str) -> Sealer {
        SealingRoot::new(&[master; 32]).sealer(purpose, &Random::system()).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let own = sealer(1, "challenge");
        let sealed = own.seal(b"record 1", b"a secret").unwrap();
        assert_eq!(&**sealer(1, "challenge").open(b"record 1", &sealed).unwrap(), b"a secret");
        assert!(!sealed.windows(8).any(|w| w == b"a secret"));
        assert_ne!(sealed, own.seal(b"record 1", b"a secret").unwrap());

        let refused =
            |sealer: &Sealer, context: &[u8], sealed: &[u8]| sealer.open(context, sealed).unwrap_err().code();
        assert_eq!(refused(&own, b"record 2", &sealed), "storage");
        assert_eq!(refused(&sealer(1, "message"), b"record 1", &sealed), "storage");
        assert_eq!(refused(&sealer(2, "challenge"), b"record 1", &sealed), "storage");
        for cut in [0, 11, 12, 27, sealed.len() - 1] {
            assert_eq!(refused(&own, b"record 1", &sealed[..cut]), "storage");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(refused(&own, b"record 1", &changed), "storage");
        }
    }

    #[test]
    fn a_mac_is_of_its_secret_its_context_its_purpose_and_its_store() {
        let own = sealer(1, "challenge").mac(b"record 1", b"12345");
        assert_eq!(own, sealer(1, "challenge").mac(b"record 1", b"12345"));
        let others = [
            sealer(1, "challenge").mac(b"record 1", b"12346"),
            sealer(1, "challenge").mac(b"record 2", b"12345"),
            sealer(1, "message").mac(b"record 1", b"12345"),
            sealer(2, "challenge").mac(b"record 1", b"12345"),
        ];
        assert!(others.iter().all(|other| *other != own));
    }

    #[test]
    fn it_says_nothing_of_its_key() {
        assert_eq!(format!("{:?}", sealer(1, "challenge")), "Sealer");
    }
}
