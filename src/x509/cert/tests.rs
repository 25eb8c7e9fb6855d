use super::*;
use crate::x509::key::{Digest, KeyKind, signature_algorithm};
use crate::x509::tlv;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use proptest::prelude::*;

struct Issuer(EcdsaKeyPair);

impl Issuer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn key(&self) -> PublicKey {
        PublicKey::from_spki(self.0.public_key().as_der().unwrap().as_ref()).unwrap()
    }

    fn tbs(&self, extensions: Vec<Extension>) -> Tbs {
        Tbs {
            serial: "0A1B2C".parse().unwrap(),
            signature_algorithm: signature_algorithm(KeyKind::P256, Digest::Sha256),
            issuer: Name::parse("CN=x").unwrap(),
            not_before: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
            not_after: Timestamp::parse("2051-01-01T00:00:00Z").unwrap(),
            subject: Name::parse("CN=x").unwrap(),
            spki: self.key().spki().to_vec(),
            extensions,
        }
    }

    fn sign(&self, tbs: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), tbs).unwrap();
        assemble(tbs, &signature_algorithm(KeyKind::P256, Digest::Sha256), signature.as_ref()).unwrap()
    }

    fn certify(&self, extensions: Vec<Extension>) -> Certificate {
        Certificate::from_der(&self.sign(&self.tbs(extensions).to_der().unwrap())).unwrap()
    }
}

fn raw(oid: ObjectIdentifier, value: &[u8]) -> Extension {
    Extension { oid, critical: false, value: value.to_vec() }
}

#[test]
fn what_is_written_is_read_back() {
    let issuer = Issuer::new();
    let sans = [San::parse("dns:a.example").unwrap(), San::parse("ip:10.0.0.1").unwrap()];
    let purposes = [const_oid::db::rfc5280::ID_KP_SERVER_AUTH];
    let extensions = vec![
        ext::basic_constraints(true, Some(3)).unwrap(),
        ext::key_usage(0b1_0110_0001).unwrap(),
        ext::extended_key_usage(&purposes).unwrap(),
        ext::subject_alt_name(&sans, true).unwrap(),
        ext::subject_key_id(&[1, 2, 3]).unwrap(),
        ext::authority_key_id(&[4, 5]).unwrap(),
    ];
    let read = issuer.certify(extensions.clone());
    assert_eq!(read.extensions(), extensions);
    assert_eq!((read.is_ca(), read.path_len(), read.key_usage()), (true, Some(3), Some(0b1_0110_0001)));
    assert_eq!(read.extended_key_usage().unwrap(), purposes);
    assert_eq!(read.sans().unwrap(), sans);
    assert_eq!(read.subject_key_id(), Some(vec![1, 2, 3]));
    assert_eq!(read.authority_key_id(), Some(vec![4, 5]));
    assert_eq!(read.serial().to_string(), "0A1B2C");
    assert_eq!(read.not_after().to_string(), "2051-01-01T00:00:00Z");
    assert!(read.is_self_signed());
    assert!(
        read.is_valid_at(read.not_after())
            && !read.is_valid_at(read.not_after().plus(std::time::Duration::from_secs(1)))
    );
    assert_eq!(Certificate::read(read.pem().as_bytes()).unwrap(), read);
}

#[test]
fn without_extensions_nothing_is_claimed() {
    let read = Issuer::new().certify(Vec::new());
    assert!(!read.is_ca());
    assert_eq!((read.path_len(), read.key_usage(), read.subject_key_id()), (None, None, None));
    assert!(read.sans().unwrap().is_empty() && read.extended_key_usage().unwrap().is_empty());
}

#[test]
fn malformed_extensions_allow_nothing_tlsclient_27_28() {
    let read = Issuer::new().certify(vec![
        raw(oids::ID_CE_EXT_KEY_USAGE, &[tlv::SEQUENCE, 0]),
        raw(oids::ID_CE_KEY_USAGE, &[3, 0]),
        raw(oids::ID_CE_BASIC_CONSTRAINTS, &[tlv::SEQUENCE, 3, 1, 2, 0xff, 0xff]),
        raw(oids::ID_CE_SUBJECT_ALT_NAME, &[tlv::SEQUENCE, 5, 0x87, 3, 1, 2, 3]),
    ]);
    assert_eq!(read.extended_key_usage().unwrap_err().code(), "bad-certificate");
    assert_eq!(read.key_usage(), Some(0));
    assert!(!read.is_ca());
    assert_eq!(read.sans().unwrap_err().code(), "bad-certificate");
}

