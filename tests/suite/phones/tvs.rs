//! TVS, asked by a client that was written from the description alone, and held against its answers byte for byte.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signet::audit::Actor;
use signet::ca::records::serials::Reference;
use signet::ca::revoke::{Revocation, release, revoke};
use signet::server::tvs::End;
use signet::trust::anchor;
use signet::trust::records::{AnchorRecord, ListKind};
use signet::trust::role::Role;
use signet::x509::crl::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::estate::Estate;

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/python");
const PHONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/phones/tvs.py");
pub(super) const DEVICE: &str = "CP-8845-SEP0123456789AB";

/// Runs the program from the description; one line in, one line out.
pub(super) async fn phone(arguments: &[&str], lines: Vec<String>) -> Vec<String> {
    let mut command = Command::new(PYTHON);
    command.arg(PHONE).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let run = move || {
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        lines.iter().for_each(|line| writeln!(input, "{line}").unwrap());
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub(super) fn verify(session: u32, certificate: &[u8]) -> Value {
    json!({"session": session, "device": DEVICE, "certificate": hex(certificate)})
}

/// The messages of questions, written from the description.
pub(super) async fn frames(questions: &[Value]) -> Vec<Vec<u8>> {
    let lines = questions.iter().map(Value::to_string).collect();
    phone(&["frame"], lines).await.iter().map(|line| unhex(line)).collect()
}

/// A phone that is connected without TLS.
pub(super) struct Talk {
    stream: DuplexStream,
    end: JoinHandle<End>,
    _stop: watch::Sender<bool>,
}

impl Talk {
    pub(super) fn with(estate: &Estate) -> Self {
        let (stream, theirs) = tokio::io::duplex(64 * 1024);
        let (stop, stopped) = watch::channel(false);
        let tvs = Arc::clone(&estate.state.phones.tvs);
        let peer = "10.0.0.9".parse().unwrap();
        let end = tokio::spawn(async move { tvs.converse(theirs, peer, stopped).await });
        Self { stream, end, _stop: stop }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer, whole.
    pub(super) async fn answer(&mut self) -> Vec<u8> {
        let mut answer = vec![0; 10];
        self.stream.read_exact(&mut answer).await.unwrap();
        let length = usize::from(u16::from_be_bytes([answer[8], answer[9]]));
        answer.resize(10 + length, 0);
        self.stream.read_exact(&mut answer[10..]).await.unwrap();
        answer
    }

    /// Says no more; what came until the end, and how it ended.
    pub(super) async fn finish(mut self) -> (Vec<u8>, End) {
        self.stream.shutdown().await.unwrap();
        self.rest().await
    }

    /// What came until the server ended it.
    pub(super) async fn rest(mut self) -> (Vec<u8>, End) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        (rest, self.end.await.unwrap())
    }
}

/// Whether an answer says valid.
pub(super) fn is_valid(answer: &[u8]) -> bool {
    assert_eq!(answer[10..13], [7, 0, 1]);
    match answer[13] {
        0 => true,
        1 => {
            assert_eq!(answer.len(), 14, "an invalid certificate has no roles");
            false
        }
        other => panic!("status {other}"),
    }
}

async fn recovery(estate: &Estate) -> AnchorRecord {
    let anchors = anchor::of(&estate.state.desk.authority.db, &"hq".parse().unwrap()).await.unwrap();
    anchors.into_iter().find(|anchor| anchor.is(Role::Sast)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_asks_over_tls_what_it_may_trust() {
    let estate = Estate::new(&["hq"]).await;
    let (tftp, recovery) = (estate.tftp.certificate.der(), recovery(&estate).await);
    let hierarchy = estate.state.desk.authority.hierarchy();
    let stranger = hierarchy.require(&"ec-root".parse().unwrap()).unwrap().certificate.clone().unwrap();
    let named = recovery.read().unwrap();
    let common_name = named.subject().common_name().unwrap();
    let serial = hex(&signet::trust::records::serial_key(named.serial()));
    let query = |session: u32, subject: String| {
        json!({"session": session, "device": "DP-9841-SEP0123456789AB", "subject": subject,
            "issuer": subject, "serial": serial})
    };
    let attributes: Vec<String> = named
        .subject()
        .attributes()
        .map(|a| {
            let name = if a.oid.to_string() == "2.5.4.3" { "CN".to_owned() } else { "O".to_owned() };
            format!("{name}={}", a.value)
        })
        .collect();
    assert!(attributes.contains(&format!("CN={common_name}")));
    let questions = [
        verify(1, tftp),
        verify(0xFFFF_FFFF, stranger.der()),
        query(3, attributes.join(",")),
        query(4, attributes.join(";")),
        query(5, "CN=Somebody Else".into()),
        verify(6, &recovery.certificate),
    ];
    let at = estate.at.tvs.unwrap();
    let lines = questions.iter().map(Value::to_string).collect();
    let answers = phone(&["ask", "127.0.0.1", &at.port().to_string()], lines).await;
    let answers: Vec<Value> = answers.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["shown"], hex(&estate.tvs.certificate.fingerprint()));
    assert_eq!(answers[0]["version"], "TLSv1.3");
    let tftp_roles = [2];
    assert_eq!(
        answers[1],
        json!({"command": 2, "session": 1, "status": 0, "roles": tftp_roles, "ttl": 86_400})
    );
    assert_eq!(answers[2], json!({"command": 2, "session": 0xFFFF_FFFFu32, "status": 1}));
    let found = json!({"command": 4, "status": 0, "roles": [0], "ttl": 86_400,
        "certificate": hex(&recovery.certificate), "session": 3});
    assert_eq!(answers[3], found);
    assert_eq!((&answers[4]["certificate"], &answers[4]["status"]), (&found["certificate"], &json!(0)));
    assert_eq!(answers[5], json!({"command": 4, "session": 5, "status": 1}));
    assert_eq!((&answers[6]["roles"], &answers[6]["command"]), (&json!([0]), &json!(2)));
}

#[tokio::test]
async fn every_answer_is_what_the_description_makes_of_it() {
    let estate = Estate::new(&["hq"]).await;
    let recovery = recovery(&estate).await;
    let certificate = recovery.read().unwrap();
    let subject = certificate.subject().common_name().map(|cn| format!("CN={cn}")).unwrap();
    let by_name = json!({"session": 9, "device": "SEP0123456789AB", "subject": subject, "issuer": subject,
        "serial": hex(certificate.serial().content())});
    let questions = [verify(7, &recovery.certificate), verify(8, b"no certificate"), by_name];
    let mut talk = Talk::with(&estate);
    for (question, frame) in questions.iter().zip(frames(&questions).await) {
        talk.send(&frame).await;
        let answer = talk.answer().await;
        let status = u8::from(!is_valid(&answer));
        assert_eq!(status, u8::from(question["session"] == 8), "{question}");
        let told = json!({"question": hex(&frame), "status": status, "roles": [0], "ttl": 86_400,
            "certificate": hex(&recovery.certificate)});
        let expected = phone(&["answer"], vec![told.to_string()]).await;
        assert_eq!(hex(&answer), expected[0], "{question}");
    }
    assert_eq!(talk.finish().await, (Vec::new(), End::Gone));
}

#[tokio::test]
async fn what_is_revoked_expired_or_no_longer_trusted_is_invalid_at_once() {
    let estate = Estate::new(&["hq"]).await;
    let authority = &estate.state.desk.authority;
    let recovery = recovery(&estate).await;
    let frame = async |der: &[u8]| frames(&[verify(1, der)]).await.remove(0);
    let (tftp, tvs) = (frame(estate.tftp.certificate.der()).await, frame(estate.tvs.certificate.der()).await);
    let recovery = frame(&recovery.certificate).await;
    // On a connection that stays open.
    let mut talk = Talk::with(&estate);
    let mut ask = async |frame: &[u8]| {
        talk.send(frame).await;
        is_valid(&talk.answer().await)
    };
    assert!(ask(&tftp).await && ask(&tvs).await && ask(&recovery).await);
    let how = Revocation { own: true, ..Reason::CertificateHold.into() };
    let serial = estate.tftp.certificate.serial();
    revoke(authority, serial, how, Actor::System).await.unwrap();
    assert!(!ask(&tftp).await, "it is on hold");
    assert!(ask(&tvs).await && ask(&recovery).await, "the others are as they were");
    release(authority, &Reference::of(serial), Actor::System).await.unwrap();
    assert!(ask(&tftp).await, "it was released");
    let fingerprint = estate.tvs.certificate.fingerprint();
    let hq = "hq".parse().unwrap();
    anchor::set_roles(authority, &hq, &fingerprint, BTreeSet::from([Role::AppServer]), Actor::System)
        .await
        .unwrap();
    anchor::remove(authority, &hq, &estate.tftp.certificate.fingerprint(), Actor::System).await.unwrap();
    assert!(!ask(&tftp).await, "it is no anchor any more");
    let left = estate.tvs.certificate.not_after().since(estate.now());
    estate.clock.advance(left - Duration::from_secs(100));
    assert!(ask(&tvs).await);
    estate.clock.advance(Duration::from_secs(101));
    assert!(!ask(&tvs).await, "it expired");
    assert!(ask(&recovery).await, "the recovery signer lives longer");
}

#[tokio::test]
async fn roles_change_at_once_and_nothing_is_remembered_beyond_an_expiry() {
    let estate = Estate::new(&["hq"]).await;
    let frame = frames(&[verify(1, estate.tvs.certificate.der())]).await.remove(0);
    let mut talk = Talk::with(&estate);
    talk.send(&frame).await;
    assert_eq!(talk.answer().await[14..], [8, 0, 1, 21, 9, 0, 4, 0, 1, 0x51, 0x80]);
    let (hq, fingerprint) = ("hq".parse().unwrap(), estate.tvs.certificate.fingerprint());
    let roles = BTreeSet::from([Role::Tvs, Role::AppServer]);
    anchor::set_roles(&estate.state.desk.authority, &hq, &fingerprint, roles, Actor::System).await.unwrap();
    let left = estate.tvs.certificate.not_after().since(estate.now());
    estate.clock.advance(left - Duration::from_secs(100));
    talk.send(&frame).await;
    assert_eq!(talk.answer().await[14..], [8, 0, 2, 7, 21, 9, 0, 4, 0, 0, 0, 100]);
}

#[tokio::test]
async fn phones_of_several_clusters_are_told_of_their_own() {
    let estate = Estate::new(&["hq", "branch"]).await;
    estate.add_device("SEP0123456789AB", Some("Branch")).await;
    let authority = &estate.state.desk.authority;
    let (hq, branch) = ("hq".parse().unwrap(), "branch".parse().unwrap());
    let tftp = estate.tftp.certificate.fingerprint();
    let mut talk = Talk::with(&estate);
    let frame = frames(&[verify(1, estate.tftp.certificate.der())]).await.remove(0);
    let mut ask = async |frame: &[u8]| {
        talk.send(frame).await;
        is_valid(&talk.answer().await)
    };
    anchor::remove(authority, &hq, &tftp, Actor::System).await.unwrap();
    assert!(ask(&frame).await, "it is trusted where the phone is");
    let stranger =
        json!({"session": 1, "device": "SEPFFFFFFFFFFFF", "certificate": hex(estate.tvs.certificate.der())});
    assert!(!ask(&frames(&[stranger]).await[0]).await, "nothing says where that one is");
    anchor::remove(authority, &branch, &tftp, Actor::System).await.unwrap();
    assert!(!ask(&frame).await);
}

#[tokio::test]
async fn who_asks_is_noted() {
    let estate = Estate::new(&["hq"]).await;
    estate.add_device("SEP0123456789AB", None).await;
    let mut talk = Talk::with(&estate);
    talk.send(&frames(&[verify(1, b"nothing known")]).await[0]).await;
    talk.answer().await;
    let tvs = estate.trust("SEP0123456789AB").await["tvs"].clone();
    assert_eq!((&tvs["verdict"], &tvs["address"]), (&json!("unknown"), &json!("10.0.0.9")));
}

#[tokio::test]
async fn tvs_shows_what_phones_know_until_the_next_certificate_is_published() {
    let estate = Estate::new(&["hq"]).await;
    let known = estate.tvs.certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 1, b"list one", &[known]).await;
    let at = estate.at.tvs.unwrap().port().to_string();
    let shown = async || {
        estate.state.phones.keep_up().await.unwrap();
        let answers = phone(&["ask", "127.0.0.1", &at], Vec::new()).await;
        serde_json::from_str::<Value>(&answers[0]).unwrap()["shown"].clone()
    };
    use signet::trust::identity::{OwnIdentities, Purpose};
    let next = estate.state.identities.renew(Purpose::Tvs).await.unwrap().certificate.fingerprint();
    assert_ne!(next, known);
    assert_eq!(shown().await, hex(&known), "phones know no other yet");
    estate.publish("hq", ListKind::Itl, 2, b"list two", &[known, next]).await;
    assert_eq!(shown().await, hex(&known), "some phones hold the list before");
    estate.publish("hq", ListKind::Itl, 3, b"list three", &[next]).await;
    assert_eq!(shown().await, hex(&next));
}

#[tokio::test]
async fn what_tvs_shows_suits_the_phones_of_every_cluster() {
    let estate = Estate::new(&["branch", "hq"]).await;
    let known = estate.tvs.certificate.fingerprint();
    for cluster in ["branch", "hq"] {
        estate.publish(cluster, ListKind::Itl, 1, cluster.as_bytes(), &[known]).await;
    }
    let at = estate.at.tvs.unwrap().port().to_string();
    let shown = async || {
        estate.state.phones.keep_up().await.unwrap();
        let answers = phone(&["ask", "127.0.0.1", &at], Vec::new()).await;
        serde_json::from_str::<Value>(&answers[0]).unwrap()["shown"].clone()
    };
    use signet::trust::identity::{OwnIdentities, Purpose};
    let next = estate.state.identities.renew(Purpose::Tvs).await.unwrap().certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 2, b"hq two", &[next]).await;
    assert_eq!(shown().await, hex(&known), "nothing suits both: what is shown stays");
    estate.publish("branch", ListKind::Itl, 2, b"branch two", &[known, next]).await;
    assert_eq!(shown().await, hex(&next), "phones of both know it, those of hq no other");
    // A cluster made now knows all that may be shown.
    let new = json!({"id": "shop", "identities": ["tvs"]});
    let (status, made) = estate.api("POST", "/clusters", Some(new)).await;
    assert_eq!((status, &made["anchors"]), (201, &json!(4)), "{made}");
}
