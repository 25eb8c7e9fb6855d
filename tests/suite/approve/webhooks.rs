//! Challenges that a webhook judges: what it is asked, what its answers do, and what no answer does.

use std::sync::Arc;

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use signet::enrol::enrol;
use signet::error::Kind;
use tokio::sync::Semaphore;

use super::fixture::{Client, Office, renewal, secret};
use super::judges::{SECRET, Webhook, profile, response, secret_file};

const CN: &str = "gw1.example";
const YES: &str = r#"{"allow":true}"#;
const UNAVAILABLE: &str = "challenge-source-unavailable";

/// An office whose profile `hooked` asks this webhook.
async fn office(webhook: &Webhook) -> (Office, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let text = profile(&webhook.lines(dir.path()));
    (Office::with(&[("hooked", &text)]).await, dir)
}

fn is_well(office: &Office) -> bool {
    office.desk.profiles.sources().is_well()
}

#[tokio::test]
async fn what_is_asked_says_all_and_is_signed() {
    let webhook = Webhook::always(200, YES).await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let csr = client.csr(CN, &["dns:gw1.example"]);
    let request = client.within("T1", client.request("hooked", csr.clone(), secret("open sesame")));
    let record = office.issued(office.enrol(request).await);

    let [asked] = webhook.asked().try_into().unwrap();
    let body = asked.json();
    for (name, expected) in [
        ("profile", "hooked"),
        ("subject", "CN=gw1.example"),
        ("device", CN),
        ("transaction", "T1"),
        ("challenge", "open sesame"),
        ("address", "10.0.0.9"),
    ] {
        assert_eq!(body[name], expected, "{body}");
    }
    assert_eq!(body["sans"], serde_json::json!(["dns:gw1.example"]));
    let sent = base64::engine::general_purpose::STANDARD.decode(body["csr"].as_str().unwrap()).unwrap();
    assert_eq!(sent, csr.der());

    let header = |name: &str| asked.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    let now = office.desk.authority.clock.now().secs().to_string();
    assert_eq!(header("signet-timestamp"), now);
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(&now).chain_update(".").chain_update(&asked.body).finalize().into_bytes();
    let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(header("signet-signature"), format!("v1={hex}"));

    let accepted = office.details("challenge.accept").await.remove(0);
    assert_eq!(accepted["source"], "webhook");
    assert_eq!(accepted["serial"], record.serial.to_string());
    assert!(!format!("{:?}", office.events("challenge.accept").await).contains("sesame"));
}

#[tokio::test]
async fn a_no_is_told_counted_and_after_some_not_asked_again() {
    let webhook = Webhook::always(200, "{\"allow\":false,\"reason\":\"not in\\nthe inventory\"}").await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let guess = || client.request("hooked", client.csr(CN, &[]), secret("guess"));
    for _ in 0..6 {
        let expected = ("challenge-refused", "challenge not accepted: not in the inventory".to_owned());
        assert_eq!(office.refusal(guess()).await, expected);
    }
    assert_eq!(office.refusal(guess()).await.0, "throttled");
    assert_eq!(webhook.asked().len(), 6, "who is locked out costs the webhook nothing");
    assert!(is_well(&office), "a no is an answer");
    let without = client.request("hooked", client.csr(CN, &[]), secret(""));
    assert_eq!(office.refusal(without).await.0, "challenge-required");
}

#[tokio::test]
async fn whatever_is_no_clear_answer_refuses_and_is_not_the_devices_fault() {
    let elsewhere = Webhook::always(200, YES).await;
    let there = format!("http://{}/", elsewhere.address);
    let mut answers = vec![
        Webhook::always(500, YES).await,
        Webhook::always(201, YES).await,
        Webhook::always(204, "").await,
        Webhook::always(200, "").await,
        Webhook::always(200, "yes").await,
        Webhook::always(200, "{}").await,
        Webhook::always(200, r#"{"allow":"true"}"#).await,
        Webhook::always(200, r#"{"allow":false,"allow":true}"#).await,
    ];
    // ADMINJSON-45, -46
    let redirect = move |_| {
        let mut response = response(307, YES);
        response.headers_mut().insert("location", there.parse().unwrap());
        async { response }
    };
    answers.push(Webhook::answering(redirect).await);
    let endless = async |_| response(200, format!("{YES}{}", " ".repeat(20_000)));
    answers.push(Webhook::answering(endless).await);
    let never = async |_| std::future::pending().await;
    answers.push(Webhook::answering(never).await);
    let dir = tempfile::tempdir().unwrap();
    let name = |n: usize| format!("hooked-{n}");
    let profiles: Vec<_> = answers.iter().map(|w| profile(&w.lines(dir.path()))).enumerate().collect();
    let names: Vec<_> = (0..answers.len()).map(name).collect();
    let profiles: Vec<(&str, &str)> = profiles.iter().map(|(n, text)| (&*names[*n], &**text)).collect();
    let office = Office::with(&profiles).await;
    let client = Client::new();
    for name in &names {
        for _ in 0..3 {
            let request = client.request(name, client.csr(CN, &[]), secret("open sesame"));
            let error = office.enrol(request).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Unreachable, UNAVAILABLE), "{name}");
        }
        assert!(office.certificates(name).await.is_empty());
    }
    let faults: Vec<_> = office.desk.profiles.sources().health().into_iter().filter_map(|c| c.2).collect();
    assert_eq!(faults.len(), names.len(), "{faults:#?}");
    assert!(faults.iter().all(|f| f.contains("3 in a row")), "{faults:#?}");
    assert!(office.events("enrol.lockout").await.is_empty());
    let refused = office.details("enrol.refuse").await.remove(0);
    assert_eq!(refused["code"], UNAVAILABLE);
    assert!(refused["rule"].contains("webhook"), "{refused:?}");
    assert!(elsewhere.asked().is_empty(), "a redirect is not followed");
}