#[test]
fn the_signature_and_both_algorithms_are_checked_tlsclient_24() {
    let issuer = Issuer::new();
    assert!(issuer.certify(Vec::new()).verify_signed_by(&Issuer::new().key()).is_err());
    let mut tbs = issuer.tbs(Vec::new());
    tbs.signature_algorithm = signature_algorithm(KeyKind::P256, Digest::Sha384);
    let read = Certificate::from_der(&issuer.sign(&tbs.to_der().unwrap())).unwrap();
    let error = read.verify_signed_by(&issuer.key()).unwrap_err();
    assert!(error.detail().contains("differ"));
}

#[test]
fn foreign_serials_are_read_and_never_written() {
    let issuer = Issuer::new();
    let mut tbs = issuer.tbs(Vec::new());
    let good = tbs.to_der().unwrap();
    // 02 03 0A1B2C becomes negative.
    let at = good.windows(5).position(|w| w == [2, 3, 0x0a, 0x1b, 0x2c]).unwrap();
    let mut negative = good;
    negative[at + 2] = 0xff;
    let read = Certificate::from_der(&issuer.sign(&negative)).unwrap();
    assert_eq!(read.serial().content(), [0xff, 0x1b, 0x2c]);
    assert!(read.is_self_signed());
    for content in [&[0xff][..], &[0], &[0, 1], &[1; 21]] {
        tbs.serial = Serial::from_content(content).unwrap();
        assert_eq!(tbs.to_der().unwrap_err().code(), "internal", "{content:?}");
    }
}

#[test]
fn duplicates_trailing_bytes_and_keys_are_refused() {
    let issuer = Issuer::new();
    let twice = vec![raw(oids::ID_CE_KEY_USAGE, &[3, 2, 7, 0x80]); 2];
    let tbs = issuer.tbs(twice).to_der().unwrap();
    assert_eq!(Certificate::from_der(&issuer.sign(&tbs)).unwrap_err().detail(), "duplicate extension");
    let der = issuer.sign(&issuer.tbs(Vec::new()).to_der().unwrap());
    assert!(Certificate::from_der(&[&der[..], &[0]].concat()).is_err());
    assert!(Certificate::read(crate::x509::pem::encode("CERTIFICATE", &der).repeat(2).as_bytes()).is_err());
    let key = crate::x509::pem::encode("EC PRIVATE KEY", b"secret");
    assert_eq!(Certificate::read(key.as_bytes()).unwrap_err().code(), "private-key-not-accepted");
}

#[test]
fn builders_write_named_bits_without_trailing_zeros() {
    let value = |bits| ext::key_usage(bits).unwrap().value;
    assert_eq!(value(1), [3, 2, 7, 0x80]);
    assert_eq!(value(0b110_0000), [3, 2, 1, 0x06]);
    assert_eq!(value(1 << 8), [3, 3, 7, 0, 0x80]);
    assert_eq!(value(0b101), [3, 2, 5, 0xa0]);
    assert!(ext::key_usage(0).is_err() && ext::key_usage(1 << 9).is_err());
    assert_eq!(ext::basic_constraints(false, None).unwrap().value, [0x30, 0]);
    assert!(ext::basic_constraints(false, Some(0)).is_err());
    assert!(ext::extended_key_usage(&[]).is_err());
    assert!(ext::crl_distribution_point("http://a b/").is_err());
}

proptest! {
    #[test]
    fn mutated_certificates_never_panic_and_never_verify(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let issuer = Issuer::new();
        let good = issuer.certify(vec![ext::key_usage(1).unwrap(), ext::basic_constraints(true, None).unwrap()]);
        let mut bad = good.der().to_vec();
        let at = at.index(bad.len());
        bad[at] ^= flip;
        if let Ok(read) = Certificate::from_der(&bad) {
            let _ = (read.is_ca(), read.key_usage(), read.sans(), read.extended_key_usage(), read.to_owned());
            prop_assert!(read.verify_signed_by(&issuer.key()).is_err());
        }
    }
}
