//! Thousands of phones that are connected and say nothing, and the few that want their certificates meanwhile.
//!
//! `SIGNET_CAPF_IDLE` says how many are silent: 2,000 without it.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::ClientConfig;
use signet::x509::cert::Certificate;

use crate::serve::{Home, Server};

#[allow(dead_code)]
#[path = "../../examples/support/phone.rs"]
mod phone;

use phone::{Phone, tls_client};

/// So many phones install before the others come, and as many among them.
const PHONES: usize = 20;
/// From each address.
const NEIGHBOURS: usize = 400;
/// At most so much memory for each silent phone.
const MOST_EACH: usize = 32 * 1024;
/// At most so many do their handshakes at the same time.
const AT_ONCE: usize = 64;
const STRING: &str = "4711081500";

fn silent() -> usize {
    std::env::var("SIGNET_CAPF_IDLE").map_or(2000, |many| many.parse().unwrap())
}

fn name(n: usize) -> String {
    format!("SEP{n:012X}")
}

/// The API's answer to a request that `make` makes.
fn ask(
    home: &Home,
    server: &Server,
    make: impl Fn(&reqwest::blocking::Client, String) -> reqwest::blocking::RequestBuilder,
) -> serde_json::Value {
    // Another test of this process may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let roots = reqwest::Certificate::from_pem_bundle(home.read("tls-ca.pem").as_bytes()).unwrap();
    let client = reqwest::blocking::Client::builder().tls_certs_only(roots).build().unwrap();
    let request = make(&client, format!("{}/api/v1", server.https_url()));
    let said = request.bearer_auth(home.read("admin.token").trim()).send().unwrap().text().unwrap();
    serde_json::from_str(&said).unwrap()
}

/// Operations for the phones that will come.
fn enter(home: &Home, server: &Server) {
    let items: Vec<_> = (0..2 * PHONES)
        .map(|n| {
            serde_json::json!({"name": name(n), "operation": "install", "authentication": "string",
                "string": STRING, "key": "p-256"})
        })
        .collect();
    let body = serde_json::json!({"items": items});
    let told = ask(home, server, |client, api| client.post(format!("{api}/devices/batch")).json(&body));
    assert_eq!((&told["created"], &told["refused"]), (&(2 * PHONES).into(), &0.into()), "{told}");
}

/// One after the other; how long each took, sorted.
async fn install(at: SocketAddr, tls: &Arc<ClientConfig>, phones: std::ops::Range<usize>) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in phones {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let key = key.public_key().as_der().unwrap();
        let start = Instant::now();
        let phone = Phone::connect(at, None, tls).await.unwrap();
        let lsc = phone.install(&name(n), STRING, key.as_ref()).await.unwrap();
        times.push(start.elapsed());
        let lsc = Certificate::from_der(&lsc).unwrap();
        assert_eq!((lsc.subject().common_name(), lsc.spki()), (Some(name(n).as_str()), key.as_ref()));
    }
    times.sort();
    times
}

/// Phones that say nothing; whom the server ends comes back.
struct Crowd {
    here: Arc<AtomicUsize>,
    tasks: tokio::task::JoinSet<()>,
}

impl Crowd {
    fn gather(many: usize, at: SocketAddr, tls: &Arc<ClientConfig>) -> Self {
        let here = Arc::<AtomicUsize>::default();
        let turns = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..many {
            let (tls, here, turns) = (tls.clone(), here.clone(), turns.clone());
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 1, (n / NEIGHBOURS + 1) as u8));
            tasks.spawn(async move {
                loop {
                    let turn = turns.acquire().await.unwrap();
                    let connected = Phone::connect(at, Some(from), &tls).await;
                    drop(turn);
                    if let Ok(phone) = connected {
                        here.fetch_add(1, Ordering::SeqCst);
                        let _ = phone.wait().await;
                        here.fetch_sub(1, Ordering::SeqCst);
                    }
                }
            });
        }
        Self { here, tasks }
    }

    async fn wait_for(&self, many: usize) {
        let start = Instant::now();
        while self.here.load(Ordering::SeqCst) < many {
            assert!(start.elapsed() < Duration::from_secs(300), "{} came", self.here.load(Ordering::SeqCst));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A series of the metrics, by the beginning of its line.
fn metric(server: &Server, series: &str) -> f64 {
    let text = String::from_utf8(server.fetch("/metrics")).unwrap();
    let found = text.lines().find(|line| line.starts_with(series)).and_then(|line| line.rsplit(' ').next());
    found.map_or(0.0, |value| value.parse().unwrap())
}

/// What comes back for bytes that are no handshake.
fn say_plainly(at: SocketAddr) -> Vec<u8> {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    stream.write_all(b"\x55\x02\0\0\0\0\0\x04\x01\0\x01\x01").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Health shows each listener; that for old phones is a warning, and no fault.
fn is_well(home: &Home, server: &Server, at: SocketAddr) {
    let health = ask(home, server, |client, api| client.get(format!("{api}/health")));
    let check = |name: &str| {
        let checks = health["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).map(|check| {
            (check["status"].as_str().unwrap().to_owned(), check["detail"].as_str().unwrap().to_owned())
        })
    };
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(check("listener capf"), Some(("ok".to_owned(), format!("{at}, 0 connected"))));
    let old = check("listener capf-legacy").map(|(status, _)| status);
    assert_eq!(old.as_deref(), cfg!(feature = "legacy").then_some("warning"));
}

#[test]
fn phones_install_while_thousands_are_connected_and_silent() {
    let (many, home) = (silent(), Home::new());
    std::fs::create_dir(home.data()).unwrap();
    std::fs::write(home.file("signet.toml"), format!("connections = {}\n", many + 100)).unwrap();
    let old: &[&str] = if cfg!(feature = "legacy") { &["--capf-legacy", "127.0.0.1:0"] } else { &[] };
    let server = home.up_with(&[&["--capf", "127.0.0.1:0"], old].concat());
    let listeners: serde_json::Value = serde_json::from_str(&home.read("listeners.json")).unwrap();
    let at: SocketAddr = listeners["capf"].as_str().unwrap().parse().unwrap();
    enter(&home, &server);
    is_well(&home, &server, at);
    assert_eq!(say_plainly(at).first(), Some(&0x15), "CAPF-02: an alert");
    let plain = "signet_capf_handshakes_total{listener=\"capf\",outcome=\"plaintext\"}";
    let start = Instant::now();
    while metric(&server, plain) < 1.0 {
        assert!(start.elapsed() < Duration::from_secs(60), "CAPF-02: it is not counted");
        std::thread::sleep(Duration::from_millis(20));
    }

    let tls = tls_client(&[&rustls::version::TLS12]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let alone = runtime.block_on(install(at, &tls, 0..PHONES));
    let before = server.resident();
    let crowd = runtime.block_on(async {
        let crowd = Crowd::gather(many, at, &tls);
        crowd.wait_for(many).await;
        crowd
    });
    let each = server.resident().saturating_sub(before) / many;
    assert!(metric(&server, "signet_connections{listener=\"capf\"}") >= many as f64);
    let among = runtime.block_on(install(at, &tls, PHONES..2 * PHONES));
    let middle = |times: &[Duration]| (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{many} phones connected and silent: {each} octets each; an installation takes {:?} (at most {:?}) among them, {:?} \
         (at most {:?}) without them",
        middle(&among).0,
        middle(&among).1,
        middle(&alone).0,
        middle(&alone).1
    );
    assert!(each < MOST_EACH, "{each} octets for each silent phone");
    drop(crowd.tasks);
    drop(runtime);
    server.stop();
}
