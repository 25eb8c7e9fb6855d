//! Catalogue rows SCEP-42, SCEP-52 to SCEP-70: the envelope, and what its answers do not tell.

use super::der::{content_info, int, octets, oid, seq, set, t};
use super::envelope::{
    AES_128_CBC, AES_192_CBC, AES_256_CBC, DATA, DES_CBC, DES_EDE3_CBC, ENVELOPED_DATA, Envelope, Wrap,
    encrypt, issuer_and_serial, padded, recipient, wrapped,
};
use super::message::Message;
use super::server::{Server, refusal, scep, unique};
use crate::openssl::openssl;

const CANNOT_OPEN: (&str, &str) = ("1", "the envelope cannot be opened");

async fn answer(server: &Server, envelope: &[u8]) -> (String, String) {
    let device = server.device();
    let message = Message::new(&device, "19", &unique("envelope"), envelope);
    let reply = server.post(&message.signed_by(&device)).await;
    let (fail_info, text) = refusal(&reply);
    (fail_info.to_owned(), text.to_owned())
}

async fn assert_cannot_open(server: &Server, envelope: &Envelope, what: &str) {
    let (fail_info, text) = answer(server, &envelope.der()).await;
    assert_eq!((fail_info.as_str(), text.as_str()), CANNOT_OPEN, "{what}");
}

/// A block that RSA encrypts as it is: what PKCS#1 says of it is up to the attacker.
fn raw_rsa(server: &Server, block: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ra.pem");
    std::fs::write(&path, server.ra_certificate().pem()).unwrap();
    let arguments = ["pkeyutl", "-encrypt", "-certin", "-inkey", path.to_str().unwrap()];
    openssl(&[&arguments[..], &["-pkeyopt", "rsa_padding_mode:none"]].concat(), block)
}

/// 00 02, padding, 00, key: 256 bytes.
fn pkcs1_block(key: &[u8]) -> Vec<u8> {
    let mut block = vec![0, 2];
    block.resize(255 - key.len(), 0x77);
    block.push(0);
    block.extend(key);
    block
}

/// SCEP-52
#[test]
fn every_failure_of_the_rsa_step_is_answered_alike() {
    scep(async |server| {
        let ra = server.ra_certificate();
        let good = Envelope::new(&ra, b"\x30\x00");
        let with = |wrapped: &[u8]| Envelope {
            recipients: vec![recipient(&issuer_and_serial(&ra), Wrap::Pkcs1, wrapped)],
            ..good.clone()
        };
        let spoilt = |spoil: &dyn Fn(&mut Vec<u8>)| {
            let mut block = pkcs1_block(&good.key);
            spoil(&mut block);
            with(&raw_rsa(server, &block))
        };
        let cases = [
            ("starts with 01 02", spoilt(&|b| b[0] = 1)),
            ("starts with 00 01", spoilt(&|b| b[1] = 1)),
            ("no separator", spoilt(&|b| b[239] = 9)),
            ("padding of 7 bytes", spoilt(&|b| b[9] = 0)),
            ("padding of no bytes", spoilt(&|b| b[2] = 0)),
            ("key too short", with(&raw_rsa(server, &pkcs1_block(&good.key[1..])))),
            ("key too long", with(&raw_rsa(server, &pkcs1_block(&[3; 24])))),
            ("another key", with(&raw_rsa(server, &pkcs1_block(&[3; 16])))),
            ("no key", with(&raw_rsa(server, &pkcs1_block(&[])))),
            ("all zero", with(&[0; 256])),
            ("not below the modulus", with(&[0xff; 256])),
            ("too short for the modulus", with(&[1; 255])),
            ("too long for the modulus", with(&[1; 300])),
            ("empty", with(&[])),
        ];
        for (what, envelope) in cases {
            assert_cannot_open(server, &envelope, what).await;
        }
    });
}

/// SCEP-70, and what a right key and a wrong content look like
#[test]
fn every_failure_of_the_content_is_answered_as_the_rsa_step_s() {
    scep(async |server| {
        let ra = server.ra_certificate();
        let good = Envelope::new(&ra, b"\x30\x03\x02\x01\x05");
        let reencrypted = |plain: &[u8]| Envelope {
            encrypted: encrypt(AES_128_CBC, &good.key, &good.iv, plain),
            ..good.clone()
        };
        let cases = [
            ("empty", Envelope { encrypted: Vec::new(), ..good.clone() }),
            ("not a multiple", Envelope { encrypted: good.encrypted[1..].to_vec(), ..good.clone() }),
            ("padding 0", reencrypted(&[0; 16])),
            ("padding 17", reencrypted(&[17; 32])),
            ("padding not alike", reencrypted(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 2, 3])),
            ("only padding", reencrypted(&[16; 16])),
            ("no ASN.1", reencrypted(&padded(b"hello", 16))),
            ("trailing data", reencrypted(&padded(b"\x30\x00\x00", 16))),
            ("not a SEQUENCE", reencrypted(&padded(b"\x04\x00", 16))),
            ("another IV", Envelope { iv: vec![0; 16], ..good.clone() }),
        ];
        for (what, envelope) in cases {
            assert_cannot_open(server, &envelope, what).await;
        }
    });
}