#[tokio::test]
async fn a_webhook_that_comes_back_is_well_again() {
    let open = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_open = open.clone();
    let webhook = Webhook::answering(move |_| {
        let status = if is_open.load(std::sync::atomic::Ordering::SeqCst) { 200 } else { 503 };
        async move { response(status, YES) }
    })
    .await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let request =
        || client.within("T1", client.request("hooked", client.csr(CN, &[]), secret("open sesame")));
    assert_eq!(office.refusal(request()).await.0, UNAVAILABLE);
    let (_, name, fault) = office.desk.profiles.sources().health().remove(0);
    assert!(name == "webhook" && fault.unwrap().contains("answered 503"));
    open.store(true, std::sync::atomic::Ordering::SeqCst);
    office.issued(office.enrol(request()).await);
    assert!(is_well(&office));
}

#[tokio::test]
async fn nobody_listening_is_no_answer() {
    let mut gone = Webhook::always(200, YES).await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    gone.address = free;
    let (office, _dir) = office(&gone).await;
    let client = Client::new();
    let request = client.request("hooked", client.csr(CN, &[]), secret("open sesame"));
    assert_eq!(office.refusal(request).await.0, UNAVAILABLE);
}

/// Over TLS: the certificate must chain to the CA file that the profile names.
#[tokio::test]
async fn a_webhook_over_tls_is_asked_only_if_its_certificate_is_trusted() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let port = answering_over_tls(&issued).await;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (file("right.pem", issued.cert.pem()), file("wrong.pem", other.cert.pem()));
    let secret_file = secret_file(dir.path(), "webhook.secret", SECRET);
    let hooked = |host: &str, ca: &str| {
        profile(&format!(
            "source = \"webhook\"\nurl = \"https://{host}:{port}/\"\nsecret_file = \"{secret_file}\"\nca_file = \"{ca}\""
        ))
    };
    let profiles = [
        ("trusted", hooked("localhost", &right)),
        ("untrusted", hooked("localhost", &wrong)),
        ("misnamed", hooked("127.0.0.1", &right)),
    ];
    let profiles: Vec<(&str, &str)> = profiles.iter().map(|(name, text)| (*name, &**text)).collect();
    let office = Office::with(&profiles).await;
    let enrol = async |profile: &str| {
        let client = Client::new();
        office.enrol(client.request(profile, client.csr(profile, &[]), secret("open sesame"))).await
    };
    office.issued(enrol("trusted").await);
    for (name, told) in [("untrusted", "invalid peer certificate"), ("misnamed", "not valid for name")] {
        assert_eq!(enrol(name).await.unwrap_err().code(), UNAVAILABLE);
        let health = office.desk.profiles.sources().health();
        let fault = health.into_iter().find(|(profile, ..)| profile.as_str() == name).unwrap().2.unwrap();
        assert!(fault.contains(told), "{fault}");
    }
}

/// The port of a TLS server that says yes to everything.
async fn answering_over_tls(issued: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            // the body is one JSON object, and the only one
            while !request.ends_with(b"}") {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap();
                request.extend(&buffer[..length]);
            }
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", YES.len());
            stream.write_all(format!("{head}{YES}").as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    port
}

/// SCEP-31, SCEP-34
#[tokio::test]
async fn a_copy_gets_the_same_certificate_and_nobody_is_asked_again() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let webhook = Webhook::answering(move |_| {
        let closed = closed.clone();
        async move {
            closed.acquire().await.unwrap().forget();
            response(200, YES)
        }
    })
    .await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let csr = client.csr(CN, &[]);
    let request = || client.within("T1", client.request("hooked", csr.clone(), secret("open sesame")));
    let copies: Vec<_> = (0..5)
        .map(|_| {
            let (desk, request) = (Arc::clone(&office.desk), request());
            tokio::spawn(async move { enrol(&desk, request).await })
        })
        .collect();
    // one place for one question: were a copy asked too, it would never be answered
    gate.add_permits(1);
    let mut issued = Vec::new();
    for copy in copies {
        issued.push(office.issued(copy.await.unwrap()).serial);
    }
    issued.push(office.issued(office.enrol(request()).await).serial);
    issued.dedup();
    assert_eq!((issued.len(), webhook.asked().len()), (1, 1));
    assert_eq!(office.certificates("hooked").await.len(), 1);
}

