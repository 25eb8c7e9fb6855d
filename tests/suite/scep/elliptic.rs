//! Requesters with an EC key: the reply is encrypted by the challenge password (RFC 8894 §3.1), judged by openssl.

use signet::audit::Actor;
use signet::enrol::queue;
use signet::enrol::records::{ReplyPasswordRecord, RequestRecord, TransactionRecord};
use signet::store::{Scan, Stored};
use signet::x509::cert::Certificate;

use super::der::printable;
use super::device::Device;
use super::message::{Message, TRANSACTION_ID};
use super::server::{Server, refusal, scep, unique};
use crate::openssl::try_openssl;

const MANUAL: &str = "/scep/scep-manual";
const NO_WAY: (&str, &str) =
    ("0", "the reply cannot be encrypted to an EC key: send a challenge password, or use an RSA key");

async fn enrolled(server: &Server) -> (Device, String) {
    let device = Device::ec(&unique("elliptic"));
    let challenge = server.challenge(&device).await;
    let message = server.request(&device, "19", &device.csr(Some(&challenge))).signed_by(&device);
    let certificate = server.post(&message).await.certificates_by(&challenge).remove(0);
    (device.holding(&certificate), challenge)
}

#[test]
fn an_ec_key_enrols_and_openssl_opens_the_reply_with_the_challenge() {
    scep(async |server| {
        let device = Device::ec(&unique("elliptic"));
        let challenge = server.challenge(&device).await;
        let message = server.request(&device, "19", &device.csr(Some(&challenge))).signed_by(&device);
        let reply = server.post(&message).await;
        let issued = reply.certificates_by(&challenge);
        assert_eq!(issued.len(), 1);
        let leaf = Certificate::from_der(&issued[0]).unwrap();
        assert_eq!(leaf.spki(), device.key.spki());
        let wrong = ["cms", "-decrypt", "-inform", "DER", "-pwri_password", "wrong"];
        assert!(try_openssl(&wrong, reply.content.as_ref().unwrap()).is_err());
        // A retransmission is answered again, by the same certificate.
        assert_eq!(server.post(&message).await.certificates_by(&challenge), issued);
        assert!(kept(server, &device).await.is_empty(), "nothing waits: no password is kept");
    });
}

#[test]
fn every_cipher_of_the_request_wraps_the_key_of_the_reply() {
    scep(async |server| {
        use super::envelope::{AES_128_CBC, AES_192_CBC, AES_256_CBC, DES_EDE3_CBC, Envelope, Wrap};
        for (profile, cipher) in [
            ("scep-device", AES_128_CBC),
            ("scep-device", AES_192_CBC),
            ("scep-device", AES_256_CBC),
            ("scep-old", DES_EDE3_CBC),
        ] {
            let device = Device::ec(&unique("elliptic"));
            let challenge = server.fixture.challenge(profile, &device.name).await;
            let csr = device.csr(Some(&challenge));
            let envelope = Envelope::with_cipher(&server.ra_certificate(), &csr, cipher, Wrap::Pkcs1);
            let message = Message::new(&device, "19", &unique("cipher"), &envelope.der());
            let reply = server.post_to(&format!("/scep/{profile}"), &message.signed_by(&device)).await;
            let leaf = reply.certificates_by(&challenge).remove(0);
            assert_eq!(Certificate::from_der(&leaf).unwrap().spki(), device.key.spki(), "{cipher}");
        }
    });
}

/// Checklist A9: refused before anything is issued.
#[test]
fn an_ec_key_without_a_challenge_is_refused_before_anything_is_issued() {
    scep(async |server| {
        let device = Device::ec(&unique("elliptic"));
        for path in ["/scep", MANUAL] {
            let message = server.request(&device, "19", &device.csr(None)).signed_by(&device);
            assert_eq!(refusal(&server.post_to(path, &message).await), NO_WAY);
        }
        let (device, _) = enrolled(server).await;
        for message_type in ["17", "19"] {
            let message = server.request(&device, message_type, &device.csr(None)).signed_by(&device);
            assert_eq!(refusal(&server.post(&message).await), NO_WAY, "a renewal too");
        }
    });
}

