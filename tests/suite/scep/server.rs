//! One desk for all SCEP scenarios, and the ways to ask it.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use signet::audit::Outcome;
use signet::ca::profile::RaMode;
use signet::enrol::scep::http::router;
use signet::enrol::scep_ra::{Ra, RaSource};
use signet::store::AuditFilter;
use signet::x509::cert::Certificate;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::cert_rep::CertRep;
use super::device::Device;
use super::envelope::Envelope;
use super::message::Message;
use crate::fixture::Fixture;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SERVER: LazyLock<Server> = LazyLock::new(|| RUNTIME.block_on(Server::new()));
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Runs a scenario against the shared server.
pub fn scep<F: Future>(scenario: impl FnOnce(&'static Server) -> F) -> F::Output {
    let server = &*SERVER;
    RUNTIME.block_on(scenario(server))
}

/// The SCEP routes over a fixture.
pub struct Server {
    pub fixture: Fixture,
    pub router: Router,
}

impl Server {
    /// What old algorithms the warnings in the audit log name for this device.
    pub async fn warnings(&self, device: &Device) -> Vec<String> {
        let filter = AuditFilter { action: Some("scep.legacy".into()), limit: 1000, ..Default::default() };
        let entries = self.fixture.desk.authority.db.raw().audit(filter).await.unwrap();
        let about =
            entries.into_iter().filter(|e| e.event.details["subject"] == format!("CN={}", device.name));
        about
            .map(|entry| {
                assert_eq!(entry.event.outcome, Outcome::Warning);
                entry.event.details["algorithms"].clone()
            })
            .collect()
    }

    /// One of its own, for what the others' requests would disturb.
    pub async fn new() -> Self {
        let scep_device = |changes: &[(&str, &str)]| Fixture::profile("scep-device", changes);
        let digests = "digests = [\"sha512\", \"sha384\", \"sha256\"]";
        let ciphers = "ciphers = [\"aes-256-cbc\", \"aes-192-cbc\", \"aes-128-cbc\"]";
        #[cfg(feature = "legacy")]
        let [old_keys, old_keys_manual] = super::old_keys::profiles();
        let fixture = Fixture::with_profiles(&[
            (
                "scep-old",
                scep_device(&[
                    (digests, "digests = [\"sha512\", \"sha256\", \"sha1\"]"),
                    (ciphers, "ciphers = [\"aes-128-cbc\", \"des3-cbc\"]"),
                    ("include_chain = false", "include_chain = true"),
                ]),
            ),
            #[cfg(feature = "legacy")]
            ("scep-legacy", super::legacy::profile("")),
            #[cfg(feature = "legacy")]
            ("scep-sha1", super::legacy::profile("sha1_replies = true")),
            #[cfg(feature = "legacy")]
            old_keys,
            #[cfg(feature = "legacy")]
            old_keys_manual,
            ("scep-any-key", scep_device(&[("require_same_key = true", "require_same_key = false")])),
            ("scep-split", scep_device(&[("ra_mode = \"single\"", "ra_mode = \"split\"")])),
            ("scep-manual", scep_device(&[("approval = \"challenge\"", "approval = \"manual\"")])),
        ])
        .await;
        let ra: std::sync::Arc<dyn RaSource> = fixture.ra.clone();
        Self { router: router(fixture.desk.clone(), ra), fixture }
    }

    /// A device under a name that no other test uses.
    pub fn device(&self) -> Device {
        Device::new(&unique("device"))
    }

    pub fn ra(&self) -> std::sync::Arc<Ra> {
        self.fixture.ra.ra(&"rsa-issuing".parse().unwrap(), RaMode::Single).unwrap()
    }

    pub fn ra_certificate(&self) -> std::sync::Arc<Certificate> {
        self.ra().encryption.clone()
    }

    pub async fn challenge(&self, device: &Device) -> String {
        self.fixture.challenge("scep-device", &device.name).await
    }

    /// A request of this type for `device`, enveloped for the RA.
    pub fn request(&self, device: &Device, message_type: &str, csr: &[u8]) -> Message {
        let envelope = Envelope::new(&self.ra_certificate(), csr).der();
        Message::new(device, message_type, &unique("transaction"), &envelope)
    }

    /// A first request with a challenge that was made for it.
    pub async fn first_request(&self, device: &Device) -> Message {
        let challenge = self.challenge(device).await;
        self.request(device, "19", &device.csr(Some(&challenge)))
    }

    /// Enrols a device and gives it its certificate.
    pub async fn enrolled(&self) -> Device {
        let device = self.device();
        let message = self.first_request(&device).await.signed_by(&device);
        let certificate = self.post(&message).await.certificate(&device);
        device.holding(&certificate)
    }

    /// POSTs a message that is answered by a CertRep.
    pub async fn post(&self, message: &[u8]) -> CertRep {
        self.post_to("/scep", message).await
    }

    pub async fn post_to(&self, path: &str, message: &[u8]) -> CertRep {
        let (status, body) = self.answer(path, message).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        CertRep::read(&body)
    }

    /// POSTs a message that is answered by HTTP: status and text.
    pub async fn refused(&self, message: &[u8]) -> (u16, String) {
        let (status, body) = self.answer("/scep", message).await;
        (status.as_u16(), String::from_utf8_lossy(&body).trim_end().to_owned())
    }

    /// Only the HTTP status of a message's answer.
    pub async fn status(&self, message: &[u8]) -> StatusCode {
        self.answer("/scep", message).await.0
    }

    pub async fn answer(&self, path: &str, message: &[u8]) -> (StatusCode, Bytes) {
        let request = Request::post(format!("{path}?operation=PKIOperation"));
        let response = self.send(request.body(Body::from(message.to_vec())).unwrap()).await;
        (response.status(), body(response).await)
    }

    pub async fn get(&self, uri: &str) -> (StatusCode, String, Bytes) {
        let response = self.send(Request::get(uri).body(Body::empty()).unwrap()).await;
        let content_type = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
        (response.status(), content_type.unwrap_or_default(), body(response).await)
    }

    /// Sends a request as from an address of its own, so that no test slows another down.
    pub async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0000 + n), 4000));
        request.extensions_mut().insert(ConnectInfo(address));
        self.router.clone().oneshot(request).await.unwrap()
    }
}

pub async fn body(response: Response<Body>) -> Bytes {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap()
}

pub fn unique(what: &str) -> String {
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A refusal: failInfo and text.
pub fn refusal(reply: &CertRep) -> (&str, &str) {
    assert_eq!(reply.status, "2", "{reply:?}");
    assert!(reply.content.is_none(), "a FAILURE carries no envelope");
    (reply.fail_info.as_deref().unwrap(), reply.text.as_deref().unwrap())
}
