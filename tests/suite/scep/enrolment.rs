//! Catalogue rows SCEP-31 to SCEP-41, SCEP-71: first enrolments.

use signet::x509::cert::Certificate;

use super::der::printable;
use super::device::{Device, Hash, Key};
use super::envelope::Envelope;
use super::message::{Message, TRANSACTION_ID};
use super::server::{refusal, scep, unique};
use crate::openssl::openssl;

#[test]
fn a_device_with_a_challenge_gets_a_certificate_that_openssl_verifies() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await;
        let reply = server.post(&message.signed_by(&device)).await;
        assert_eq!(reply.digest, "SHA-256", "the request's digest is mirrored");
        assert_eq!(reply.recipient_nonce, Some(vec![0x5a; 16]));
        let leaf = Certificate::from_der(&reply.certificate(&device)).unwrap();
        assert_eq!(leaf.spki(), device.key.spki());
        assert_eq!(leaf.subject().to_string(), format!("CN={}", device.name));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let hierarchy = server.fixture.desk.authority.hierarchy();
        let chain = &hierarchy.require(&"rsa-issuing".parse().unwrap()).unwrap().chain;
        std::fs::write(path("leaf"), leaf.pem()).unwrap();
        std::fs::write(path("issuing"), chain[0].pem()).unwrap();
        std::fs::write(path("root"), chain[1].pem()).unwrap();
        let (issuing, root) = (path("issuing"), path("root"));
        openssl(&["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &issuing, &path("leaf")], b"");
    });
}

/// openssl alone reads the reply: signature, envelope, content.
#[test]
fn openssl_opens_a_cert_rep() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await.signed_by(&device);
        let uri = "/scep?operation=PKIOperation";
        let request = axum::http::Request::post(uri).body(axum::body::Body::from(message)).unwrap();
        let reply = super::server::body(server.send(request).await).await;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("ra"), server.ra_certificate().pem()).unwrap();
        std::fs::write(path("key"), &*device.key.pkcs8).unwrap();
        std::fs::write(path("cert"), &device.certificate).unwrap();
        let (ra, key, cert) = (path("ra"), path("key"), path("cert"));
        let verify =
            ["cms", "-verify", "-inform", "DER", "-binary", "-noverify", "-nointern", "-certfile", &ra];
        let envelope = openssl(&verify, &reply);
        let pem = openssl(&["x509", "-inform", "DER", "-in", &cert], b"");
        std::fs::write(&cert, pem).unwrap();
        let decrypt = ["cms", "-decrypt", "-inform", "DER", "-binary", "-recip", &cert, "-inkey", &key];
        let certs_only = openssl(&[&decrypt[..], &["-keyform", "DER"]].concat(), &envelope);
        let printed = openssl(&["pkcs7", "-inform", "DER", "-print_certs", "-noout"], &certs_only);
        assert!(String::from_utf8(printed).unwrap().contains(&format!("CN = {}", device.name)));
    });
}

#[test]
fn replies_mirror_the_digest_and_never_sign_with_sha1() {
    scep(async |server| {
        for (hash, mirrored) in
            [(Hash::Sha256, "SHA-256"), (Hash::Sha384, "SHA-384"), (Hash::Sha512, "SHA-512")]
        {
            let device = server.device();
            let message = server.first_request(&device).await.hash(hash);
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!((reply.status.as_str(), reply.digest.as_str()), ("0", mirrored));
        }
        let device = server.device();
        let challenge = server.fixture.challenge("scep-old", &device.name).await;
        let message = server.request(&device, "19", &device.csr(Some(&challenge))).hash(Hash::Sha1);
        let reply = server.post_to("/scep/scep-old", &message.signed_by(&device)).await;
        assert_eq!((reply.status.as_str(), reply.digest.as_str()), ("0", "SHA-256"));
    });
}

/// SCEP-31
#[test]
fn a_request_that_is_sent_again_gets_the_same_certificate_in_a_fresh_reply() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await.signed_by(&device);
        let (first, second) = (server.post(&message).await, server.post(&message).await);
        assert_eq!(first.certificate(&device), second.certificate(&device));
        assert_ne!(first.sender_nonce, second.sender_nonce);
    });
}

/// SCEP-32
#[test]
fn a_transaction_belongs_to_the_key_that_began_it() {
    scep(async |server| {
        let (device, other) = (server.device(), server.device());
        let id = unique("shared");
        let with_id = |message: Message| message.attribute(TRANSACTION_ID, vec![printable(&id)]);
        let first = with_id(server.first_request(&device).await);
        server.post(&first.signed_by(&device)).await.certificate(&device);
        let second = with_id(server.first_request(&other).await);
        let reply = server.post(&second.signed_by(&other)).await;
        assert_eq!(refusal(&reply), ("2", "transactionID in use by another key"));
    });
}

