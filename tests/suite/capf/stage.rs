//! A server with its CAPF listener and its API, on a clock that the test moves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use signet::admin;
use signet::clock::{Clock, Timestamp};
use signet::enrol::capf::{Patience, Service, serve};
use signet::server::capf::{Common, Door, Sockets, start};
use signet::server::layout::Layout;
use signet::server::listen::{Limits, Listener};
use signet::server::settings::Given;
use signet::server::state::State;
use signet::x509::san::San;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::client::script;
use super::phone::{Phone, Seen, Waiting};
use crate::built;

pub struct Stage {
    home: TempDir,
    pub clock: Clock,
    state: State,
    address: String,
    #[cfg_attr(not(feature = "legacy"), expect(dead_code))]
    old_address: String,
    router: Router,
    _stop: watch::Sender<bool>,
    _listeners: JoinSet<()>,
}

type Asked<'a> = Pin<Box<dyn Future<Output = (StatusCode, Value)> + Send + 'a>>;

/// What stands behind the listener.
struct Behind(Service);

impl Door for Behind {
    async fn serve<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        serve(stream, peer.ip(), &self.0).await;
    }
}

impl Stage {
    /// With the shipped policies, and the maker of [`Self::factory`] among the manufacturing roots.
    pub async fn open() -> Self {
        Self::with(Patience::default()).await
    }

    /// The same with a server that waits for so long.
    pub async fn with(patience: Patience) -> Self {
        let (template, now) = template().await;
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::manual(*now));
        copied(template.path(), &home.path().join("data"));
        let layout = Layout::new(home.path().join("data"));
        let state = serving(&layout, &clock).await;
        let router = admin::router(state.admin.clone());
        let (_stop, stopped) = watch::channel(false);
        let bind = async |name| Listener::bind(name, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (listener, old) = (bind("capf").await, bind("capf-legacy").await);
        let (address, old_address) = (listener.address().to_string(), old.address().to_string());
        let door = Arc::new(Behind(Service::new(state.desk.clone(), patience)));
        let common = Common { state: &state, door, limits: Limits::default(), stop: stopped };
        let mut _listeners = JoinSet::new();
        let legacy = cfg!(feature = "legacy").then_some(old);
        start(Sockets { modern: Some(listener), legacy }, common, &mut _listeners).unwrap();
        std::fs::write(home.path().join("bundle.pem"), bundle(&state)).unwrap();
        Self { home, clock, state, address, old_address, router, _stop, _listeners }
    }

