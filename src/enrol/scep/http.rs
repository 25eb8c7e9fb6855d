//! Plain HTTP: `/scep`, `/scep/<profile>` and any path below them, and the paths that clients of other servers know.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use crate::enrol::Desk;
use crate::enrol::refused::{Protocol, Received};
use crate::enrol::scep::MAX_MESSAGE;
use crate::enrol::scep::ca_certificates::ca_certificates;
use crate::enrol::scep::caps::capabilities;
use crate::enrol::scep::exchange::Exchange;
use crate::enrol::scep::generation;
use crate::enrol::scep::next_ca::{Announcements, has_next_ca, next_ca_certificates};
use crate::enrol::scep::query::{Operation, Query};
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::RaSource;
use crate::error::{Error, Kind, Result};

/// Longer queries are sent by POST: `http::Uri` itself ends at 65,534 bytes.
const MAX_QUERY: usize = 60 * 1024;

/// Seconds after which a client that was slowed down may come again.
const RETRY_THROTTLED: &str = "60";

#[derive(Clone)]
struct Edge {
    desk: Arc<Desk>,
    ra: Arc<dyn RaSource>,
    announcements: Arc<Announcements>,
}

/// Where SCEP is served, and below: our own path, Cisco's and Microsoft's.
pub const PATHS: [&str; 4] = ["/scep", "/cgi-bin/pkiclient.exe", "/certsrv/mscep", "/CertSrv/mscep"];

/// The routes of this room.
pub fn router(desk: Arc<Desk>, ra: Arc<dyn RaSource>) -> Router {
    let service = || -> MethodRouter<Edge> { get(handle).post(handle) };
    let all = PATHS.iter().fold(Router::new(), |all, path| {
        all.route(path, service())
            .route(&format!("{path}/"), service())
            .route(&format!("{path}/{{*rest}}"), service())
    });
    all.with_state(Edge { desk, ra, announcements: Arc::default() })
}

async fn handle(State(edge): State<Edge>, request: Request) -> Response {
    match edge.answer(request).await {
        Ok(response) => response,
        Err(error) => refusal(&error),
    }
}

impl Edge {
    async fn answer(&self, request: Request) -> Result<Response> {
        let query = request.uri().query().unwrap_or_default();
        if query.len() > MAX_QUERY {
            return Err(Error::new(Kind::TooLarge, "scep-query", "query too long: use POST"));
        }
        let query = Query::read(query)?;
        let service = Service::find(&self.desk, request.uri().path().strip_prefix("/scep/"))?;
        match query.operation {
            Operation::Capabilities => {
                Ok(body("text/plain", capabilities(&service, has_next_ca(&self.desk, &service))))
            }
            Operation::CaCertificates => {
                let ra = generation::in_force(&self.desk, &*self.ra, &service)?;
                let certificates = ca_certificates(&self.desk, &service, &ra)?;
                Ok(body("application/x-x509-ca-ra-cert", certificates))
            }
            Operation::NextCaCertificates => {
                let announcements = &self.announcements;
                Ok(match next_ca_certificates(&self.desk, &*self.ra, &service, announcements).await? {
                    Some(certificates) => {
                        body("application/x-x509-next-ca-cert", Bytes::from_owner(certificates))
                    }
                    None => (StatusCode::NOT_FOUND, "no next CA certificate").into_response(),
                })
            }
            Operation::Pki => self.pki(request, &query, service).await,
        }
    }

    async fn pki(&self, request: Request, query: &Query, service: Service) -> Result<Response> {
        let address = peer(&request);
        let (by_get, user_agent) = (request.method() != Method::POST, user_agent(&request));
        let message = if by_get { query.message()? } else { read_body(request).await?.to_vec() };
        if message.is_empty() {
            return Err(Error::malformed("scep-unreadable", "empty PKIOperation body"));
        }
        let addressed = generation::addressed(&self.desk, &*self.ra, &service, &message)?;
        let received = Received::new(Protocol::Scep, message).by(user_agent, by_get);
        let exchange = Exchange::new(Arc::clone(&self.desk), service, addressed, address, received);
        match exchange.run().await {
            Ok(reply) => Ok(body("application/x-pki-message", reply)),
            Err(error) => {
                exchange.keep_error(&error).await;
                Err(error)
            }
        }
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

fn user_agent(request: &Request) -> Option<String> {
    request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

/// The whole body, refused before it is read if its declared length is over the limit, else as soon as it is.
async fn read_body(request: Request) -> Result<Bytes> {
    let too_large = || Error::new(Kind::TooLarge, "scep-body", "the body is over 64 KiB");
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > MAX_MESSAGE as u64) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), MAX_MESSAGE).await.map_err(|_| too_large())
}

fn body(content_type: &'static str, content: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], content.into()).into_response()
}

/// What HTTP says of an error that no CertRep can tell.
fn refusal(error: &Error) -> Response {
    let text = |status: StatusCode| (status, format!("scep: {}\n", error.detail())).into_response();
    match error.kind() {
        Kind::NotFound => text(StatusCode::NOT_FOUND),
        Kind::TooLarge => too_large(error),
        Kind::Throttled => {
            with_header(text(StatusCode::TOO_MANY_REQUESTS), header::RETRY_AFTER, RETRY_THROTTLED)
        }
        Kind::Malformed | Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden => {
            text(StatusCode::BAD_REQUEST)
        }
        Kind::Busy | Kind::Storage | Kind::Unreachable | Kind::Internal | Kind::Conflict => {
            unavailable(error)
        }
    }
}

fn too_large(error: &Error) -> Response {
    let status =
        if error.code() == "scep-query" { StatusCode::URI_TOO_LONG } else { StatusCode::PAYLOAD_TOO_LARGE };
    let response = (status, format!("scep: {}\n", error.detail())).into_response();
    with_header(response, header::CONNECTION, "close")
}

/// The client did nothing wrong and may try again; what is wrong here is for the log.
fn unavailable(error: &Error) -> Response {
    if error.kind() != Kind::Busy {
        tracing::error!(%error, "SCEP request not answered");
    }
    let response = (StatusCode::SERVICE_UNAVAILABLE, "scep: try again later\n").into_response();
    with_header(response, header::RETRY_AFTER, "1")
}

fn with_header(mut response: Response, name: header::HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    response
}
