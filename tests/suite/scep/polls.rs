//! Requests that wait for an operator, and CertPoll (catalogue row SCEP-65; checklist A12).

use signet::audit::Actor;
use signet::ca::records::CertificateRecord;
use signet::ca::revoke::authority::revoke_ca;
use signet::ca::revoke::revoke;
use signet::enrol::queue;
use signet::enrol::records::RequestRecord;
use signet::id::RecordId;
use signet::store::Scan;
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;

use super::cert_rep::CertRep;
use super::der::{name, printable, seq};
use super::device::Device;
use super::message::{Message, TRANSACTION_ID};
use super::server::{Server, refusal, scep, unique};

const MANUAL: &str = "/scep/scep-manual";

/// A device whose request waits, and its transaction.
struct Waiting {
    device: Device,
    id: String,
}

impl Waiting {
    async fn begin(server: &Server) -> Self {
        let waiting = Self { device: server.device(), id: unique("waiting") };
        let first = waiting.message(server, &waiting.device, "19", &waiting.device.csr(None));
        let reply = server.post_to(MANUAL, &first.signed_by(&waiting.device)).await;
        assert_eq!((reply.status.as_str(), reply.content), ("3", None), "PENDING carries nothing");
        waiting
    }

    fn message(&self, server: &Server, device: &Device, message_type: &str, content: &[u8]) -> Message {
        let message = server.request(device, message_type, content);
        message.attribute(TRANSACTION_ID, vec![printable(&self.id)])
    }

    /// A poll with a self-signed certificate made for it, as Cisco IOS does, whose issuer is what the client believes.
    async fn poll(&self, server: &Server, serial: &[u8]) -> (Device, CertRep) {
        let as_device = self.device.holding(&self.device.key.self_signed(&unique("poll"), serial));
        let content = seq(&[&name("an issuer that nobody knows"), &name(&self.device.name)]);
        let message = self.message(server, &as_device, "20", &content).signed_by(&as_device);
        let reply = server.post_to(MANUAL, &message).await;
        (as_device, reply)
    }

    async fn request(&self, server: &Server) -> RecordId {
        let db = &server.fixture.desk.authority.db;
        let all = db.all::<RequestRecord>(Scan::all::<RequestRecord>(RequestRecord::BY_STATE)).await.unwrap();
        let own = format!("CN={}", self.device.name);
        all.iter().find(|r| r.value.subject.to_string() == own).unwrap().value.id
    }
}

fn operator() -> Actor {
    Actor::Operator("officer".to_owned())
}

#[test]
fn an_approved_request_is_answered_to_whoever_holds_its_key() {
    scep(async |server| {
        let waiting = Waiting::begin(server).await;
        for serial in [&[0x85][..], &[1], &[0xff, 0x7f, 0x01]] {
            assert_eq!(waiting.poll(server, serial).await.1.status, "3");
        }
        let id = waiting.request(server).await;
        let (_, issued) = queue::approve(&server.fixture.desk, id, None, operator()).await.unwrap();
        for serial in [&[0x85][..], &[1], &[0xff, 0x7f, 0x01], &[0x9c; 20]] {
            // `certificate` holds that the envelope names this very signer, issuer and serial byte for byte.
            let (as_device, reply) = waiting.poll(server, serial).await;
            assert_eq!(reply.certificate(&as_device), issued.record.der);
            assert_eq!(reply.transaction, waiting.id);
        }
        // The request itself, sent once more, is answered by the same certificate.
        let again = waiting.message(server, &waiting.device, "19", &waiting.device.csr(None));
        let reply = server.post_to(MANUAL, &again.signed_by(&waiting.device)).await;
        assert_eq!(reply.certificate(&waiting.device), issued.record.der);
    });
}

#[test]
fn a_denied_request_fails_with_the_operator_s_reason() {
    scep(async |server| {
        let waiting = Waiting::begin(server).await;
        let id = waiting.request(server).await;
        let comment = Some("not in the inventory".to_owned());
        queue::deny(&server.fixture.desk, id, comment, operator()).await.unwrap();
        let told = ("2", "the request was denied: not in the inventory");
        assert_eq!(refusal(&waiting.poll(server, &[1]).await.1), told);
        let again = waiting.message(server, &waiting.device, "19", &waiting.device.csr(None));
        let reply = server.post_to(MANUAL, &again.signed_by(&waiting.device)).await;
        assert_eq!(refusal(&reply), told);
    });
}

/// SCEP-65
#[test]
fn a_poll_is_bound_to_transaction_key_and_profile() {
    scep(async |server| {
        let waiting = Waiting::begin(server).await;
        let none = ("2", "no such transaction");
        let stranger = server.device();
        let message = waiting.message(server, &stranger, "20", b"\x30\x00").signed_by(&stranger);
        assert_eq!(refusal(&server.post_to(MANUAL, &message).await), none);
        let own = waiting.message(server, &waiting.device, "20", b"\x30\x00").signed_by(&waiting.device);
        assert_eq!(refusal(&server.post_to("/scep", &own).await), none, "another profile's transaction");
        let unknown = server.request(&waiting.device, "20", b"\x30\x00").signed_by(&waiting.device);
        assert_eq!(refusal(&server.post_to(MANUAL, &unknown).await), none);
    });
}

#[test]
fn a_revoked_certificate_is_not_fetched_by_a_poll() {
    scep(async |server| {
        let waiting = Waiting::begin(server).await;
        let id = waiting.request(server).await;
        let (_, issued) = queue::approve(&server.fixture.desk, id, None, operator()).await.unwrap();
        let authority = &server.fixture.desk.authority;
        let serial = Certificate::from_der(&issued.record.der).unwrap().serial().clone();
        revoke(authority, &serial, Reason::Superseded, Actor::System).await.unwrap();
        let told = ("2", "the certificate of this request was revoked");
        assert_eq!(refusal(&waiting.poll(server, &[1]).await.1), told);
        let found =
            authority.db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, serial.content()).await;
        assert!(found.unwrap().is_some());
    });
}

/// Neither a new request nor one that waits gets a certificate from a revoked CA.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_ca_gives_nothing_over_scep() {
    let server = &Server::new().await;
    let waiting = Waiting::begin(server).await;
    let id = waiting.request(server).await;
    let (desk, ca) = (&server.fixture.desk, "rsa-issuing".parse().unwrap());
    revoke_ca(&desk.authority, &ca, Reason::CaCompromise.into(), None, operator()).await.unwrap();
    let refused = queue::approve(desk, id, None, operator()).await.unwrap_err();
    assert_eq!(refused.code(), "ca-revoked");
    let device = server.device();
    let message = server.request(&device, "19", &device.csr(None)).signed_by(&device);
    let reply = server.post_to(MANUAL, &message).await;
    let (fail_info, text) = refusal(&reply);
    assert!(fail_info == "2" && text.starts_with("the CA rsa-issuing was revoked at"), "{text}");
}