    /// The folder of the maker whose root is trusted.
    pub fn factory(&self) -> &'static Path {
        factory()
    }

    /// A phone that stands in the inventory.
    pub async fn phone(&self, number: usize) -> Phone {
        self.named(&format!("SEP{number:012X}")).await
    }

    /// The same with this name.
    pub async fn named(&self, name: &str) -> Phone {
        self.added(name, "capf-lsc").await
    }

    /// The same by this profile; `capf-null` lets a device come without proof.
    pub async fn added(&self, name: &str, profile: &str) -> Phone {
        self.call(
            "POST",
            "/devices",
            Some(json!({"name": name, "model": "8865", "region": "lab", "profile": profile})),
        )
        .await;
        Phone::new(name)
    }

    /// Puts a profile like `capf-lsc` in force, with more in its file.
    pub async fn profile(&self, name: &str, more: &str) {
        self.profile_with(name, |lsc| format!("{lsc}\n{more}")).await;
    }

    /// The same, with its file as `edit` makes it of that of `capf-lsc`.
    pub async fn profile_with(&self, name: &str, edit: impl Fn(&str) -> String) {
        let profiles = self.home.path().join("data/policies/profiles");
        let lsc = std::fs::read_to_string(profiles.join("capf-lsc.toml")).unwrap();
        let text = edit(&lsc);
        assert_ne!(text, lsc);
        std::fs::write(profiles.join(format!("{name}.toml")), text).unwrap();
        self.call("POST", "/profiles/reload", None).await;
    }

    /// Puts a file into a folder of the policies, and has them read anew.
    pub async fn policy(&self, folder: &str, name: &str, content: &[u8]) {
        let folder = self.home.path().join("data/policies").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), content).unwrap();
        self.call("POST", "/profiles/reload", None).await;
    }

    /// Takes a profile away.
    pub async fn no_profile(&self, name: &str) {
        let file = self.home.path().join(format!("data/policies/profiles/{name}.toml"));
        std::fs::remove_file(file).unwrap();
        self.call("POST", "/profiles/reload", None).await;
    }

    /// Sets what is to be done with it.
    pub async fn operation(&self, phone: &Phone, what: &str, by: &str, string: Option<&str>, key: &str) {
        let mut body = json!({"operation": what, "authentication": by, "key": key});
        if let Some(string) = string {
            body["string"] = string.into();
        }
        self.set(phone, body).await;
    }

    /// An installation by the string 4711 within `time`.
    pub async fn operation_until(&self, phone: &Phone, time: Duration) {
        let deadline = self.clock.now().plus(time).to_string();
        let body = json!({"operation": "install", "string": "4711", "key": "p-256", "deadline": deadline});
        self.set(phone, body).await;
    }

    async fn set(&self, phone: &Phone, body: Value) {
        // Records made in one millisecond have no order.
        self.clock.advance(Duration::from_millis(1));
        self.call("POST", &format!("/devices/{}/operation", phone.name), Some(body)).await;
    }

    /// Lets it come.
    pub async fn comes(&self, phone: &Phone, flags: &[&str]) -> Seen {
        phone.comes(&self.address, flags).await
    }

    /// Lets it come to the listener for old phones.
    #[cfg(feature = "legacy")]
    pub async fn comes_as_of_old(&self, phone: &Phone, flags: &[&str]) -> Seen {
        phone.comes(&self.old_address, flags).await
    }

    /// The same, and it is silent from `stage` on.
    pub async fn waits(&self, phone: &Phone, stage: &str, flags: &[&str]) -> Waiting {
        phone.waits(&self.address, stage, flags).await
    }

    /// (state, reason) as the inventory shows them.
    pub async fn state(&self, phone: &Phone) -> (String, Option<String>) {
        let device = self.device(phone).await;
        (text(&device["state"]).unwrap(), text(&device["reason"]))
    }

    /// Waits until the inventory shows this state.
    pub async fn until(&self, phone: &Phone, state: &str) {
        let start = Instant::now();
        while self.state(phone).await.0 != state {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", self.device(phone).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the inventory shows this reason.
    pub async fn until_reason(&self, phone: &Phone, reason: &str) {
        let start = Instant::now();
        while self.state(phone).await.1.as_deref() != Some(reason) {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", self.device(phone).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it is known to hold.
    pub async fn lsc_serial(&self, phone: &Phone) -> Option<String> {
        text(&self.device(phone).await["lsc"]["serial"])
    }

    /// What was issued and is not confirmed.
    pub async fn issued(&self, phone: &Phone) -> Option<String> {
        text(&self.device(phone).await["operation"]["issued"])
    }

    pub async fn is_locked(&self, phone: &Phone) -> bool {
        let until = text(&self.device(phone).await["locked_until"]);
        until.is_some_and(|at| signet::clock::Timestamp::parse(&at).unwrap() > self.clock.now())
    }

    pub async fn unlock(&self, phone: &Phone) {
        self.call("POST", &format!("/devices/{}/unlock", phone.name), None).await;
    }

    /// The serial numbers of its certificates that are good.
    pub async fn live(&self, phone: &Phone) -> Vec<String> {
        let path = format!("/certificates?device={}&status=good", phone.name);
        let page = self.call("GET", &path, None).await;
        page["items"].as_array().unwrap().iter().map(|c| text(&c["serial"]).unwrap()).collect()
    }

    pub async fn revoke(&self, serial: &str) {
        let body = json!({"reason": "key-compromise"});
        self.call("POST", &format!("/certificates/{serial}/revoke"), Some(body)).await;
    }

    /// The names in the inventory.
    pub async fn devices(&self) -> Vec<String> {
        let page = self.call("GET", "/devices?name=SEP", None).await;
        page["items"].as_array().unwrap().iter().map(|d| text(&d["name"]).unwrap()).collect()
    }

    /// The certificate that the listener shows: that of the CA `capf`.
    pub fn capf_pem(&self) -> String {
        let hierarchy = self.state.desk.authority.hierarchy();
        let ca = hierarchy.require(&"capf".parse().unwrap()).unwrap();
        ca.certificate.as_ref().unwrap().pem()
    }

    /// Nothing is wrong in the audit log, nor in the store.
    pub async fn is_whole(&self) {
        let verified = self.call("POST", "/audit/verify", None).await;
        assert_eq!(verified["intact"], true, "{verified}");
        let checked = self.call("POST", "/check", None).await;
        assert_eq!(checked["ok"], true, "{checked}");
    }

    /// All our CAs, PEM.
    pub fn bundle(&self) -> String {
        self.home.path().join("bundle.pem").to_str().unwrap().to_owned()
    }

    pub async fn device(&self, phone: &Phone) -> Value {
        self.call("GET", &format!("/devices/{}", phone.name), None).await
    }

    /// Asks the API, as the administrator; what it answers is good.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, told) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {told}");
        told
    }

    /// Asks the API; the code of its refusal and what it says.
    #[cfg(feature = "legacy")]
    pub async fn refused(&self, method: &str, path: &str, body: Value) -> (String, String) {
        let (status, told) = self.ask(method, path, Some(body)).await;
        assert!(status.is_client_error(), "{method} {path}: {status} {told}");
        (text(&told["code"]).unwrap(), text(&told["detail"]).unwrap())
    }

    /// Boxed: what a request may come to is deep.
    fn ask<'a>(&'a self, method: &'a str, path: &'a str, body: Option<Value>) -> Asked<'a> {
        Box::pin(self.ask_now(method, path, body))
    }

    async fn ask_now(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let token = std::fs::read_to_string(self.home.path().join("data/admin.token")).unwrap();
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header("authorization", format!("Bearer {}", token.trim()));
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let told = String::from_utf8_lossy(&bytes);
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_str(&told).unwrap() })
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// One maker for all tests: its root's key takes a while.
fn factory() -> &'static Path {
    static FACTORY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FACTORY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        script("capf_pki.py", &[path.to_str().unwrap(), "SEP000000000000", "mic"]);
        (folder, path)
    });
    path
}

