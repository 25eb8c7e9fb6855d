//! Keys of simulated phones. A real phone takes half a minute for an RSA key; here they are made before, and many phones may
//! share one where only the server's work is of interest.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair as _,
};

use super::{Fault, Outcome};

/// What kind of key CAPF asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA, of so many bits.
    Rsa(u16),
    /// EC, on the curve of this number.
    Ec(u8),
}

/// RSA public keys made beforehand; an EC key is made when it is asked for.
#[derive(Debug, Default)]
pub struct Keys {
    rsa_2048: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Keys {
    /// With so many RSA-2048 keys in store.
    pub fn with(rsa_2048: usize) -> Outcome<Self> {
        let made: Outcome<Vec<_>> = (0..rsa_2048).map(|_| rsa(KeySize::Rsa2048)).collect();
        Ok(Self { rsa_2048: made?, next: AtomicUsize::new(0) })
    }

    /// The SubjectPublicKeyInfo (DER) of a key of this kind: the next in store, or a new one.
    pub fn public(&self, kind: Kind) -> Outcome<Vec<u8>> {
        match kind {
            Kind::Rsa(2048) if !self.rsa_2048.is_empty() => {
                let next = self.next.fetch_add(1, Ordering::Relaxed) % self.rsa_2048.len();
                Ok(self.rsa_2048[next].clone())
            }
            Kind::Rsa(2048) => rsa(KeySize::Rsa2048),
            Kind::Rsa(3072) => rsa(KeySize::Rsa3072),
            Kind::Rsa(4096) => rsa(KeySize::Rsa4096),
            Kind::Rsa(bits) => Err(Fault::new(format!("no RSA keys of {bits} bits here"))),
            Kind::Ec(curve) => ec(curve),
        }
    }
}

fn rsa(size: KeySize) -> Outcome<Vec<u8>> {
    let pair = KeyPair::generate(size).map_err(|_| failed())?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| failed())?;
    Ok(der.as_ref().to_vec())
}

fn ec(curve: u8) -> Outcome<Vec<u8>> {
    let algorithm = match curve {
        0 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        1 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        2 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        other => return Err(Fault::new(format!("no curve has the number {other}"))),
    };
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| failed())?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| failed())?;
    Ok(der.as_ref().to_vec())
}

fn failed() -> Fault {
    Fault::new("the key could not be made")
}
