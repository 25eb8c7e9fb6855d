//! A server's state and routes on a clock that the test moves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::Value;
use signet::admin::tokens::{self, Mint, NewToken};
use signet::audit::Actor;
use signet::clock::{Clock, Timestamp};
use signet::enrol::challenge::{self, NewChallenge};
use signet::server::layout::Layout;
use signet::server::state::State;
use signet::server::{routes, worker};
use signet::store::Unit;
use signet::x509::cert::Certificate;
use signet::x509::name::Name;
use signet::x509::san::San;
use tower::ServiceExt;

use crate::built::{self, URL};
use crate::openssl::{openssl, try_openssl};
use crate::scep::cert_rep::CertRep;
use crate::scep::device::{Device, Key};
use crate::scep::envelope::Envelope;
use crate::scep::message::Message;

pub const DAY: Duration = Duration::from_hours(24);
pub const CAS: &str = "/api/v1/cas";

static NEXT: AtomicU32 = AtomicU32::new(1);

pub struct House {
    pub home: tempfile::TempDir,
    pub clock: Clock,
    pub state: State,
    plain: Router,
    api: Router,
}

impl House {
    /// RSA and EC hierarchies as `init` makes them, with small keys, at the end of 2026.
    pub async fn build() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
        let layout = Layout::new(home.path());
        built::build(&layout, &clock).await;
        Self::open(home, clock).await
    }

    pub async fn open(home: tempfile::TempDir, clock: Clock) -> Self {
        let layout = Layout::new(home.path());
        let state = built::open(&layout, &clock, vec![San::Dns("pki.example.org".into())]).await;
        let (plain, api) = (routes::plain(&state), routes::api(&state));
        let house = Self { home, clock, state, plain, api };
        house.work().await;
        house
    }

    /// Stops and starts.
    pub async fn restart(self) -> Self {
        self.state.desk.authority.db.raw().close().await.unwrap();
        let Self { home, clock, state, plain, api, .. } = self;
        drop((state, plain, api));
        Self::open(home, clock).await
    }

    /// A round of everything that the server does by itself; nothing of it may fail.
    pub async fn work(&self) {
        self.state.tasks.run_due().await.unwrap();
        worker::retire_cas(&self.state).await.unwrap();
        worker::refresh_identities(&self.state).await.unwrap();
        let (_, failed) = signet::ca::crl::publish_due(&self.state.desk.authority).await;
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// Time goes by, `step` at a time, with the server at work.
    pub async fn live(&self, long: Duration, step: Duration) {
        let end = self.clock.now().plus(long);
        while self.clock.now() < end {
            self.clock.advance(step.min(end.since(self.clock.now())));
            self.work().await;
        }
    }

    pub async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let token = self.token().await;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let response =
            self.api.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// An administrator's token of this hour: the first one's ends after a year.
    async fn token(&self) -> String {
        let authority = &self.state.desk.authority;
        let mint = Mint { db: &authority.db, clock: &authority.clock, random: &authority.random };
        let name = format!("operator-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let new = NewToken { name, role: "administrator".to_owned(), ttl: Duration::from_hours(1) };
        tokens::create(mint, new, Actor::System, Unit::new()).await.unwrap().1.to_string()
    }

    #[track_caller]
    pub fn done(&self, status: u16, answer: (u16, Value)) -> Value {
        assert_eq!(answer.0, status, "{}", answer.1);
        answer.1
    }

    pub async fn post(&self, path: &str, body: &str) -> Value {
        let (status, answer) = self.call("POST", path, body).await;
        assert!(status < 300, "{status}: {answer}");
        answer
    }

    pub async fn ca(&self, id: &str) -> Value {
        let answer = self.call("GET", &format!("{CAS}/{id}"), "").await;
        self.done(200, answer)
    }

    pub async fn prepare(&self, id: &str) -> Value {
        self.post(&format!("{CAS}/{id}/rollover"), "{}").await
    }

    pub async fn activate(&self, id: &str) -> Value {
        self.post(&format!("{CAS}/{id}/rollover/activation"), "{}").await
    }

    /// What plain HTTP gives: status and body.
    pub async fn get(&self, uri: &str) -> (u16, Vec<u8>) {
        self.send(Request::get(uri.strip_prefix(URL).unwrap_or(uri)).body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, mut request: Request<Body>) -> (u16, Vec<u8>) {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0000 + n), 4000));
        request.extensions_mut().insert(ConnectInfo(address));
        let response = self.plain.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, axum::body::to_bytes(response.into_body(), 1 << 22).await.unwrap().to_vec())
    }

    /// The certificates of `GetCACert`: the RA's first.
    pub async fn ca_certificates(&self) -> Vec<Certificate> {
        let (status, der) = self.get("/scep?operation=GetCACert").await;
        assert_eq!(status, 200);
        certificates(&der)
    }

    /// Enrols a new device under this name by SCEP, its message enveloped to `ra`.
    pub async fn enrol(&self, name: &str, ra: &Certificate) -> Device {
        let device = Device::new(name);
        let challenge = self.challenge(name).await;
        let reply = self.ask(&device, "19", &device.csr(Some(&challenge)), ra).await;
        let certificates = reply.certificates(&device);
        device.holding(&certificates[0])
    }

    /// Renews with a new key.
    pub async fn renew(&self, device: &Device, ra: &Certificate) -> Device {
        let fresh = Key::new();
        let reply = self.ask(device, "17", &fresh.csr(&device.name, None), ra).await;
        let certificates = reply.certificates(device);
        Device::with_key(&device.name, fresh, &[1]).holding(&certificates[0])
    }

    pub async fn challenge(&self, name: &str) -> String {
        let new = NewChallenge {
            profile: "scep-device".parse().unwrap(),
            subject: Name::parse(&format!("CN={name}")).unwrap(),
            sans: Vec::new(),
            ttl: Duration::from_secs(3600),
        };
        challenge::create(&self.state.desk, new, Actor::System).await.unwrap().1.to_string()
    }

    pub async fn ask(&self, device: &Device, message_type: &str, csr: &[u8], ra: &Certificate) -> CertRep {
        let transaction = format!("transaction-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let envelope = Envelope::new(ra, csr).der();
        let message = Message::new(device, message_type, &transaction, &envelope).signed_by(device);
        let request = Request::post("/scep?operation=PKIOperation").body(Body::from(message)).unwrap();
        let (status, body) = self.send(request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        CertRep::read(&body)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The bundle of all CAs, and the CRLs of all, as they are served now.
    pub async fn published(&self) -> (PathBuf, PathBuf) {
        let (status, bundle) = self.get("/trust/signet.pem").await;
        assert_eq!(status, 200);
        let mut crls = Vec::new();
        for ca in self.state.desk.authority.hierarchy().all().iter().filter(|ca| ca.retired.is_none()) {
            let (status, crl) = self.get(&format!("/crl/{}.crl", ca.record.id)).await;
            assert_eq!(status, 200);
            crls.extend(openssl(&["crl", "-inform", "DER"], &crl));
        }
        (self.file("judged-bundle.pem", &bundle), self.file("judged-crls.pem", &crls))
    }

    /// What openssl says of a leaf at this moment, by bundle and CRLs as they are served.
    pub async fn verify(&self, leaf: &[u8]) -> Result<(), String> {
        let (bundle, crls) = self.published().await;
        let arguments =
            ["-crl_check_all", "-CAfile", bundle.to_str().unwrap(), "-CRLfile", crls.to_str().unwrap()];
        self.judge(leaf, &arguments)
    }

    /// What openssl says of a certificate at this moment.
    pub fn judge(&self, certificate: &[u8], more: &[&str]) -> Result<(), String> {
        let at = self.clock.now().secs().to_string();
        let pem = Certificate::from_der(certificate).unwrap().pem();
        let arguments = [&["verify", "-x509_strict", "-attime", &at], more].concat();
        try_openssl(&arguments, pem.as_bytes()).map(drop)
    }

    /// The certificate of a CA, PEM.
    pub async fn pem(&self, ca: &str) -> String {
        self.ca(ca).await["pem"].as_str().unwrap().to_owned()
    }
}

/// Which of our CAs signed a certificate.
pub fn issuer(house: &House, certificate: &[u8]) -> String {
    let certificate = Certificate::from_der(certificate).unwrap();
    house.state.desk.authority.hierarchy().issuer_of(&certificate).unwrap().record.id.to_string()
}

/// The certificates of a certs-only PKCS#7, as openssl reads it.
pub fn certificates(der: &[u8]) -> Vec<Certificate> {
    let shown = String::from_utf8(openssl(&["pkcs7", "-inform", "DER", "-print_certs"], der)).unwrap();
    let all = signet::x509::pem::decode_all(
        shown
            .lines()
            .filter(|l| !l.contains('=') || l.ends_with('='))
            .collect::<Vec<_>>()
            .join("\n")
            .as_bytes(),
        16,
    );
    all.unwrap().iter().map(|(_, der)| Certificate::from_der(der).unwrap()).collect()
}