/// A data folder with its identities, made once: its keys take a while.
async fn template() -> &'static (TempDir, Timestamp) {
    static TEMPLATE: OnceCell<(TempDir, Timestamp)> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            let (home, now) = (tempfile::tempdir().unwrap(), Clock::system().now());
            let (layout, clock) = (Layout::new(home.path()), Clock::manual(now));
            built::build(&layout, &clock).await;
            let roots = layout.policies().join("manufacturing-roots");
            std::fs::create_dir_all(&roots).unwrap();
            std::fs::copy(factory().join("root.pem"), roots.join("phones.pem")).unwrap();
            let profiles = layout.policies().join("profiles");
            let lsc = std::fs::read_to_string(profiles.join("capf-lsc.toml")).unwrap();
            let open = lsc.replace("null_string = false", "null_string = true");
            assert_ne!(open, lsc);
            std::fs::write(profiles.join("capf-null.toml"), open).unwrap();
            drop(serving(&layout, &clock).await);
            (home, now)
        })
        .await
}

async fn serving(layout: &Layout, clock: &Clock) -> State {
    let settings = Given { capf: Some("127.0.0.1:0".parse().unwrap()), ..Given::default() };
    let state = built::open_with(layout, clock, vec![San::Dns("localhost".into())], &settings).await;
    let failures = state.identities.refresh().await;
    assert!(failures.is_empty(), "{failures:?}");
    state
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn bundle(state: &State) -> String {
    let hierarchy = state.desk.authority.hierarchy();
    hierarchy.all().iter().filter_map(|ca| ca.certificate.as_ref()).map(|c| c.pem()).collect()
}
