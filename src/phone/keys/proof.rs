//! How a phone signs a proof for CAPF: twice, by SHA-1 and by SHA-512, with PKCS#1 type 1 padding around the bare hash (no
//! DigestInfo) or by ECDSA. aws-lc offers neither. These are keys of simulated phones, which guard nothing.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd, Resize};
use der::asn1::UintRef;
use der::{Decode, Sequence};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
use sha1::Sha1;
use sha2::{Digest, Sha512};

use super::Kind;
use crate::phone::{Fault, Outcome};

/// The two signatures of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// By SHA-1.
    pub sha1: Vec<u8>,
    /// By SHA-512.
    pub sha512: Vec<u8>,
}

/// RFC 8017 A.1.2.
#[derive(Sequence)]
struct RsaPrivateKey<'a> {
    version: u8,
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
    private_exponent: UintRef<'a>,
    prime1: UintRef<'a>,
    prime2: UintRef<'a>,
    exponent1: UintRef<'a>,
    exponent2: UintRef<'a>,
    coefficient: UintRef<'a>,
}

/// Signs `message` with a key in PKCS#8 (DER). Faults: the key is not of that kind.
pub(super) fn of(kind: Kind, pkcs8: &[u8], message: &[u8]) -> Outcome<Proof> {
    let sign = |hash: &[u8]| match kind {
        Kind::Rsa(_) => padded(pkcs8, hash),
        Kind::Ec(curve) => ecdsa(curve, pkcs8, hash),
    };
    Ok(Proof { sha1: sign(&Sha1::digest(message))?, sha512: sign(&Sha512::digest(message))? })
}

/// `00 01 FF … FF 00 hash` to the private exponent.
fn padded(pkcs8: &[u8], hash: &[u8]) -> Outcome<Vec<u8>> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| unusable())?;
    let key = RsaPrivateKey::from_der(info.private_key.as_bytes()).map_err(|_| unusable())?;
    let length = key.modulus.as_bytes().len();
    let filler = length.checked_sub(hash.len() + 3).ok_or_else(unusable)?;
    let block = [&[0, 1], &vec![0xff; filler][..], &[0], hash].concat();
    key.power(&block, u32::try_from(length * 8).map_err(|_| unusable())?)
}

impl RsaPrivateKey<'_> {
    /// The private operation on a block of so many bits, by each prime alone (RFC 8017, 5.1.2): four times as fast.
    fn power(&self, block: &[u8], bits: u32) -> Outcome<Vec<u8>> {
        let number = |bytes: &[u8], bits| BoxedUint::from_be_slice(bytes, bits).map_err(|_| unusable());
        let half = |value: &UintRef<'_>| number(value.as_bytes(), bits / 2);
        let modulo = |prime: &UintRef<'_>| {
            let odd = Odd::new(half(prime)?).into_option().ok_or_else(unusable)?;
            Ok::<_, Fault>(BoxedMontyParams::new(odd))
        };
        let (p, q) = (modulo(&self.prime1)?, modulo(&self.prime2)?);
        let reduced = |value: &BoxedUint, by: &BoxedMontyParams| {
            BoxedMontyForm::new(value.rem(by.modulus().as_nz_ref()), by)
        };
        let block = number(block, bits)?;
        let by_p = reduced(&block, &p).pow(&half(&self.exponent1)?);
        let by_q = reduced(&block, &q).pow(&half(&self.exponent2)?).retrieve();
        let more = (by_p - reduced(&by_q, &p)).mul(&reduced(&half(&self.coefficient)?, &p)).retrieve();
        let whole = more.concatenating_mul(q.modulus().as_ref()).wrapping_add(by_q.resize(bits));
        Ok(whole.to_be_bytes().into_vec())
    }
}

fn ecdsa(curve: u8, pkcs8: &[u8], hash: &[u8]) -> Outcome<Vec<u8>> {
    match curve {
        0 => {
            let key = p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8).map_err(|_| unusable())?;
            let signed: p256::ecdsa::DerSignature = key.sign_prehash(hash).map_err(|_| unusable())?;
            Ok(signed.as_bytes().to_vec())
        }
        1 => {
            let key = p384::ecdsa::SigningKey::from_pkcs8_der(pkcs8).map_err(|_| unusable())?;
            let signed: p384::ecdsa::DerSignature = key.sign_prehash(hash).map_err(|_| unusable())?;
            Ok(signed.as_bytes().to_vec())
        }
        2 => {
            let key = p521::ecdsa::SigningKey::from_pkcs8_der(pkcs8).map_err(|_| unusable())?;
            let signed: p521::ecdsa::DerSignature = key.sign_prehash(hash).map_err(|_| unusable())?;
            Ok(signed.as_bytes().to_vec())
        }
        other => Err(Fault::new(format!("no curve has the number {other}"))),
    }
}

fn unusable() -> Fault {
    Fault::new("the phone's key cannot sign")
}

#[cfg(test)]
mod tests {
    use rsa::RsaPublicKey;
    use rsa::pkcs1v15::Pkcs1v15Sign;
    use spki::DecodePublicKey;

    use super::super::KeyPair;
    use super::*;

    #[test]
    fn an_rsa_proof_is_type_1_padding_around_the_bare_hashes() {
        let key = KeyPair::generate(Kind::Rsa(2048)).unwrap();
        let proof = key.prove(b"SEP").unwrap();
        let public = RsaPublicKey::from_public_key_der(key.public()).unwrap();
        let bare = Pkcs1v15Sign::new_unprefixed;
        public.verify(bare(), &Sha1::digest(b"SEP"), &proof.sha1).unwrap();
        public.verify(bare(), &Sha512::digest(b"SEP"), &proof.sha512).unwrap();
        assert!(public.verify(bare(), &Sha1::digest(b"SEQ"), &proof.sha1).is_err());
    }

    #[test]
    fn an_ec_proof_is_ecdsa_over_both_hashes() {
        use p384::ecdsa::signature::hazmat::PrehashVerifier;
        let key = KeyPair::generate(Kind::Ec(1)).unwrap();
        let proof = key.prove(b"SEP").unwrap();
        let public = p384::ecdsa::VerifyingKey::from_public_key_der(key.public()).unwrap();
        let read = |bytes: &[u8]| p384::ecdsa::Signature::from_der(bytes).unwrap();
        public.verify_prehash(&Sha1::digest(b"SEP"), &read(&proof.sha1)).unwrap();
        public.verify_prehash(&Sha512::digest(b"SEP"), &read(&proof.sha512)).unwrap();
    }
}
