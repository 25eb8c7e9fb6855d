//! Certificates as no profile makes them, signed by our own issuing CA or by somebody else.

use rcgen::KeyPair;
use signet::ca::LoadedCa;
use signet::ca::profile::CLIENT_AUTH;
use signet::clock::Timestamp;
use signet::id::Serial;
use signet::random::Random;
use signet::x509::cert::{Extension, Tbs, assemble, ext};
use signet::x509::key::{Digest, PublicKey, signature_algorithm};
use signet::x509::name::Name;
use signet::x509::tlv::{join, tlv};

use super::house::DAY;

pub const SEQUENCE: u8 = 0x30;

/// What a client's certificate of `ca` is, before it is spoilt.
pub fn good(ca: &LoadedCa, spki: &[u8], now: Timestamp) -> Tbs {
    let (certificate, signer) = ca.ready().unwrap();
    Tbs {
        serial: Serial::new(now, &Random::system()).unwrap(),
        signature_algorithm: signature_algorithm(signer.public_key().kind(), Digest::Sha256),
        issuer: certificate.subject().clone(),
        not_before: now.whole_secs(),
        not_after: now.plus(DAY * 30).whole_secs(),
        subject: Name::parse("CN=forged").unwrap(),
        spki: spki.to_vec(),
        extensions: vec![
            ext::basic_constraints(false, None).unwrap(),
            ext::key_usage(1).unwrap(),
            ext::extended_key_usage(&[CLIENT_AUTH]).unwrap(),
            ext::authority_key_id(&certificate.subject_key_id().unwrap()).unwrap(),
        ],
    }
}

/// Signed by our CA, whatever it says.
pub fn signed(ca: &LoadedCa, tbs: &Tbs) -> Vec<u8> {
    let (_, signer) = ca.ready().unwrap();
    let tbs_der = tbs.to_der().unwrap();
    let signature = signer.sign(Digest::Sha256, &tbs_der).unwrap();
    let algorithm = signature_algorithm(signer.public_key().kind(), Digest::Sha256);
    assemble(&tbs_der, &algorithm, &signature).unwrap()
}

/// As [`signed`], naming another algorithm beside the signature than inside.
pub fn signed_otherwise(ca: &LoadedCa, tbs: &Tbs) -> Vec<u8> {
    let (_, signer) = ca.ready().unwrap();
    let tbs_der = tbs.to_der().unwrap();
    let signature = signer.sign(Digest::Sha256, &tbs_der).unwrap();
    let other = signature_algorithm(signer.public_key().kind(), Digest::Sha384);
    assemble(&tbs_der, &other, &signature).unwrap()
}

/// Signed by another key (P-256).
pub fn signed_by(key: &KeyPair, tbs: &Tbs) -> Vec<u8> {
    use rcgen::SigningKey as _;
    let tbs_der = tbs.to_der().unwrap();
    let public = PublicKey::from_spki(&spki(key)).unwrap();
    let algorithm = signature_algorithm(public.kind(), Digest::Sha256);
    assemble(&tbs_der, &algorithm, &key.sign(&tbs_der).unwrap()).unwrap()
}

/// A key's SubjectPublicKeyInfo.
pub fn spki(key: &KeyPair) -> Vec<u8> {
    use rcgen::PublicKeyData as _;
    key.subject_public_key_info()
}

/// Another extension in place of the one of that type.
pub fn replaced(tbs: Tbs, with: Extension) -> Tbs {
    let mut extensions = tbs.extensions;
    extensions.retain(|e| e.oid != with.oid);
    extensions.push(with);
    Tbs { extensions, ..tbs }
}

/// An RSA key that nobody has: an odd number of so many bits.
pub fn rsa_spki(bits: usize, exponent: &[u8]) -> Vec<u8> {
    let mut modulus = vec![0xff; bits / 8];
    modulus[1] = 0x35;
    let key = join(SEQUENCE, &[&tlv(2, &[&[0], modulus.as_slice()].concat()), &tlv(2, exponent)]);
    let algorithm =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    join(SEQUENCE, &[&algorithm, &tlv(3, &[&[0], key.as_slice()].concat())])
}

/// A P-256 key whose point is not on the curve, or whose curve is spelt out.
pub fn ec_spki(explicit: bool) -> Vec<u8> {
    let ec = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let named = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let spelt = tlv(SEQUENCE, &[2, 1, 1]);
    let parameters: &[u8] = if explicit { &spelt } else { &named };
    let point = [&[0, 4], [0x11; 64].as_slice()].concat();
    join(SEQUENCE, &[&join(SEQUENCE, &[&ec, parameters]), &tlv(3, &point)])
}
