//! The openssl program as a judge: what it writes we read, and what we write it reads and verifies.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::process::Command;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use signet::clock::Timestamp;
use signet::x509::cert::{Certificate, Extension, Tbs, assemble, ext};
use signet::x509::crl::{EntryList, Reason, Revoked, TbsCrl};
use signet::x509::csr::{Csr, Leniency};
use signet::x509::key::{Digest, KeyKind, PublicKey, signature_algorithm};
use signet::x509::name::Name;
use signet::x509::pem;
use signet::x509::san::San;

fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").current_dir(dir).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

struct Authority {
    pair: EcdsaKeyPair,
    key: PublicKey,
    name: Name,
}

impl Authority {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref()).unwrap();
        Self { pair, key, name: Name::parse("CN=Test \\+ Root,O=Übung,C=DE").unwrap() }
    }

    fn algorithm() -> Vec<u8> {
        signature_algorithm(KeyKind::P256, Digest::Sha256)
    }

    fn sign(&self, tbs: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), tbs).unwrap();
        assemble(tbs, &Self::algorithm(), signature.as_ref()).unwrap()
    }

    fn certify(
        &self,
        serial: &str,
        subject: &Name,
        key: &PublicKey,
        extensions: Vec<Extension>,
    ) -> Certificate {
        let tbs = Tbs {
            serial: serial.parse().unwrap(),
            signature_algorithm: Self::algorithm(),
            issuer: self.name.clone(),
            not_before: Timestamp::parse("2020-01-01T00:00:00Z").unwrap(),
            not_after: Timestamp::parse("2060-01-01T00:00:00Z").unwrap(),
            subject: subject.clone(),
            spki: key.spki().to_vec(),
            extensions,
        };
        Certificate::from_der(&self.sign(&tbs.to_der().unwrap())).unwrap()
    }

    fn root(&self) -> Certificate {
        let extensions = vec![
            ext::basic_constraints(true, None).unwrap(),
            ext::key_usage(0b110_0000).unwrap(),
            ext::subject_key_id(&self.key.key_id()).unwrap(),
        ];
        self.certify("01", &self.name, &self.key, extensions)
    }
}

#[test]
fn requests_of_openssl_are_read_for_each_key_type() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, option, expected) in [
        ("rsa", "rsa_keygen_bits:2048", KeyKind::Rsa(2048)),
        ("ec", "ec_paramgen_curve:P-256", KeyKind::P256),
        ("ec", "ec_paramgen_curve:P-384", KeyKind::P384),
        ("ec", "ec_paramgen_curve:P-521", KeyKind::P521),
    ] {
        for digest in ["-sha256", "-sha384", "-sha512"] {
            openssl(
                dir.path(),
                &[
                    "req",
                    "-new",
                    "-newkey",
                    kind,
                    "-pkeyopt",
                    option,
                    "-nodes",
                    "-keyout",
                    "key.pem",
                    "-out",
                    "req.pem",
                    digest,
                    "-utf8",
                    "-subj",
                    "/C=DE/O=Übung/CN=phone.example",
                    "-addext",
                    "subjectAltName=DNS:phone.example,IP:2001:db8::1,email:a@phone.example,URI:urn:x:y",
                    "-addext",
                    "keyUsage=critical,digitalSignature",
                    "-addext",
                    "extendedKeyUsage=clientAuth",
                ],
            );
            let csr =
                Csr::read(&std::fs::read(dir.path().join("req.pem")).unwrap(), Leniency::Strict).unwrap();
            assert_eq!(csr.public_key().kind(), expected);
            assert_eq!(csr.subject().to_string(), "CN=phone.example,O=Übung,C=DE");
            let sans: Vec<_> = csr.sans().iter().map(San::to_string).collect();
            assert_eq!(sans, ["dns:phone.example", "ip:2001:db8::1", "email:a@phone.example", "uri:urn:x:y"]);
        }
    }
}