/// What came out of an envelope is told apart only after the request's own signature holds.
#[test]
fn an_unproven_request_is_answered_as_an_envelope_that_cannot_be_opened() {
    scep(async |server| {
        let device = server.device();
        let good = device.csr(Some("hush"));
        let flipped = |place: usize| {
            let mut csr = good.clone();
            csr[place] ^= 1;
            csr
        };
        let spki = good.windows(device.key.spki().len()).position(|w| w == device.key.spki()).unwrap();
        let mut cases: Vec<Vec<u8>> =
            [9, 20, spki + 1, spki + 8, spki + 30, good.len() - 1].map(flipped).into();
        cases.extend([b"\x30\x00".to_vec(), b"\x30\x03\x02\x01\x05".to_vec()]);
        cases.push(super::der::seq(&[&[0x30; 4][..], &good]));
        for csr in cases {
            let content = Envelope::new(&server.ra_certificate(), &csr);
            assert_cannot_open(server, &content, &format!("{csr:02x?}")).await;
        }
        let named = device.key.csr("a\u{7}b", None);
        let message = server.request(&device, "19", &named).signed_by(&device);
        let reply = server.post(&message).await;
        assert_eq!(refusal(&reply), ("2", "control or invisible character in the subject"));
    });
}

/// Whoever tries again and again is slowed down, and the audit log tells.
#[test]
fn envelopes_that_cannot_be_opened_are_counted() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "19", b"\x30\x00").signed_by(&device);
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(server.status(&message).await.as_u16());
        }
        assert_eq!(statuses[..6], [200; 6]);
        assert!(statuses.contains(&429), "{statuses:?}");
        let filter = |action: &str| signet::store::AuditFilter {
            action: Some(action.into()),
            limit: 1000,
            ..Default::default()
        };
        let log = server.fixture.desk.authority.db.raw();
        let refusals = log.audit(filter("enrol.refuse")).await.unwrap();
        assert!(refusals.iter().any(|e| e.event.details.get("code").is_some_and(|c| c == "cannot-open")));
        let key = signet::x509::key::PublicKey::from_spki(&device.key.spki()).unwrap().fingerprint();
        let locked = signet::enrol::throttle::Who::Key(key).to_string();
        let lockouts = log.audit(filter("enrol.lockout")).await.unwrap();
        assert!(lockouts.iter().any(|e| e.event.subject == locked), "{lockouts:?}");
    });
}

/// SCEP-54, SCEP-55
#[test]
fn only_the_recipient_that_names_our_certificate_is_tried() {
    scep(async |server| {
        let (ra, device) = (server.ra_certificate(), server.device());
        let other = signet::x509::cert::Certificate::from_der(&server.device().certificate).unwrap();
        let challenge = server.challenge(&device).await;
        let good = Envelope::new(&ra, &device.csr(Some(&challenge)));
        let probe = recipient(&issuer_and_serial(&other), Wrap::Pkcs1, &wrapped(&ra, Wrap::Pkcs1, &good.key));
        let misaddressed = Envelope { recipients: vec![probe.clone()], ..good.clone() };
        let (fail_info, text) = answer(server, &misaddressed.der()).await;
        assert_eq!((fail_info.as_str(), text.as_str()), ("2", "not addressed to this CA"));
        let ours = good.recipients[0].clone();
        let garbage = recipient(&issuer_and_serial(&ra), Wrap::Pkcs1, &[1; 256]);
        let second_is_right = Envelope { recipients: vec![garbage, ours.clone()], ..good.clone() };
        assert_cannot_open(server, &second_is_right, "the first that names us decides").await;
        let both = Envelope { recipients: vec![probe, ours], ..good };
        let message = Message::new(&device, "19", &unique("both"), &both.der());
        server.post(&message.signed_by(&device)).await.certificate(&device);
    });
}

/// SCEP-57
#[test]
fn oaep_is_opened_and_fails_like_pkcs1() {
    scep(async |server| {
        let ra = server.ra_certificate();
        for wrap in [Wrap::OaepSha1, Wrap::OaepSha256] {
            let device = server.device();
            let challenge = server.challenge(&device).await;
            let csr = device.csr(Some(&challenge));
            let envelope = Envelope::with_cipher(&ra, &csr, AES_256_CBC, wrap);
            let message = Message::new(&device, "19", &unique("oaep"), &envelope.der());
            server.post(&message.signed_by(&device)).await.certificate(&device);
            let id = issuer_and_serial(&ra);
            for bad in [vec![1; 256], wrapped(&ra, Wrap::Pkcs1, &envelope.key)] {
                let spoilt = Envelope { recipients: vec![recipient(&id, wrap, &bad)], ..envelope.clone() };
                assert_cannot_open(server, &spoilt, "OAEP").await;
            }
        }
    });
}

