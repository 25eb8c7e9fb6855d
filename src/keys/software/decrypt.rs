//! RSA key transport with implicit rejection: a failure of any sort yields a key that is as random as a
//! good one, so that an answer never tells why an envelope did not open (Bleichenbacher, Marvin).

use std::fmt;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey,
    PrivateDecryptingKey,
};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::software::evened::Evened;
use crate::keys::{Decrypter, KeyTransport};
use crate::random::Random;
use crate::x509::key::PublicKey;

/// The longest content key in bytes: AES-256 takes 32.
pub const MAX_CONTENT_KEY: usize = 64;

/// Opens what was encrypted to one RSA key.
pub struct RsaDecrypter {
    public: PublicKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    /// Keys the content keys that stand in for those that do not open.
    rejection: hmac::Key,
    evened: Evened,
}

impl RsaDecrypter {
    /// From the RSA key's PKCS#8 DER and its public half. Errors: `bad-key`, `internal`.
    pub fn from_pkcs8(pkcs8: &[u8], public: PublicKey, random: &Random) -> Result<Self> {
        let parse = || {
            PrivateDecryptingKey::from_pkcs8(pkcs8)
                .map_err(|_| Error::invalid("bad-key", "the RSA key cannot decrypt"))
        };
        let failed = |_: Unspecified| Error::internal("the RSA key could not be set up");
        let secret = Zeroizing::new(random.bytes::<64>()?);
        Ok(Self {
            public,
            pkcs1: Pkcs1PrivateDecryptingKey::new(parse()?).map_err(failed)?,
            oaep: OaepPrivateDecryptingKey::new(parse()?).map_err(failed)?,
            rejection: hmac::Key::new(hmac::HMAC_SHA512, secret.as_slice()),
            evened: Evened::new()?,
        })
    }

    /// A key that nobody can tell from a random one, yet always the same for the same ciphertext: a probe that
    /// is repeated learns nothing from the difference of two answers (as in OpenSSL 3.2 and later).
    fn stand_in(&self, ciphertext: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        let mut context = hmac::Context::with_key(&self.rejection);
        context.update(&len.to_be_bytes());
        context.update(ciphertext);
        let tag = context.sign();
        Zeroizing::new(tag.as_ref()[..len].to_vec())
    }

    fn decrypt(
        &self,
        transport: KeyTransport,
        ciphertext: &[u8],
        plain: &mut [u8],
    ) -> Result<usize, Unspecified> {
        let opened = match transport {
            KeyTransport::Pkcs1 => self.pkcs1.decrypt(ciphertext, plain)?,
            KeyTransport::OaepSha1 => self.oaep.decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, plain, None)?,
            KeyTransport::OaepSha256 => {
                self.oaep.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, plain, None)?
            }
        };
        Ok(opened.len())
    }
}

impl Decrypter for RsaDecrypter {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn open_key(&self, transport: KeyTransport, ciphertext: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        let len = len.min(MAX_CONTENT_KEY);
        // The stand-in comes first and always, so that a failure takes no other path than a success.
        let mut key = self.stand_in(ciphertext, len);
        let mut plain = Zeroizing::new(vec![0; self.pkcs1.min_output_size().max(MAX_CONTENT_KEY)]);
        // No key is as long as usize::MAX: a failure is a wrong length.
        let got = self.decrypt(transport, ciphertext, &mut plain).unwrap_or(usize::MAX);
        self.evened.after(got.ct_eq(&usize::MAX));
        let good = got.ct_eq(&len);
        for (out, opened) in key.iter_mut().zip(plain.iter()) {
            *out = u8::conditional_select(out, opened, good);
        }
        key
    }
}

impl fmt::Debug for RsaDecrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaDecrypter")
    }
}
