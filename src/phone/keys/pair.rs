//! One key of a phone, with what a phone does with it.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use zeroize::Zeroizing;

use super::{Kind, Proof, failed, proof};
use crate::phone::{Fault, Outcome};

/// A private key and its public key.
pub struct KeyPair {
    kind: Kind,
    pkcs8: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl KeyPair {
    /// Makes one. Faults: phones make no such keys.
    pub fn generate(kind: Kind) -> Outcome<Self> {
        match kind {
            Kind::Rsa(bits) => {
                Self::of_rsa(&PrivateDecryptingKey::generate(size(bits)?).map_err(|_| failed())?)
            }
            Kind::Ec(number) => {
                let pair = EcdsaKeyPair::generate(curve(number)?).map_err(|_| failed())?;
                Self::of_ec(number, &pair)
            }
        }
    }

    /// Reads PKCS#8 (DER), as [`KeyPair::pkcs8`] gives it. Faults: it is none.
    pub fn read(pkcs8: &[u8]) -> Outcome<Self> {
        if let Ok(key) = PrivateDecryptingKey::from_pkcs8(pkcs8) {
            return Self::of_rsa(&key);
        }
        let of_curve = |number| {
            let pair = EcdsaKeyPair::from_pkcs8(curve(number).ok()?, pkcs8).ok()?;
            Self::of_ec(number, &pair).ok()
        };
        (0..=2).find_map(of_curve).ok_or_else(|| Fault::new("what was kept as a phone's key is none"))
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The private key, PKCS#8 DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The two signatures over `message` by which CAPF has its holder proven. Faults: none of a key that was made here.
    pub fn prove(&self, message: &[u8]) -> Outcome<Proof> {
        proof::of(self.kind, &self.pkcs8, message)
    }

    /// Opens what was encrypted to it by RSA with PKCS#1 v1.5. Faults: it was not.
    pub fn open(&self, wrapped: &[u8]) -> Outcome<Zeroizing<Vec<u8>>> {
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8).map_err(|_| Fault::new("not an RSA key"))?;
        let key = Pkcs1PrivateDecryptingKey::new(key).map_err(|_| failed())?;
        let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
        let opened = key.decrypt(wrapped, &mut plain).map(|plain| plain.len());
        plain.truncate(opened.map_err(|_| Fault::new("it was encrypted to another key"))?);
        Ok(plain)
    }

    fn of_rsa(key: &PrivateDecryptingKey) -> Outcome<Self> {
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| failed())?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| failed())?;
        let bits = u16::try_from(key.key_size_bits()).map_err(|_| failed())?;
        Ok(Self {
            kind: Kind::Rsa(bits),
            pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
            public: public.as_ref().to_vec(),
        })
    }

    fn of_ec(number: u8, pair: &EcdsaKeyPair) -> Outcome<Self> {
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| failed())?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| failed())?;
        Ok(Self {
            kind: Kind::Ec(number),
            pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
            public: public.as_ref().to_vec(),
        })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn size(bits: u16) -> Outcome<KeySize> {
    match bits {
        2048 => Ok(KeySize::Rsa2048),
        3072 => Ok(KeySize::Rsa3072),
        4096 => Ok(KeySize::Rsa4096),
        other => Err(Fault::new(format!("no RSA keys of {other} bits here"))),
    }
}

fn curve(number: u8) -> Outcome<&'static EcdsaSigningAlgorithm> {
    match number {
        0 => Ok(&ECDSA_P256_SHA256_ASN1_SIGNING),
        1 => Ok(&ECDSA_P384_SHA384_ASN1_SIGNING),
        2 => Ok(&ECDSA_P521_SHA512_ASN1_SIGNING),
        other => Err(Fault::new(format!("no curve has the number {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_kept_is_the_same_key() {
        for kind in [Kind::Rsa(2048), Kind::Ec(0), Kind::Ec(1), Kind::Ec(2)] {
            let made = KeyPair::generate(kind).unwrap();
            let read = KeyPair::read(made.pkcs8()).unwrap();
            assert_eq!((read.kind(), read.public()), (kind, made.public()));
        }
        assert!(KeyPair::read(b"no key").is_err());
        assert!(KeyPair::generate(Kind::Rsa(1024)).is_err());
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = KeyPair::generate(Kind::Ec(0)).unwrap();
        assert_eq!(format!("{key:?}"), "KeyPair { kind: Ec(0), .. }");
    }
}
