//! Refused SCEP requests: kept with their rule and their message sealed, explained, tried again without issuing.

use std::sync::Arc;

use axum::http::Request;
use signet::audit::Actor;
use signet::ca::records::CertificateRecord;
use signet::clock::Timestamp;
use signet::enrol::records::ChallengeRecord;
use signet::enrol::refused::explain::explain;
use signet::enrol::refused::replay::{Replay, Verdict, replay};
use signet::enrol::refused::{MessageRecord, Protocol, RefusedRecord};
use signet::enrol::scep_ra::RaSource;
use signet::id::RecordId;
use signet::store::{AuditFilter, Scan, Unit};
use signet::x509::name::Name;

use super::cert_rep::CertRep;
use super::der::octets;
use super::device::{Device, Hash};
use super::message::SENDER_NONCE;
use super::server::{Server, body, refusal};

/// The refused requests of a device, newest first.
async fn kept(server: &Server, device: &Device) -> Vec<RefusedRecord> {
    let db = &server.fixture.desk.authority.db;
    let all = db.all::<RefusedRecord>(Scan::all::<RefusedRecord>(RefusedRecord::BY_PROFILE)).await.unwrap();
    let name = format!("CN={}", device.name);
    let mut own: Vec<_> = all.into_iter().map(|stored| stored.value).collect();
    own.retain(|record| record.asked.subject.as_ref().is_some_and(|s| s.to_string() == name));
    own.reverse();
    own
}

async fn again(server: &Server, id: RecordId) -> Replay {
    let ra: Arc<dyn RaSource> = server.fixture.ra.clone();
    replay(&server.fixture.desk, Some(&*ra), id, Actor::Operator("ann".into())).await.unwrap()
}

/// As if an operator had made a challenge of these words for the device.
async fn make_challenge(server: &Server, device: &Device, secret: &str) {
    use sha2::Digest as _;
    let authority = &server.fixture.desk.authority;
    let now = authority.clock.now();
    let record = ChallengeRecord {
        id: RecordId::new(now, &authority.random).unwrap(),
        secret_hash: sha2::Sha256::digest(secret).into(),
        profile: "scep-device".parse().unwrap(),
        subject: Name::parse(&format!("CN={}", device.name)).unwrap(),
        sans: Vec::new(),
        expires: now.plus(std::time::Duration::from_secs(3600)),
        created_by: "operator ann".into(),
        used_for: None,
    };
    let mut unit = Unit::new();
    unit.insert(&record).unwrap();
    authority.db.commit(unit).await.unwrap();
}