/// SCEP-34
#[test]
fn two_copies_at_once_get_one_certificate() {
    scep(async |server| {
        for _ in 0..5 {
            let device = server.device();
            let message = server.first_request(&device).await.signed_by(&device);
            let (a, b) = tokio::join!(server.post(&message), server.post(&message));
            assert_eq!(a.certificate(&device), b.certificate(&device));
        }
    });
}

/// SCEP-35
#[test]
fn without_a_challenge_nothing_is_issued() {
    scep(async |server| {
        for challenge in [None, Some("")] {
            let device = server.device();
            let message = server.request(&device, "19", &device.csr(challenge));
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("2", "challenge required"));
        }
    });
}

/// SCEP-37, SCEP-38
#[test]
fn a_challenge_serves_one_key_and_the_identity_it_was_made_for() {
    scep(async |server| {
        let device = server.device();
        let challenge = server.challenge(&device).await;
        let other = Device::new("somebody-else");
        let message = server.request(&other, "19", &other.csr(Some(&challenge)));
        let reply = server.post(&message.signed_by(&other)).await;
        assert_eq!(refusal(&reply), ("2", "challenge not valid for this identity"));
        let message = server.request(&device, "19", &device.csr(Some(&challenge)));
        server.post(&message.signed_by(&device)).await.certificate(&device);
        let twin = Device::new(&device.name);
        let message = server.request(&twin, "19", &twin.csr(Some(&challenge)));
        let reply = server.post(&message.signed_by(&twin)).await;
        assert_eq!(refusal(&reply).0, "2");
        assert!(!refusal(&reply).1.contains(&challenge));
    });
}

/// SCEP-41
#[test]
fn the_signer_s_key_is_the_request_s_unless_the_profile_says_otherwise() {
    scep(async |server| {
        for (profile, issued) in [("scep-any-key", true), ("scep-device", false)] {
            let device = server.device();
            let challenge = server.fixture.challenge(profile, &device.name).await;
            let csr = Key::new().csr(&device.name, Some(&challenge));
            let message = server.request(&device, "19", &csr);
            let reply = server.post_to(&format!("/scep/{profile}"), &message.signed_by(&device)).await;
            if issued {
                let leaf = Certificate::from_der(&reply.certificate(&device)).unwrap();
                assert_ne!(leaf.spki(), device.key.spki());
            } else {
                assert_eq!(refusal(&reply), ("2", "the signer's key must be the request's key"));
            }
        }
    });
}

/// SCEP-71
#[test]
fn a_negative_serial_comes_back_as_it_was_sent() {
    scep(async |server| {
        for serial in [&[0x80][..], &[0xff, 0x00, 0x01], &[0x00], &[0x9c; 20]] {
            let device = Device::with_serial(&unique("negative"), serial);
            let message = server.first_request(&device).await;
            server.post(&message.signed_by(&device)).await.certificate(&device);
        }
    });
}

#[test]
fn apple_s_csr_version_is_read() {
    scep(async |server| {
        let device = server.device();
        let challenge = server.challenge(&device).await;
        let csr = device.key.csr_with_version(&device.name, Some(&challenge), 1);
        let message = server.request(&device, "19", &csr);
        server.post(&message.signed_by(&device)).await.certificate(&device);
    });
}

/// A stranger is not told that it was the request's signature: renewal.rs has the device that is (SCEP-51).
#[test]
fn a_csr_without_proof_of_possession_is_refused_in_a_valid_message() {
    scep(async |server| {
        let device = server.device();
        let mut csr = device.csr(None);
        *csr.last_mut().unwrap() ^= 1;
        let reply = server.post(&server.request(&device, "19", &csr).signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("1", "the envelope cannot be opened"));
    });
}

#[test]
fn a_request_by_the_split_ra_is_opened_by_one_key_and_answered_by_the_other() {
    scep(async |server| {
        use signet::ca::profile::RaMode;
        use signet::enrol::scep_ra::RaSource;
        let ra = server.fixture.ra.ra(&"rsa-issuing".parse().unwrap(), RaMode::Split).unwrap();
        let device = server.device();
        let challenge = server.fixture.challenge("scep-split", &device.name).await;
        let envelope = Envelope::new(&ra.encryption, &device.csr(Some(&challenge)));
        let message = Message::new(&device, "19", &unique("split"), &envelope.der());
        let reply = server.post_to("/scep/scep-split", &message.signed_by(&device)).await;
        reply.certificate(&device);
    });
}