#[test]
fn every_cipher_of_the_profile_is_opened_and_mirrored() {
    scep(async |server| {
        for (profile, cipher) in [
            ("scep-device", AES_128_CBC),
            ("scep-device", AES_192_CBC),
            ("scep-device", AES_256_CBC),
            ("scep-old", DES_EDE3_CBC),
        ] {
            let device = server.device();
            let challenge = server.fixture.challenge(profile, &device.name).await;
            let csr = device.csr(Some(&challenge));
            let envelope = Envelope::with_cipher(&server.ra_certificate(), &csr, cipher, Wrap::Pkcs1);
            let message = Message::new(&device, "19", &unique("cipher"), &envelope.der());
            let reply = server.post_to(&format!("/scep/{profile}"), &message.signed_by(&device)).await;
            let chain = reply.certificates(&device);
            assert_eq!(chain.len(), if profile == "scep-old" { 3 } else { 1 }, "leaf first, chain by option");
            let content = reply.content.unwrap();
            let written = oid(cipher);
            assert!(content.windows(written.len()).any(|w| w == written), "{cipher} is mirrored");
        }
    });
}

/// SCEP-58, SCEP-60
#[test]
fn a_password_recipient_is_not_tried_against_all_secrets() {
    scep(async |server| {
        let password = |length: usize| {
            let algorithm =
                seq(&[&oid("1.2.840.113549.1.9.16.3.9"), &seq(&[&oid(AES_128_CBC), &octets(&[0; 16])])]);
            let recipient = t(0xa3, &[&int(&[0]), &algorithm, &octets(&vec![5; length])]);
            let good = Envelope::new(&server.ra_certificate(), b"\x30\x00");
            Envelope { recipients: vec![recipient], ..good }.der()
        };
        for length in [0, 8, 15] {
            let (fail_info, text) = answer(server, &password(length)).await;
            assert_eq!((fail_info.as_str(), text.as_str()), CANNOT_OPEN);
        }
        assert_eq!(answer(server, &password(24)).await.0, "2");
    });
}

/// SCEP-61, SCEP-62
#[test]
fn ciphers_that_are_not_allowed_are_refused_by_name_or_as_forbidden() {
    scep(async |server| {
        let good = Envelope::new(&server.ra_certificate(), b"\x30\x00");
        for forbidden in ["1.2.840.113549.3.2", "1.2.840.113549.3.4", "2.16.840.1.101.3.4.1.6"] {
            let envelope = Envelope { cipher: forbidden, ..good.clone() };
            let told = answer(server, &envelope.der()).await;
            assert_eq!((told.0.as_str(), told.1.as_str()), ("0", "algorithm forbidden"), "{forbidden}");
        }
        let triple_des =
            Envelope::with_cipher(&server.ra_certificate(), b"\x30\x00", DES_EDE3_CBC, Wrap::Pkcs1);
        assert_eq!(answer(server, &triple_des.der()).await.1, "cipher 3DES-CBC not allowed");
        let des = Envelope::with_cipher(&server.ra_certificate(), b"\x30\x00", DES_CBC, Wrap::Pkcs1);
        assert_eq!(
            answer(server, &des.der()).await,
            ("0".to_owned(), "cipher DES-CBC not allowed".to_owned())
        );
        let long_iv = Envelope { iv: vec![0; 1000], ..good.clone() };
        assert_eq!(answer(server, &long_iv.der()).await.0, "0");
        let aead = content_info("1.2.840.113549.1.9.16.1.23", &seq(&[&int(&[0]), &set(&[]), &oid(DATA)]));
        assert_eq!(answer(server, &aead).await, ("0".to_owned(), "algorithm forbidden".to_owned()));
        assert_eq!(good.content_type, ENVELOPED_DATA);
    });
}

/// SCEP-42: what another device encrypted is of no use to who wraps it anew.
#[test]
fn a_rewrapped_envelope_tells_nothing_of_its_content() {
    scep(async |server| {
        let (victim, attacker) = (server.device(), server.device());
        let challenge = server.challenge(&victim).await;
        let envelope = Envelope::new(&server.ra_certificate(), &victim.csr(Some(&challenge)));
        let message = Message::new(&attacker, "19", &unique("rewrapped"), &envelope.der());
        let reply = server.post(&message.signed_by(&attacker)).await;
        assert_eq!(refusal(&reply), ("2", "the signer's key must be the request's key"));
        for place in [0, 20, envelope.encrypted.len() - 17, envelope.encrypted.len() - 1] {
            let mut changed = envelope.clone();
            changed.encrypted[place] ^= 1;
            let message = Message::new(&attacker, "19", &unique("rewrapped"), &changed.der());
            let reply = server.post(&message.signed_by(&attacker)).await;
            assert_eq!(refusal(&reply), CANNOT_OPEN);
        }
    });
}