async fn certificates(server: &Server, device: &Device) -> usize {
    let db = &server.fixture.desk.authority.db;
    let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_PROFILE);
    let all = db.all::<CertificateRecord>(scan).await.unwrap();
    let name = format!("CN={}", device.name);
    all.iter().filter(|stored| stored.value.subject.to_string() == name).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_challenge_is_kept_sealed_explained_and_tried_again() {
    let server = &Server::new().await;
    let (device, secret) = (server.device(), "k7mw2-not-yet-made");
    let message = server.request(&device, "19", &device.csr(Some(secret))).signed_by(&device);
    let request = Request::post("/scep?operation=PKIOperation").header("user-agent", "Cisco IOS 17.9");
    let answer = server.send(request.body(message.clone().into()).unwrap()).await;
    assert_eq!(refusal(&CertRep::read(&body(answer).await)), ("2", "challenge not accepted"));

    let found = kept(server, &device).await;
    let [record] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((record.protocol, record.profile.as_str()), (Protocol::Scep, "scep-device"));
    assert_eq!((&*record.code, &*record.rule), ("challenge-refused", "challenge not accepted"));
    assert_eq!(record.asked.key.as_deref(), Some("rsa-2048"));
    assert_eq!(record.asked.proof.as_deref(), Some("challenge"));
    assert!(record.asked.transaction.as_deref().unwrap().starts_with("transaction-"));
    assert_eq!(record.user_agent.as_deref(), Some("Cisco IOS 17.9"));
    assert!(record.requester.starts_with("scep 10."), "{}", record.requester);

    let db = &server.fixture.desk.authority.db;
    let sealed = db.get::<MessageRecord>(record.id.as_bytes()).await.unwrap().unwrap().value.sealed;
    assert!(!sealed.windows(64).any(|part| part == &message[100..164]), "the message lies open");

    let explained = explain(&server.fixture.desk, record);
    assert_eq!((&*explained.code, explained.stage), ("challenge-refused", "authorization"));
    let create = format!("signet challenge create --profile scep-device --subject 'CN={}'", device.name);
    assert!(explained.changes[0].text.contains(&create), "{:?}", explained.changes);
    let url = "enrollment url http://127.0.0.1:1/scep/scep-device";
    assert!(explained.devices.iter().any(|d| d.vendor == "Cisco" && d.hints.join(" ").contains(url)));

    let refused_again = Verdict::Refused { code: record.code.clone(), rule: record.rule.clone() };
    let replayed = again(server, record.id).await;
    assert_eq!((&replayed.now, replayed.differences.len()), (&refused_again, 0));

    make_challenge(server, &device, secret).await;
    for _ in 0..10 {
        let replayed = again(server, record.id).await;
        let Verdict::Issued { ca, subject, .. } = &replayed.now else { panic!("{replayed:?}") };
        assert_eq!((ca.as_str(), subject), ("rsa-issuing", record.asked.subject.as_ref().unwrap()));
        assert_eq!(replayed.differences, ["It is no longer refused."]);
    }
    assert_eq!(certificates(server, &device).await, 0, "a rehearsal issued");
    assert_eq!(kept(server, &device).await.len(), 1, "a rehearsal is no refusal");
    server.post(&message).await.certificate(&device);
    assert_eq!(certificates(server, &device).await, 1, "the challenge was not consumed by rehearsals");

    let filter = AuditFilter { action: Some("request.replay".into()), limit: 100, ..AuditFilter::default() };
    let events = db.raw().audit(filter).await.unwrap();
    let own = format!("request:{}", record.id);
    let own: Vec<_> = events.iter().filter(|entry| entry.event.subject == own).collect();
    assert_eq!(own.len(), 11);
    assert_eq!(own[0].event.details["now"], "would be issued");
    assert_eq!(own[10].event.details["now"], "challenge-refused");
    let refusals = AuditFilter { action: Some("enrol.refuse".into()), limit: 1000, ..AuditFilter::default() };
    let refusals = db.raw().audit(refusals).await.unwrap();
    let id = record.id.to_string();
    assert!(refusals.iter().any(|entry| entry.event.details.get("request") == Some(&id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_before_it_is_opened_is_kept_too() {
    let server = &Server::new().await;
    let device = server.device();
    let old = server.request(&device, "19", &device.csr(None)).hash(Hash::Sha1);
    let old = old.attribute(SENDER_NONCE, vec![octets(&[7; 8])]);
    assert_eq!(refusal(&server.post(&old.signed_by(&device)).await), ("0", "digest SHA-1 not allowed"));
    let update = server.request(&device, "18", &device.csr(None)).signed_by(&device);
    assert_eq!(refusal(&server.post(&update).await).0, "2");
    let found = kept(server, &device).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((&*found[0].code, &*found[1].code), ("scep-message-type", "cms-algorithm"));
    assert_eq!(found[1].traits, ["nonce-8", "digest-sha-1"]);
    let explained = explain(&server.fixture.desk, &found[1]);
    assert_eq!(explained.stage, "signature");
    assert!(explained.devices.iter().any(|device| device.vendor == "Apple"), "{explained:?}");
    for record in &found {
        assert!(matches!(again(server, record.id).await.now, Verdict::Refused { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_under_its_address_and_profile() {
    let server = &Server::new().await;
    let (status, text) = server.refused(b"\x30\x03\x02\x01\x07 is no SCEP message").await;
    assert_eq!(status, 400, "{text}");
    let db = &server.fixture.desk.authority.db;
    let scan = Scan::all::<RefusedRecord>(RefusedRecord::BY_CODE);
    let all = db.all::<RefusedRecord>(scan).await.unwrap();
    let record = all.into_iter().map(|s| s.value).find(|r| r.code == "bad-ber").unwrap();
    assert_eq!(record.asked.subject, None);
    let Verdict::Refused { code, .. } = again(server, record.id).await.now else { panic!() };
    assert_eq!(code, "bad-ber");
}

/// The signing time of a message that waits to be tried again is held against the day when it came.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_last_week_is_not_too_old_to_be_tried_again() {
    let server = &Server::new().await;
    let (device, secret) = (server.device(), "k7mw2-made-later");
    let message = server.request(&device, "19", &device.csr(Some(secret))).signed_by(&device);
    server.post(&message).await;
    let mut record = kept(server, &device).await.remove(0);
    let authority = &server.fixture.desk.authority;
    let earlier = Timestamp::from_millis(record.id.made_at().millis() - 7 * 86_400_000);
    let sealer = authority.keys.sealer("refused-message").unwrap();
    record.id = RecordId::new(earlier, &authority.random).unwrap();
    let sealed = sealer.seal(record.id.as_bytes(), &message).unwrap();
    let mut unit = Unit::new();
    unit.insert(&record).unwrap();
    unit.insert(&MessageRecord { request: record.id, sealed }).unwrap();
    authority.db.commit(unit).await.unwrap();
    make_challenge(server, &device, secret).await;
    assert!(matches!(again(server, record.id).await.now, Verdict::Issued { .. }));
}