#[test]
fn certificates_are_shown_and_verified_strictly() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let root = authority.root();
    assert!(root.is_self_signed());
    let sans = ["dns:a.example", "ip:10.0.0.1", "uri:https://a.example/", "email:x@a.example"];
    let extensions = vec![
        ext::basic_constraints(false, None).unwrap(),
        ext::key_usage(1 | 1 << 8).unwrap(),
        ext::extended_key_usage(&[const_oid::db::rfc5280::ID_KP_SERVER_AUTH]).unwrap(),
        ext::subject_alt_name(&sans.map(|s| San::parse(s).unwrap()), false).unwrap(),
        ext::subject_key_id(&authority.key.key_id()).unwrap(),
        ext::authority_key_id(&authority.key.key_id()).unwrap(),
        ext::crl_distribution_point("http://ca.example/crl/x.crl").unwrap(),
        ext::authority_info_access("http://ca.example/ca/x.crt", Some("http://ca.example/ocsp")).unwrap(),
        ext::ocsp_nocheck().unwrap(),
    ];
    let leaf =
        authority.certify("7F00FF00FF", &Name::parse("CN=a.example").unwrap(), &authority.key, extensions);
    std::fs::write(dir.path().join("root.pem"), root.pem()).unwrap();
    std::fs::write(dir.path().join("leaf.pem"), leaf.pem()).unwrap();
    openssl(dir.path(), &["verify", "-x509_strict", "-CAfile", "root.pem", "leaf.pem"]);
    let text = openssl(dir.path(), &["x509", "-in", "leaf.pem", "-noout", "-text", "-serial"]);
    for expected in [
        "serial=7F00FF00FF",
        "Digital Signature, Decipher Only",
        "TLS Web Server Authentication",
        "DNS:a.example, IP Address:10.0.0.1, URI:https://a.example/, email:x@a.example",
        "CA Issuers - URI:http://ca.example/ca/x.crt",
        "OCSP - URI:http://ca.example/ocsp",
        "URI:http://ca.example/crl/x.crl",
        "Not After : Jan  1 00:00:00 2060 GMT",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let bundle = pem::encode("PKCS7", &pem::pkcs7_certs_only(&[leaf.der(), root.der()]).unwrap());
    std::fs::write(dir.path().join("bundle.p7b"), bundle).unwrap();
    let printed = openssl(dir.path(), &["pkcs7", "-in", "bundle.p7b", "-print_certs"]);
    let leaf_at = printed.find("CN = a.example").unwrap();
    assert!(leaf_at < printed.rfind("subject=").unwrap());
    assert_eq!(printed.matches("BEGIN CERTIFICATE").count(), 2);
}

#[test]
fn crls_are_shown_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let at = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
    let revoked =
        |serial: &str, reason| Revoked { serial: serial.parse().unwrap(), at, reason, invalidity: None };
    std::fs::write(dir.path().join("root.pem"), authority.root().pem()).unwrap();
    let lists = [vec![], vec![revoked("0A", Reason::Unspecified), revoked("FF01", Reason::KeyCompromise)]];
    for entries in lists {
        let tbs = TbsCrl {
            signature_algorithm: Authority::algorithm(),
            issuer: authority.name.clone(),
            this_update: at,
            next_update: at.plus(std::time::Duration::from_secs(86_400)),
            entries: EntryList::of(&entries).unwrap(),
            authority_key_id: authority.key.key_id().to_vec(),
            number: 300,
            base: None,
            points: Vec::new(),
            freshest: None,
        };
        let crl = authority.sign(&tbs.to_der().unwrap());
        std::fs::write(dir.path().join("crl.pem"), pem::encode("X509 CRL", &crl)).unwrap();
        let text = openssl(
            dir.path(),
            &["crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "root.pem", "-verify"],
        );
        assert!(
            text.contains("Version 2 (0x1)") && text.contains("X509v3 CRL Number: \n                300")
        );
        assert_eq!(text.contains("No Revoked Certificates"), entries.is_empty());
        assert_eq!(text.contains("Serial Number: FF01"), !entries.is_empty());
        assert_eq!(text.matches("Key Compromise").count(), usize::from(!entries.is_empty()));
    }
}
