//! Catalogue rows SCEP-28, SCEP-45 to SCEP-51: renewals.

use signet::audit::Actor;
use signet::ca::revoke::revoke;
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;

use super::der::name;
use super::device::Key;
use super::server::{refusal, scep};

#[test]
fn a_device_renews_with_its_certificate_by_either_message_type() {
    scep(async |server| {
        for message_type in ["17", "19"] {
            let device = server.enrolled().await;
            let message = server.request(&device, message_type, &device.csr(None));
            let renewed = server.post(&message.signed_by(&device)).await.certificate(&device);
            assert_ne!(renewed, device.certificate, "a new certificate");
            let (old, new) = (
                Certificate::from_der(&device.certificate).unwrap(),
                Certificate::from_der(&renewed).unwrap(),
            );
            assert_eq!(old.subject(), new.subject());
            let fresh = Key::new();
            let message = server.request(&device, message_type, &fresh.csr(&device.name, None));
            let rekeyed = server.post(&message.signed_by(&device)).await.certificate(&device);
            assert_eq!(Certificate::from_der(&rekeyed).unwrap().spki(), fresh.spki());
        }
    });
}

/// SCEP-28, SCEP-45
#[test]
fn only_a_certificate_of_ours_renews() {
    scep(async |server| {
        let refused = ("2", "renewal signer is not a certificate of this CA");
        let device = server.device();
        let challenge = server.challenge(&device).await;
        let message = server.request(&device, "17", &device.csr(Some(&challenge)));
        assert_eq!(refusal(&server.post(&message.signed_by(&device)).await), refused);

        // Our issuer's name and the serial of a real certificate, signed by somebody else.
        let real = server.enrolled().await;
        let ours = Certificate::from_der(&real.certificate).unwrap();
        let mallory = Key::new();
        let forged = mallory.certificate(
            ours.issuer().der(),
            &name(&real.name),
            ours.serial().content(),
            &device.key.spki(),
        );
        let forger = device.holding(&forged);
        let message = server.request(&forger, "17", &forger.key.csr(&real.name, None));
        assert_eq!(refusal(&server.post(&message.signed_by(&forger)).await), refused);
        let message = server.request(&forger, "19", &forger.key.csr(&real.name, None));
        assert_eq!(refusal(&server.post(&message.signed_by(&forger)).await), ("2", "challenge required"));
    });
}

/// SCEP-47
#[test]
fn a_certificate_of_another_profile_does_not_renew_by_this_one() {
    scep(async |server| {
        let device = server.enrolled().await;
        let message = server.request(&device, "17", &device.csr(None));
        let reply = server.post_to("/scep/scep-old", &message.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "profile mismatch"));
    });
}

/// SCEP-48
#[test]
fn a_renewal_keeps_its_identity() {
    scep(async |server| {
        let device = server.enrolled().await;
        let message = server.request(&device, "17", &Key::new().csr("somebody-else", None));
        let reply = server.post(&message.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "identity change not allowed on renewal"));
    });
}

/// SCEP-50
#[test]
fn a_wrong_challenge_is_refused_even_where_none_is_needed() {
    scep(async |server| {
        let device = server.enrolled().await;
        let message = server.request(&device, "17", &device.csr(Some("wrong")));
        assert_eq!(refusal(&server.post(&message.signed_by(&device)).await).0, "2");
    });
}

/// SCEP-51
#[test]
fn a_renewal_proves_the_new_key() {
    scep(async |server| {
        let device = server.enrolled().await;
        let mut csr = device.csr(None);
        *csr.last_mut().unwrap() ^= 1;
        let reply = server.post(&server.request(&device, "17", &csr).signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "CSR proof of possession failed"));
    });
}

#[test]
fn a_revoked_certificate_renews_nothing() {
    scep(async |server| {
        let device = server.enrolled().await;
        let serial = Certificate::from_der(&device.certificate).unwrap().serial().clone();
        let authority = &server.fixture.desk.authority;
        revoke(authority, &serial, Reason::KeyCompromise, Actor::System).await.unwrap();
        for message_type in ["17", "19"] {
            let message = server.request(&device, message_type, &device.csr(None));
            assert_eq!(refusal(&server.post(&message.signed_by(&device)).await).0, "2");
        }
    });
}

/// certmonger and scepclient send the challenge that they enrolled with along with every renewal.
#[test]
fn a_spent_challenge_may_accompany_a_renewal_of_the_same_identity_alone() {
    scep(async |server| {
        let device = server.device();
        let challenge = server.challenge(&device).await;
        let first = server.request(&device, "19", &device.csr(Some(&challenge)));
        let certificate = server.post(&first.signed_by(&device)).await.certificate(&device);
        let enrolled = device.holding(&certificate);
        for message_type in ["17", "19"] {
            let csr = Key::new().csr(&device.name, Some(&challenge));
            let message = server.request(&enrolled, message_type, &csr);
            let renewed = server.post(&message.signed_by(&enrolled)).await.certificate(&enrolled);
            assert_ne!(renewed, certificate);
        }
        let other = server.enrolled().await;
        let message = server.request(&other, "17", &Key::new().csr(&other.name, Some(&challenge)));
        let reply = server.post(&message.signed_by(&other)).await;
        assert_eq!(refusal(&reply), ("2", "challenge not accepted"));
        // Without the live certificate it is spent.
        let stranger = server.device();
        let message = server.request(&stranger, "19", &stranger.key.csr(&device.name, Some(&challenge)));
        let reply = server.post(&message.signed_by(&stranger)).await;
        assert_eq!(refusal(&reply), ("2", "challenge not accepted"));
    });
}
