//! The API over an authority in a temporary folder.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use signet::admin::api::audit::{SignedHead, Verified};
use signet::admin::api::check::Checked;
use signet::admin::tokens::{self, Mint, NewToken};
use signet::admin::{self, Inspector, Parts, State};
use signet::audit::Actor;
use signet::ca::Authority;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::profile::ProfileSet;
use signet::clock::Clock;
use signet::enrol::{Desk, Profiles};
use signet::error::{Error, Result};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::{KeyStore, Place};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{Db, Unit};
use signet::x509::key::KeyAlgorithm;
use tempfile::TempDir;
use tower::ServiceExt;

pub const YEAR: Duration = Duration::from_hours(24 * 365);

/// The API, and the first administrator's token.
pub struct Api {
    pub dir: TempDir,
    pub state: Arc<State>,
    pub router: Router,
    pub admin: String,
    /// Closed, the check of the store does not come to its end.
    pub gate: Arc<tokio::sync::Mutex<()>>,
    keys: Option<TempDir>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    /// Holds that it is a problem with this status and code; gives its pointer.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Option<String> {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        problem["pointer"].as_str().map(str::to_owned)
    }

    #[track_caller]
    pub fn done(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl Api {
    /// With an authority that has no CA; its keys lie beside those of the other tests.
    pub async fn bare() -> Self {
        Self::with_keys(shared_keys()).await
    }

    async fn with_keys(keys: Arc<Vault>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Arc::new(authority(dir.path(), keys).await);
        let mint = Mint { db: &authority.db, clock: &authority.clock, random: &authority.random };
        let admin = tokens::create_admin(mint).await.unwrap().to_string();
        let desk = Arc::new(Desk {
            authority,
            profiles: Arc::new(Profiles::new(ProfileSet::shipped().unwrap())),
            throttle: signet::enrol::throttle::Throttle::default(),
        });
        let policies = dir.path().join("policies");
        std::fs::create_dir_all(policies.join("profiles")).unwrap();
        ProfileSet::write_shipped(&policies).unwrap();
        let gate: Arc<tokio::sync::Mutex<()>> = Arc::default();
        let state = Arc::new(load(desk, policies, &gate));
        Self { dir, router: admin::router(state.clone()), state, admin, gate, keys: None }
    }

    /// With `ec-root` over `ec-issuing`, which sign for servers.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut api = Self::with_keys(own_keys(dir.path())).await;
        api.keys = Some(dir);
        let ca = |id: &str, parent, lifetime| NewCa {
            id: id.parse().unwrap(),
            subject: default_subject(&id.parse().unwrap(), None).unwrap(),
            algorithm: KeyAlgorithm::P256,
            lifetime,
            parent,
            place: Place::Software,
            serves_tls: false,
        };
        let root = ca("ec-root", Parent::Itself, YEAR * 20);
        let issuing = ca("ec-issuing", Parent::Ours("ec-root".parse().unwrap()), YEAR * 10);
        create(&api.state.desk.authority, vec![root, issuing], Actor::System).await.unwrap();
        api
    }

    /// The same service once more, to be given more.
    pub fn again(&self) -> State {
        load(self.state.desk.clone(), self.state.policies.clone(), &self.gate)
    }

    /// Removes the profiles that name a CA under `rsa-root`, which this authority does not have.
    pub fn drop_rsa_profiles(&self) {
        let named =
            |text: &str| ["rsa-issuing", "capf"].iter().any(|ca| text.contains(&format!("ca = \"{ca}\"")));
        for file in std::fs::read_dir(self.state.policies.join("profiles")).unwrap() {
            let path = file.unwrap().path();
            if named(&std::fs::read_to_string(&path).unwrap()) {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    pub fn db(&self) -> &Db {
        &self.state.desk.authority.db
    }

    pub fn clock(&self) -> &Clock {
        &self.state.desk.authority.clock
    }

    /// A token with this role.
    pub async fn token(&self, name: &str, role: &str) -> String {
        let authority = &self.state.desk.authority;
        // Records made in one millisecond have no order.
        authority.clock.advance(Duration::from_millis(1));
        let mint = Mint { db: &authority.db, clock: &authority.clock, random: &authority.random };
        let new = NewToken { name: name.to_owned(), role: role.to_owned(), ttl: YEAR };
        tokens::create(mint, new, Actor::System, Unit::new()).await.unwrap().1.to_string()
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request with these headers.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_vec())).unwrap()).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Reply {
        self.call(Method::GET, path, &[("authorization", &bearer(token))], b"").await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_as(&self.admin, path).await
    }

    pub async fn post_as(&self, token: &str, path: &str, body: &str) -> Reply {
        let headers = [("authorization", &*bearer(token)), ("content-type", "application/json")];
        self.call(Method::POST, path, &headers, body.as_bytes()).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Reply {
        self.post_as(&self.admin, path, body).await
    }

    /// As [`Self::post`], under an Idempotency-Key.
    pub async fn post_once(&self, key: &str, path: &str, body: &str) -> Reply {
        let bearer = bearer(&self.admin);
        let headers =
            [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", key)];
        self.call(Method::POST, path, &headers, body.as_bytes()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, &[("authorization", &bearer(&self.admin))], b"").await
    }
}

fn load(desk: Arc<Desk>, policies: std::path::PathBuf, gate: &Arc<tokio::sync::Mutex<()>>) -> State {
    let parts = Parts {
        desk,
        policies,
        inspector: Arc::new(Untouched(gate.clone())),
        ready: Arc::new(AtomicBool::new(true)),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        after_reload: Arc::new(Nothing),
    };
    State::load(parts).unwrap()
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A PKCS#10 request of a new P-256 key, PEM.
pub fn csr(common_name: &str, dns: &[&str]) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = dns.iter().map(ToString::to_string).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

/// The body that asks for a certificate.
pub fn issue_body(profile: &str, csr: &str) -> String {
    serde_json::json!({ "profile": profile, "csr": csr }).to_string()
}

fn own_keys(dir: &Path) -> Arc<Vault> {
    Arc::new(Vault::create(dir, "correct horse", &Random::system()).unwrap())
}

/// Deriving the key of a vault takes a second: those who keep no CA share one.
fn shared_keys() -> Arc<Vault> {
    static SHARED: OnceLock<(TempDir, Arc<Vault>)> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let keys = own_keys(dir.path());
        (dir, keys)
    });
    shared.1.clone()
}

async fn authority(dir: &Path, keys: Arc<Vault>) -> Authority {
    let random = Random::system();
    let store = storage::create(&dir.join("store"), EngineKind::Redb).unwrap();
    let keys: Arc<dyn KeyStore> = keys;
    let clock = Clock::manual(Clock::system().now());
    let url = "http://ca.example:8080".to_owned();
    Authority::load(Db::new(store), clock, random, Pool::new(2, 64), keys, url).await.unwrap()
}

/// No identities follow the profiles here.
struct Nothing;

#[async_trait::async_trait]
impl signet::admin::AfterReload for Nothing {
    async fn after_reload(&self) {}
}

/// Finds nothing wrong.
struct Untouched(Arc<tokio::sync::Mutex<()>>);

impl Inspector for Untouched {
    fn verify(&self, head: Option<SignedHead>) -> Result<Verified> {
        let entries = head.map_or(7, |head| head.seq);
        Ok(Verified { entries, intact: true, findings: Vec::new() })
    }

    fn check(&self) -> Result<Checked> {
        drop(self.0.blocking_lock());
        Ok(Checked { records: 3, findings: Vec::new(), ok: true })
    }

    fn head(&self) -> Result<SignedHead> {
        Err(Error::not_found("signed head", "yet"))
    }
}
