//! CTL and ITL, both ways.

use std::sync::Arc;

use serde_json::{Value, json};
use signet::trust::list::{Contents, Doubt, Entry, List, Trusted};
use signet::trust::records::ListKind;
use signet::trust::role::Role;
use signet::trust::sign::SignatureDigest;
use signet::trust::tlv::{SignerVersion, names};
use signet::x509::cert::{Certificate, Tbs, assemble};
use signet::x509::key::{Digest, signature_algorithm};
use signet::x509::name::Name;

use super::estate::{AT, DIGESTS, Exchange, estate, heading, python, verified};

/// A list as the Python writer is told to make it.
pub fn python_list(signer: &str, more: Value) -> Vec<u8> {
    let (estate, exchange) = (estate(), Exchange::new());
    let certificate = |name: &str| estate.path(&format!("{name}.der"));
    let mut spec = json!({
        "signer": certificate(signer),
        "key": estate.path(&format!("{signer}.key")),
        "digest": "sha-512",
        "file_name": "CTLFile.tlv",
        "timestamp": AT.secs(),
        "signer_version": null,
        "entries": [{ "role": "sast", "certificate": signer }, { "role": "ccm+tftp", "certificate": "odd-names" }],
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    for entry in spec["entries"].as_array_mut().unwrap() {
        entry["certificate"] = certificate(entry["certificate"].as_str().unwrap()).into();
    }
    let spec = exchange.put("spec.json", spec.to_string().as_bytes());
    python("trust_list.py", &["write", &spec, &exchange.path("list.tlv")]);
    exchange.take("list.tlv")
}

fn digest_name(digest: SignatureDigest) -> Value {
    serde_json::to_value(digest).unwrap()
}

#[test]
fn what_we_write_python_reads_and_writes_again_byte_for_byte() {
    let (estate, exchange) = (estate(), Exchange::new());
    for (signer, version) in [
        ("recovery", None),
        ("recovery", Some(SignerVersion::V1_1)),
        ("recovery-4096", Some(SignerVersion::V1_0)),
    ] {
        for &digest in DIGESTS {
            let entries = estate.entries(signer);
            let contents = Contents::new(
                heading("ITLSEP001122334455.tlv", digest, version),
                estate.certificate(signer),
                entries,
            )
            .unwrap();
            let file = contents.to_be_signed().unwrap().sign(&*estate.signer(signer)).unwrap();
            let path = exchange.put("ours.tlv", &file);
            let said: Value = serde_json::from_slice(&python("trust_list.py", &["read", &path])).unwrap();
            assert_eq!(said["digest"], digest_name(digest));
            assert_eq!(said["file_name"], "ITLSEP001122334455.tlv");
            assert_eq!(said["timestamp"], AT.secs());
            assert_eq!(said["signer_version"].as_str().map(str::to_owned), version.map(|v| v.to_string()));
            let mut order = vec![3, 4, 6, 5, 7, 8, 9, 10, 11, 12, 14, 15];
            order.splice(0..0, version.map(|_| 28));
            assert_eq!(said["order"], json!(order));
            for (entry, said) in contents.entries().iter().zip(said["entries"].as_array().unwrap()) {
                assert_eq!(said["role"], entry.role().to_string());
                assert_eq!(said["subject"], entry.subject());
                assert_eq!(said["dns_name"].as_str(), entry.dns_name());
            }
            assert_eq!(said["entries"].as_array().unwrap().len(), contents.entries().len());
            let key = estate.path(&format!("{signer}.key"));
            python("trust_list.py", &["rewrite", &path, &key, &exchange.path("again.tlv")]);
            assert_eq!(exchange.take("again.tlv"), file, "{signer} {digest}");
            // What was read is what was written.
            let list = verified(&file);
            assert_eq!(list.contents().unwrap(), contents);
            assert!(list.doubts().is_empty());
        }
    }
}

#[test]
fn what_python_writes_we_read_and_write_again_byte_for_byte() {
    let estate = estate();
    for &digest in DIGESTS {
        for (signer, version) in
            [("recovery", Value::Null), ("recovery-4096", "1.0".into()), ("recovery", "1.1".into())]
        {
            let file = python_list(
                signer,
                json!({
                    "digest": digest_name(digest),
                    "signer_version": version,
                    "entries": [
                        { "role": "tvs", "certificate": "tvs", "dns_name": "" , "address": "192.0.2.1" },
                        { "role": "sast", "certificate": signer },
                        { "role": "tftp", "certificate": "odd-names", "dns_name": "odd.example.org" },
                        { "role": "ccm", "certificate": "https" },
                        { "role": "capf", "certificate": "callmanager", "hash": "sha-1", "dns_name": "x" },
                        { "role": "app-server", "certificate": "old", "hash": "sha-512", "address": "10.0.0.1" },
                    ],
                }),
            );
            let list = verified(&file);
            assert_eq!((list.kind(), list.digest(), list.timestamp()), (Some(ListKind::Ctl), digest, AT));
            assert_eq!(list.verify().unwrap().certificate(), Some(&estate.certificate(signer)));
            assert!(matches!(list.entries()[4].trusted(),
                Trusted::Hash(hash) if hash.is_of(&estate.certificate("callmanager"))));
            let again = list.contents().unwrap().to_be_signed().unwrap();
            assert_eq!(again.sign(&*estate.signer(signer)).unwrap(), file, "{signer} {digest}");
        }
    }
}

/// TRUSTLIST-60
#[test]
fn a_list_signed_long_ago_with_1024_bits_is_read_and_not_written() {
    let list = verified(&python_list("old", json!({ "digest": "sha-1" })));
    assert_eq!(list.verify().unwrap().role(), Role::Sast);
    assert_eq!(list.contents().unwrap_err().code(), "signer-key-not-allowed");
}

/// TRUSTLIST-61, TRUSTLIST-62, TRUSTLIST-63
#[test]
fn what_call_managers_write_otherwise_means_the_same() {
    let estate = estate();
    for other in [
        json!({ "separator": ";" }),
        json!({ "reverse": true }),
        json!({ "separator": ";", "reverse": true }),
    ] {
        let list = verified(&python_list("recovery", other.clone()));
        assert!(list.doubts().is_empty(), "{other}: {:?}", list.doubts());
        assert_eq!(list.entries()[1].certificate(), Some(&estate.certificate("odd-names")));
        assert!(names::denotes(list.signer().name(), estate.certificate("recovery").subject()));
        assert_eq!(list.contents().unwrap().entries(), list.entries());
    }
    let list = verified(&python_list(
        "recovery",
        json!({ "entries": [
            { "role": "sast", "certificate": "recovery" },
            { "role": "tftp", "certificate": "callmanager", "subject": "CN=somebody else" },
        ]}),
    ));
    assert_eq!(list.doubts(), [Doubt::Subject(2)]);
    assert_eq!(list.doubts()[0].to_string(), "record 2 names another subject than its certificate does");
}

#[test]
fn the_signature_is_made_elsewhere_and_one_that_does_not_hold_is_not_put_in() {
    let estate = estate();
    let list = verified(&estate.list());
    let unsigned = || list.contents().unwrap().to_be_signed().unwrap();
    let signature = estate.signer("recovery").sign(Digest::Sha512, unsigned().message()).unwrap();
    assert_eq!(unsigned().finish(&signature).unwrap(), list.bytes());
    assert_eq!(List::parse(list.bytes()).unwrap().fingerprint(), list.fingerprint());
    let mut other = signature;
    other[7] ^= 1;
    assert_eq!(unsigned().finish(&other).unwrap_err().code(), "signature-invalid");
}

/// A record carries points in full, also where the certificate has them compressed.
#[test]
fn a_compressed_point_is_written_in_full() {
    let (estate, exchange) = (estate(), Exchange::new());
    let full = estate.certificate("tvs").spki().to_vec();
    let point = &full[full.len() - 64..];
    // SEQUENCE of 57 octets around the same algorithm, and a BIT STRING of 34.
    let compressed = [&[0x30, 57][..], &full[2..23], &[3, 34, 0, 2 + (point[63] & 1)], &point[..32]].concat();
    let signer = estate.signer("recovery");
    let algorithm = signature_algorithm(signer.public_key().kind(), Digest::Sha256);
    let issuer = estate.certificate("recovery").subject().clone();
    let tbs = Tbs {
        serial: "C0".parse().unwrap(),
        signature_algorithm: algorithm.clone(),
        issuer,
        not_before: AT,
        not_after: AT.plus(std::time::Duration::from_secs(1000)),
        subject: Name::parse("CN=compressed").unwrap(),
        spki: compressed,
        extensions: Vec::new(),
    };
    let tbs = tbs.to_der().unwrap();
    let der = assemble(&tbs, &algorithm, &signer.sign(Digest::Sha256, &tbs).unwrap()).unwrap();
    let entries = vec![
        estate.entry(Role::Sast, "recovery"),
        Entry::new(Role::Ccm, Arc::new(Certificate::from_der(&der).unwrap())),
    ];
    let heading = heading("ITLFile.tlv", SignatureDigest::Sha512, None);
    let contents = Contents::new(heading, estate.certificate("recovery"), entries).unwrap();
    let file = contents.to_be_signed().unwrap().sign(&*signer).unwrap();
    // Python holds the record's key against that of the certificate.
    python("trust_list.py", &["read", &exchange.put("list.tlv", &file)]);
    assert_eq!(verified(&file).contents().unwrap(), contents);
}