#[test]
fn an_ec_key_renews_with_a_challenge_that_was_made_for_it() {
    scep(async |server| {
        let (device, used) = enrolled(server).await;
        let message = server.request(&device, "17", &device.csr(Some(&used))).signed_by(&device);
        assert_eq!(refusal(&server.post(&message).await), ("2", "challenge not accepted"));
        let challenge = server.challenge(&device).await;
        let message = server.request(&device, "17", &device.csr(Some(&challenge))).signed_by(&device);
        let renewed = server.post(&message).await.certificates_by(&challenge).remove(0);
        assert_ne!(renewed, device.certificate);
        assert_eq!(Certificate::from_der(&renewed).unwrap().spki(), device.key.spki());
    });
}

/// A wrong challenge is no way to a certificate, whatever it would have encrypted.
#[test]
fn the_password_of_a_reply_proves_nothing_where_a_challenge_is_needed() {
    scep(async |server| {
        let device = Device::ec(&unique("elliptic"));
        let message = server.request(&device, "19", &device.csr(Some("of my own making"))).signed_by(&device);
        assert_eq!(refusal(&server.post(&message).await), ("2", "challenge not accepted"));
    });
}

/// An EC request that waits, with the password it sent.
async fn waiting(server: &Server, password: &str) -> (Device, String) {
    let (device, id) = (Device::ec(&unique("elliptic")), unique("waiting"));
    let first = with_id(server.request(&device, "19", &device.csr(Some(password))), &id);
    let reply = server.post_to(MANUAL, &first.signed_by(&device)).await;
    assert_eq!(reply.status, "3", "{reply:?}");
    (device, id)
}

fn with_id(message: Message, id: &str) -> Message {
    message.attribute(TRANSACTION_ID, vec![printable(id)])
}

async fn poll(server: &Server, device: &Device, id: &str) -> super::cert_rep::CertRep {
    let again = device.holding(&device.key.self_signed(&unique("poll"), &[0x81]));
    let message = with_id(server.request(&again, "20", b"\x30\x00"), id).signed_by(&again);
    server.post_to(MANUAL, &message).await
}

async fn request_of(server: &Server, device: &Device) -> RequestRecord {
    let db = &server.fixture.desk.authority.db;
    let all = db.all::<RequestRecord>(Scan::all::<RequestRecord>(RequestRecord::BY_STATE)).await.unwrap();
    let own = format!("CN={}", device.name);
    all.into_iter().map(|r| r.value).find(|r| r.subject.to_string() == own).unwrap()
}

/// The passwords that are kept for transactions of this device.
async fn kept(server: &Server, device: &Device) -> Vec<Stored<ReplyPasswordRecord>> {
    let db = &server.fixture.desk.authority.db;
    let scan = Scan::all::<ReplyPasswordRecord>(ReplyPasswordRecord::BY_EXPIRY);
    let key = signet::x509::key::PublicKey::from_spki(&device.key.spki()).unwrap().fingerprint();
    let mut found = Vec::new();
    for stored in db.all::<ReplyPasswordRecord>(scan).await.unwrap() {
        let transaction = db.get::<TransactionRecord>(&stored.value.transaction).await.unwrap();
        if transaction.is_some_and(|t| t.value.signer_key == key) {
            found.push(stored);
        }
    }
    found
}

#[test]
fn the_password_is_kept_sealed_while_the_request_waits_and_opens_the_answer_to_a_poll() {
    scep(async |server| {
        let password = "a password for the reply alone";
        let (device, id) = waiting(server, password).await;
        assert_eq!(poll(server, &device, &id).await.status, "3");
        let before = kept(server, &device).await.remove(0).value;
        assert!(!before.sealed.windows(password.len()).any(|w| w == password.as_bytes()));

        let request = request_of(server, &device).await;
        let operator = Actor::Operator("officer".to_owned());
        let (_, issued) = queue::approve(&server.fixture.desk, request.id, None, operator).await.unwrap();
        for _ in 0..2 {
            let reply = poll(server, &device, &id).await;
            assert_eq!(reply.certificates_by(password), std::slice::from_ref(&issued.record.der));
        }
        let after = kept(server, &device).await.remove(0).value;
        assert!(after.expires < before.expires, "it was fetched: kept for a day, not for a month");
    });
}

#[test]
fn a_denial_forgets_the_password() {
    scep(async |server| {
        let (device, id) = waiting(server, "a password for nothing").await;
        let request = request_of(server, &device).await;
        let operator = Actor::Operator("officer".to_owned());
        queue::deny(&server.fixture.desk, request.id, None, operator).await.unwrap();
        assert_eq!(refusal(&poll(server, &device, &id).await), ("2", "the request was denied"));
        assert!(kept(server, &device).await.is_empty());
    });
}
