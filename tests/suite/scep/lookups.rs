//! GetCert and GetCRL: catalogue rows SCEP-67 and SCEP-68, checklist A8 and A13.

use signet::audit::Actor;
use signet::ca::crl::{CrlChange, configure, publish};
use signet::ca::revoke::revoke;
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;

use super::der::{int, name, printable, seq};
use super::device::{Device, Key};
use super::message::TRANSACTION_ID;
use super::server::{Server, refusal, scep};
use crate::openssl::openssl;

const NOT_GIVEN: (&str, &str) = ("4", "no such certificate or CRL is given out over SCEP");
/// What sscep writes into every one of these.
const SSCEP: &str = "SSCEP transactionId";

fn named(certificate: &[u8]) -> Vec<u8> {
    let certificate = Certificate::from_der(certificate).unwrap();
    seq(&[certificate.issuer().der(), &int(certificate.serial().content())])
}

async fn ask(
    server: &Server,
    device: &Device,
    message_type: &str,
    content: &[u8],
) -> super::cert_rep::CertRep {
    let message = server.request(device, message_type, content);
    let message = message.attribute(TRANSACTION_ID, vec![printable(SSCEP)]);
    server.post(&message.signed_by(device)).await
}

#[test]
fn a_device_gets_its_own_certificate_again_and_again() {
    scep(async |server| {
        for _ in 0..2 {
            let device = server.enrolled().await;
            let own = named(&device.certificate);
            for _ in 0..2 {
                let reply = ask(server, &device, "21", &own).await;
                assert_eq!(reply.certificates(&device), std::slice::from_ref(&device.certificate));
            }
            // Also where it signs with a certificate of its own making: the key is what counts.
            let self_signed = device.holding(&device.key.self_signed("anybody", &[0x80]));
            let reply = ask(server, &self_signed, "21", &own).await;
            assert_eq!(reply.certificate(&self_signed), device.certificate);
        }
    });
}

/// SCEP-67
#[test]
fn certificates_of_others_are_not_given_out() {
    scep(async |server| {
        let (device, other) = (server.enrolled().await, server.enrolled().await);
        let own = Certificate::from_der(&device.certificate).unwrap();
        let unknown = seq(&[own.issuer().der(), &int(&[0x11; 16])]);
        let other_issuer = seq(&[&name("somebody"), &int(own.serial().content())]);
        for content in
            [named(&other.certificate), unknown, other_issuer, named(server.ra_certificate().der())]
        {
            // A device of its own for each: wrong questions are counted.
            let asking = Device { key: device.key.clone(), ..server.enrolled().await };
            let asking = asking.holding(&device.certificate);
            assert_eq!(refusal(&ask(server, &asking, "21", &content).await), NOT_GIVEN);
        }
    });
}

/// SCEP-68
#[test]
fn the_latest_crl_of_a_ca_of_ours_is_given_and_nothing_with_it() {
    scep(async |server| {
        let device = server.enrolled().await;
        let authority = &server.fixture.desk.authority;
        let gone = server.enrolled().await;
        let serial = Certificate::from_der(&gone.certificate).unwrap().serial().clone();
        revoke(authority, &serial, Reason::KeyCompromise, Actor::System).await.unwrap();
        publish(authority, &"rsa-issuing".parse().unwrap()).await.unwrap();
        let reply = ask(server, &device, "22", &named(&device.certificate)).await;
        let crl = reply.crl(&device);
        let printed = openssl(&["crl", "-inform", "DER", "-noout", "-text"], &crl);
        assert!(String::from_utf8(printed).unwrap().contains(&serial.to_string()));
        // The issuing CA's own certificate stands on the root's list.
        let hierarchy = authority.hierarchy();
        let issuing = &hierarchy.require(&"rsa-issuing".parse().unwrap()).unwrap().chain[0];
        let root = ask(server, &device, "22", &named(issuing.der())).await.crl(&device);
        let printed = openssl(&["crl", "-inform", "DER", "-noout", "-issuer"], &root);
        assert!(String::from_utf8(printed).unwrap().contains("Signet RSA Root CA"));
    });
}

/// SCEP-68, of a CA whose CRL is spread over shards: a device gets the one that its certificate points to.
#[tokio::test]
async fn of_several_crls_the_one_that_the_certificate_points_to_is_given() {
    let server = &Server::new().await;
    let before = server.enrolled().await;
    let authority = &server.fixture.desk.authority;
    let change = CrlChange { shards: Some(2), ..CrlChange::default() };
    configure(authority, &"rsa-issuing".parse().unwrap(), change, Actor::System).await.unwrap();
    let after = server.enrolled().await;
    for (device, slashes) in [(&before, 4), (&after, 5)] {
        let crl = ask(server, device, "22", &named(&device.certificate)).await.crl(device);
        let certificate = openssl(&["x509", "-inform", "DER", "-noout", "-text"], &device.certificate);
        let certificate = String::from_utf8(certificate).unwrap();
        let point = certificate.lines().find(|line| line.contains("/crl/")).unwrap().trim();
        let crl = openssl(&["crl", "-inform", "DER", "-noout", "-text"], &crl);
        assert!(String::from_utf8(crl).unwrap().contains(point), "{point}");
        assert_eq!(point.matches('/').count(), slashes, "{point}");
    }
}

/// SCEP-68
#[test]
fn a_crl_of_another_issuer_is_not_given_out() {
    scep(async |server| {
        let device = server.enrolled().await;
        let foreign = seq(&[&name("Somebody Else's CA"), &int(&[1])]);
        assert_eq!(refusal(&ask(server, &device, "22", &foreign).await), NOT_GIVEN);
        let hierarchy = server.fixture.desk.authority.hierarchy();
        let other = &hierarchy.require(&"ec-issuing".parse().unwrap()).unwrap().chain[0];
        let of_another_service = seq(&[other.subject().der(), &int(&[1])]);
        assert_eq!(refusal(&ask(server, &device, "22", &of_another_service).await), NOT_GIVEN);
    });
}

/// SCEP-42: somebody's recorded request, sent again as another type of message, tells nothing of itself.
#[test]
fn whatever_fails_there_is_answered_alike() {
    scep(async |server| {
        let victim = server.device();
        let challenge = server.challenge(&victim).await;
        let csr = victim.csr(Some(&challenge));
        for message_type in ["21", "22"] {
            for content in [&csr[..], b"\x30\x00", b"no ASN.1", b""] {
                let attacker = server.device();
                assert_eq!(refusal(&ask(server, &attacker, message_type, content).await), NOT_GIVEN);
            }
            let attacker = server.device();
            let mut spoilt = server.request(&attacker, message_type, &csr);
            let end = spoilt.content.len() - 1;
            spoilt.content[end] ^= 1;
            assert_eq!(refusal(&server.post(&spoilt.signed_by(&attacker)).await), NOT_GIVEN);
        }
    });
}

#[test]
fn an_ec_key_is_told_that_it_cannot_be_answered() {
    scep(async |server| {
        let device = Device { key: Key::ec(), ..server.device() };
        let device = device.holding(&device.key.self_signed(&device.name, &[1]));
        let reply = ask(server, &device, "21", &named(&server.enrolled().await.certificate)).await;
        assert_eq!(refusal(&reply).0, "0");
    });
}
