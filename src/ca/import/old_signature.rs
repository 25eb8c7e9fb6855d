//! Signatures of certificates that were made long ago: besides what we verify everywhere, RSA with SHA-1.
//!
//! What is judged here is a record of the past whose issuer's key is in our hands, not a proof that lets somebody in.

use const_oid::ObjectIdentifier;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha1::{Digest as _, Sha1};

use crate::error::Result;
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;
use crate::x509::tlv::{self, Broken, Reader};

const SHA1_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");

/// Whether the key of `issuer` made the signature of `certificate`.
pub(super) fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let Ok(key) = issuer.public_key() else { return false };
    holds(certificate.verify_signed_by(&key), certificate.der(), key.spki())
}

/// Whether the key of `issuer` made the signature of `crl`.
pub(super) fn is_crl_of(crl: &Crl, issuer: &Certificate) -> bool {
    let Ok(key) = issuer.public_key() else { return false };
    holds(crl.verify_signed_by(&key), crl.der(), key.spki())
}

fn holds(verified: Result<()>, signed: &[u8], spki: &[u8]) -> bool {
    match verified {
        Ok(()) => true,
        Err(e) => e.code() == "signature-algorithm" && sha1_holds(signed, spki).unwrap_or(false),
    }
}

/// SEQUENCE { what is signed, algorithm, signature }, which certificates and CRLs share.
fn sha1_holds(signed: &[u8], spki: &[u8]) -> Result<bool, Broken> {
    let mut fields = Reader::new(tlv::single(signed, tlv::SEQUENCE)?.content);
    let to_be_signed = fields.expect(tlv::SEQUENCE)?.whole;
    let algorithm = fields.enter(tlv::SEQUENCE)?.any().and_then(tlv::oid)?;
    let signature = tlv::bit_string(fields.any()?)?;
    let Ok(key) = RsaPublicKey::from_public_key_der(spki) else { return Ok(false) };
    let digest = Sha1::digest(to_be_signed);
    let verified = key.verify(Pkcs1v15Sign::new::<Sha1>(), &digest, signature);
    Ok(algorithm == SHA1_WITH_RSA && verified.is_ok())
}
