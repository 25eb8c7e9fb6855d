//! A server's folder with clusters, their lists and devices, and the listeners that phones come to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use signet::audit::Actor;
use signet::clock::{Clock, Timestamp};
use signet::device::records::DeviceRecord;
use signet::id::{ClusterId, RecordId};
use signet::server::bound::{PhoneAddresses, PhoneSockets};
use signet::server::layout::Layout;
use signet::server::listen::Limits;
use signet::server::settings::{Given, Listen};
use signet::server::state::State;
use signet::store::{Unit, When};
use signet::trust::cluster::{self, NewCluster};
use signet::trust::identity::{OwnIdentities, OwnIdentity, Purpose};
use signet::trust::records::{ListDigest, ListKind, Member, Mode, ReleaseRecord};
use signet::x509::san::San;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::built;

/// Clusters with TVS and TFTP identities of our own. Keep it as long as it serves.
pub struct Estate {
    dir: TempDir,
    pub state: State,
    pub clock: Clock,
    pub at: PhoneAddresses,
    pub tvs: OwnIdentity,
    pub tftp: OwnIdentity,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Estate {
    pub async fn new(clusters: &[&str]) -> Self {
        let (dir, clock) = folder().await;
        let state = built::open(&Layout::new(dir.path()), &clock, names()).await;
        Self::over(clusters, (dir, clock), state).await
    }

    /// By these settings, beside the listeners.
    pub async fn with(clusters: &[&str], settings: &Given) -> Self {
        let (dir, clock) = folder().await;
        let state = built::open_with(&Layout::new(dir.path()), &clock, names(), settings).await;
        Self::over(clusters, (dir, clock), state).await
    }

    async fn over(clusters: &[&str], (dir, clock): (TempDir, Clock), state: State) -> Self {
        let tvs = state.identities.hold(Purpose::Tvs).await.unwrap();
        let tftp = state.identities.hold(Purpose::Tftp).await.unwrap();
        for name in clusters {
            let new = NewCluster {
                id: name.parse().unwrap(),
                title: None,
                mode: Mode::Mixed,
                digest: ListDigest::Sha512,
                tvs: Vec::new(),
                tftp: Vec::new(),
                identities: vec![tvs.clone(), tftp.clone()],
            };
            cluster::create(&state.desk.authority, new, Actor::System).await.unwrap();
        }
        let (stop, stopped) = watch::channel(false);
        let (mut listeners, sockets) = (JoinSet::new(), sockets().await);
        let at = sockets.addresses();
        let bounds = (Limits::default(), &*state.listeners);
        state.phones.listen(sockets, bounds, &stopped, &mut listeners).await.unwrap();
        Self { dir, state, clock, at, tvs, tftp, stop, listeners }
    }

    /// Stops as a server does: what was noted is written.
    pub async fn end(mut self) -> State {
        self.stop.send(true).unwrap();
        while self.listeners.join_next().await.is_some() {}
        self.state.phones.finish().await.unwrap();
        self.state
    }

    /// Puts a device into the inventory.
    pub async fn add_device(&self, name: &str, region: Option<&str>) {
        let authority = &self.state.desk.authority;
        let record = DeviceRecord {
            id: RecordId::new(self.clock.now(), &authority.random).unwrap(),
            name: name.parse().unwrap(),
            model: None,
            region: region.map(str::to_owned),
            profile: "phone-lsc".parse().unwrap(),
            seen: None,
            lsc: None,
            unconfirmed: None,
            mic: None,
            operation: None,
            guesses: Default::default(),
            steps: 0,
        };
        let mut unit = Unit::new();
        unit.insert(&record).unwrap();
        authority.db.commit(unit).await.unwrap();
    }

    /// Publishes these bytes as a list; what stands in it is told apart.
    pub async fn publish(
        &self,
        cluster: &str,
        kind: ListKind,
        number: u32,
        file: &[u8],
        members: &[[u8; 32]],
    ) {
        use sha2::{Digest, Sha256};
        let file_hash: [u8; 32] = Sha256::digest(file).into();
        let member = |fingerprint: &[u8; 32]| Member { fingerprint: *fingerprint, roles: BTreeSet::new() };
        let record = ReleaseRecord {
            cluster: cluster.parse::<ClusterId>().unwrap(),
            kind,
            number,
            content: file_hash,
            signer: [0; 32],
            members: members.iter().map(member).collect(),
            file: file.to_vec(),
            file_hash,
            at: self.now(),
            by: "a test".into(),
        };
        let mut unit = Unit::new();
        unit.put(&record, When::Absent).unwrap();
        self.state.desk.authority.db.commit(unit).await.unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A place in the data folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Asks the API as its administrator: status and body.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = std::fs::read_to_string(self.path("admin.token")).unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json");
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let router = signet::admin::router(self.state.admin.clone());
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// What the API says of a device's lists.
    pub async fn trust(&self, device: &str) -> Value {
        let (status, body) = self.api("GET", &format!("/devices/{device}/trust"), None).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

async fn folder() -> (TempDir, Clock) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Clock::system().now().whole_secs());
    built::build(&Layout::new(dir.path()), &clock).await;
    (dir, clock)
}

fn names() -> Vec<San> {
    vec![San::Dns("localhost".into())]
}

async fn sockets() -> PhoneSockets {
    let free = Some(Listen::At("127.0.0.1:0".parse().unwrap()));
    let given = Given {
        tvs: free,
        phone_http: free,
        phone_https: free,
        phone_https_second: free,
        tftp: free,
        syslog_in: free,
        ..Given::default()
    };
    PhoneSockets::bind(&given).await.unwrap()
}