/// An office whose webhook says yes as often as the gate has permits.
async fn behind_a_gate() -> (Arc<Semaphore>, Office, tempfile::TempDir) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let webhook = Webhook::answering(move |_| {
        let closed = closed.clone();
        async move {
            closed.acquire().await.unwrap().forget();
            response(200, YES)
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let lines = webhook.lines(dir.path()).replace("\"1s\"", "\"30s\"");
    let office = Office::with(&[("hooked", &profile(&lines))]).await;
    (gate, office, dir)
}

#[tokio::test]
async fn questions_at_once_are_bounded_and_the_rest_come_again() {
    let (gate, office, _dir) = behind_a_gate().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..70u8 {
        let client = Client { address: [10, 0, 1, n % 5].into(), ..Client::new() };
        let request = client.request("hooked", client.csr(&format!("gw{n}"), &[]), secret("open sesame"));
        let desk = Arc::clone(&office.desk);
        tasks.spawn(async move { enrol(&desk, request).await });
    }
    // While the gate is closed, only those end that found no place.
    for _ in 0..6 {
        let error = tasks.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Busy, "challenge-source-busy"));
    }
    gate.add_permits(64);
    for done in tasks.join_all().await {
        office.issued(done);
    }
    assert!(is_well(&office), "to be busy is no fault of the webhook");
}

#[tokio::test]
async fn one_address_does_not_take_the_places_of_others_while_the_judge_is_silent() {
    let (gate, office, _dir) = behind_a_gate().await;
    let mut tasks = tokio::task::JoinSet::new();
    for (crowd, host) in [(60u8, 1), (1, 2)] {
        for n in 0..crowd {
            let client = Client { address: [10, 0, 1, host].into(), ..Client::new() };
            let csr = client.csr(&format!("gw{host}-{n}"), &[]);
            let (desk, request) =
                (Arc::clone(&office.desk), client.request("hooked", csr, secret("open sesame")));
            tasks.spawn(async move { (host, enrol(&desk, request).await) });
        }
    }
    // While the gate is closed, only those end that found no place: all but a quarter of the crowd's.
    for _ in 0..60 - 16 {
        let (host, answer) = tasks.join_next().await.unwrap().unwrap();
        assert_eq!((host, answer.unwrap_err().code()), (1, "challenge-source-busy"));
    }
    gate.add_permits(17);
    for (_, done) in tasks.join_all().await {
        office.issued(done);
    }
}

#[tokio::test]
async fn a_renewal_with_a_challenge_has_it_judged_and_one_without_does_not() {
    let webhook = Webhook::answering(async |asked| {
        let right = asked.json()["challenge"] == "open sesame";
        response(200, format!("{{\"allow\":{right}}}"))
    })
    .await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let first = client.request("hooked", client.csr(CN, &[]), secret("open sesame"));
    let record = office.issued(office.enrol(first).await);
    let again = client.request("hooked", client.csr(CN, &[]), renewal(&record));
    office.issued(office.enrol(again).await);
    assert_eq!(webhook.asked().len(), 1);
    let wrong = signet::enrol::Proof::Renewal {
        certificate: Box::new(record),
        challenge: Some(zeroize::Zeroizing::new("guess".into())),
    };
    let again = client.request("hooked", client.csr(CN, &[]), wrong);
    assert_eq!(office.refusal(again).await, ("challenge-refused", "challenge not accepted".into()));
}

#[tokio::test]
async fn no_one_time_challenge_is_made_for_such_a_profile() {
    let webhook = Webhook::always(200, YES).await;
    let (office, _dir) = office(&webhook).await;
    let refused = office.new_challenge("hooked", CN, &[], super::fixture::HOUR).await.unwrap_err();
    assert_eq!((refused.code(), refused.field()), ("no-challenges", Some("/profile")));
    assert!(refused.detail().ends_with("webhook"), "{refused}");
}

#[tokio::test]
async fn a_replay_asks_nobody() {
    let webhook = Webhook::always(200, YES).await;
    let (office, _dir) = office(&webhook).await;
    let client = Client::new();
    let request = client.request("hooked", client.csr(CN, &[]), secret("open sesame"));
    let rehearsal = signet::enrol::Desk {
        authority: Arc::new(office.desk.authority.rehearsal()),
        profiles: office.desk.profiles.clone(),
        throttle: signet::enrol::throttle::Throttle::default(),
    };
    let refused = signet::enrol::approve::approve(&rehearsal, &request).await.unwrap_err();
    assert_eq!(refused.code(), "challenge-not-asked");
    assert!(webhook.asked().is_empty());
}
