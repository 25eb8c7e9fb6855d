//! RSA keys of 1024 bits (feature `legacy`): served where a SCEP profile lists them, and nowhere else.

use signet::audit::Actor;
use signet::enrol::queue;
use signet::enrol::records::RequestRecord;
use signet::store::Scan;
use signet::x509::cert::Certificate;
use signet::x509::csr::{Csr, Leniency};

use super::device::{Device, Hash, Key};
use super::message::Message;
use super::server::{Server, refusal, scep, unique};
use crate::fixture::Fixture;

const OLD: &str = "scep-rsa-1024";
const OLD_MANUAL: &str = "scep-rsa-1024-manual";

/// The profiles of this file: AES and SHA-2, and old keys beside those of today.
pub fn profiles() -> [(&'static str, String); 2] {
    let keys = ("keys = [", "keys = [\"rsa-1024\", ");
    let manual = ("approval = \"challenge\"", "approval = \"manual\"");
    [
        (OLD, Fixture::profile("scep-device", &[keys])),
        (OLD_MANUAL, Fixture::profile("scep-device", &[keys, manual])),
    ]
}

fn old_device() -> Device {
    Device::with_key(&unique("old-key"), Key::rsa_1024(), &[1])
}

fn path(profile: &str) -> String {
    format!("/scep/{profile}")
}

async fn first_request(server: &Server, profile: &str, device: &Device) -> Message {
    let challenge = server.fixture.challenge(profile, &device.name).await;
    server.request(device, "19", &device.csr(Some(&challenge)))
}

#[test]
fn a_device_with_an_old_key_enrols_and_renews_with_a_warning_each_time() {
    scep(async |server| {
        for hash in [Hash::Sha256, Hash::Sha512] {
            let device = old_device();
            let message = first_request(server, OLD, &device).await.hash(hash).signed_by(&device);
            let first = server.post_to(&path(OLD), &message).await.certificate(&device);
            assert_eq!(Certificate::from_der(&first).unwrap().spki(), device.key.spki());
            assert_eq!(server.warnings(&device).await, ["rsa-1024"]);

            let holding = device.holding(&first);
            let message = server.request(&holding, "17", &device.csr(None)).signed_by(&holding);
            let renewed = server.post_to(&path(OLD), &message).await.certificate(&holding);
            assert_ne!(renewed, first);
            assert_eq!(server.warnings(&device).await, ["rsa-1024", "rsa-1024"]);

            // To a key of today, at last; the old one signs once more.
            let fresh = Key::new();
            let message = server.request(&holding, "17", &fresh.csr(&device.name, None)).signed_by(&holding);
            let moved = server.post_to(&path(OLD), &message).await.certificate(&holding);
            let modern = Device::with_key(&device.name, fresh, &[1]).holding(&moved);
            let message = server.request(&modern, "17", &modern.csr(None)).signed_by(&modern);
            server.post_to(&path(OLD), &message).await.certificate(&modern);
            assert_eq!(server.warnings(&device).await.len(), 3);
        }
    });
}

/// As scepclient does for ever.
#[test]
fn the_challenge_of_the_first_time_does_no_harm_to_a_renewal() {
    scep(async |server| {
        let device = old_device();
        let challenge = server.fixture.challenge(OLD, &device.name).await;
        let csr = device.csr(Some(&challenge));
        let message = server.request(&device, "19", &csr).signed_by(&device);
        let holding = device.holding(&server.post_to(&path(OLD), &message).await.certificate(&device));
        let message = server.request(&holding, "17", &csr).signed_by(&holding);
        server.post_to(&path(OLD), &message).await.certificate(&holding);
    });
}

#[test]
fn an_operator_approves_a_request_for_an_old_key_and_the_device_polls_it() {
    scep(async |server| {
        let device = old_device();
        let id = unique("old-key");
        let message = |kind: &str, content: &[u8]| {
            let message = server.request(&device, kind, content);
            let attribute = vec![super::der::printable(&id)];
            message.attribute(super::message::TRANSACTION_ID, attribute).signed_by(&device)
        };
        let reply = server.post_to(&path(OLD_MANUAL), &message("19", &device.csr(None))).await;
        assert_eq!(reply.status, "3");
        assert_eq!(server.warnings(&device).await, ["rsa-1024"]);
        let db = &server.fixture.desk.authority.db;
        let all = db.all::<RequestRecord>(Scan::all::<RequestRecord>(RequestRecord::BY_STATE)).await.unwrap();
        let subject = format!("CN={}", device.name);
        let waiting = all.iter().find(|r| r.value.subject.to_string() == subject).unwrap().value.id;
        let operator = Actor::Operator("officer".to_owned());
        queue::approve(&server.fixture.desk, waiting, None, operator).await.unwrap();
        let names = super::der::name(&device.name);
        let reply =
            server.post_to(&path(OLD_MANUAL), &message("20", &super::der::seq(&[&names, &names]))).await;
        reply.certificate(&device);
    });
}

#[test]
fn elsewhere_an_old_key_is_refused() {
    scep(async |server| {
        let device = old_device();
        let message = first_request(server, "scep-device", &device).await.signed_by(&device);
        let reply = server.post(&message).await;
        assert_eq!(refusal(&reply), ("2", "RSA key below 2048 bits"));
        // One that was issued is of no use with another profile.
        let message = first_request(server, OLD, &device).await.signed_by(&device);
        let holding = device.holding(&server.post_to(&path(OLD), &message).await.certificate(&device));
        let message = server.request(&holding, "17", &Key::new().csr(&device.name, None)).signed_by(&holding);
        assert_eq!(refusal(&server.post(&message).await), ("2", "RSA key below 2048 bits"));
        // In the request alone it stands inside the envelope, of which nothing is told.
        let signer = server.device();
        let challenge = server.fixture.challenge("scep-any-key", &signer.name).await;
        let csr = device.key.csr(&signer.name, Some(&challenge));
        let message = server.request(&signer, "19", &csr).signed_by(&signer);
        let reply = server.post_to("/scep/scep-any-key", &message).await;
        assert_eq!(refusal(&reply), ("1", "the envelope cannot be opened"));
        assert_eq!(server.warnings(&signer).await, [""; 0]);
        // What an operator brings is read as strictly as ever, whatever the profile.
        let refused = Csr::read(&device.csr(None), Leniency::Strict).unwrap_err();
        assert_eq!(refused.detail(), "RSA key below 2048 bits");
    });
}

#[test]
fn a_signature_by_an_old_key_that_does_not_hold_is_refused() {
    scep(async |server| {
        let device = old_device();
        let mut message = first_request(server, OLD, &device).await.signed_by(&device);
        *message.last_mut().unwrap() ^= 1;
        let reply = server.post_to(&path(OLD), &message).await;
        assert_eq!(refusal(&reply), ("1", "signature invalid"));
    });
}
