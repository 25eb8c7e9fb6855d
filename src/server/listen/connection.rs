//! One connection: handshake, requests, end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt;

use super::guard::{Activity, Guarded};
use super::refusal::Refusal;
use super::{Service, Transport};
use crate::ca::client::ClientCertificate;

/// Serves a connection to its end.
pub async fn serve(stream: TcpStream, peer: SocketAddr, service: &Arc<Service>, stop: watch::Receiver<bool>) {
    match &service.transport {
        Transport::Plain => over_http1(stream, Peer::plain(peer), service, stop).await,
        Transport::Tls(config) => over_tls(stream, peer, config.clone(), service, stop).await,
        Transport::TlsWithClients(config) => match config.current() {
            Ok(config) => over_tls(stream, peer, config, service, stop).await,
            Err(error) => tracing::error!(%error, "no TLS configuration"),
        },
    }
}

async fn over_tls(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<ServerConfig>,
    service: &Arc<Service>,
    stop: watch::Receiver<bool>,
) {
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    match tokio::time::timeout(service.limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(tls)) => {
            let (of, is_h2) = {
                let connection = tls.get_ref().1;
                (Peer::tls(peer, connection), connection.alpn_protocol() == Some(b"h2"))
            };
            if is_h2 {
                over_http2(tls, of, service, stop).await;
            } else {
                over_http1(tls, of, service, stop).await;
            }
        }
        Ok(Err(e)) => tracing::debug!(peer = %peer.ip(), error = %e, "TLS handshake failed"),
        Err(_) => tracing::debug!(peer = %peer.ip(), "TLS handshake took too long"),
    }
}

/// Who is at the other end.
#[derive(Clone)]
struct Peer {
    address: SocketAddr,
    /// The name that was asked for in the handshake.
    server_name: Option<Arc<str>>,
    certificate: Option<ClientCertificate>,
}

impl Peer {
    fn plain(address: SocketAddr) -> Self {
        Self { address, server_name: None, certificate: None }
    }

    fn tls(address: SocketAddr, connection: &ServerConnection) -> Self {
        let shown = connection.peer_certificates().and_then(|chain| chain.first());
        Self {
            address,
            server_name: connection.server_name().map(Arc::from),
            certificate: shown.map(|leaf| ClientCertificate(Arc::from(leaf.as_ref()))),
        }
    }
}

async fn over_http1<S>(stream: S, peer: Peer, service: &Arc<Service>, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let io = TokioIo::new(Guarded::new(stream, activity.clone(), service.limits, true));
    let answer = service_fn(|request| answer(request, peer.clone(), service.clone(), activity.clone()));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(service.limits.idle)
        .max_headers(100)
        .max_header_size(service.rules.head_buffer());
    drive(builder.serve_connection(io, answer), &activity, service.limits.idle, stop).await;
}

async fn over_http2<S>(stream: S, peer: Peer, service: &Arc<Service>, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let io = TokioIo::new(Guarded::new(stream, activity.clone(), service.limits, false));
    let for_requests = (peer, service.clone(), activity.clone());
    let answer = service_fn(move |request| {
        let (peer, service, activity) = for_requests.clone();
        answer(request, peer, service, activity)
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(16 * 1024)
        .max_local_error_reset_streams(100)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    drive(builder.serve_connection(io, answer), &activity, service.limits.idle, stop).await;
}

/// A connection that can be asked to end after the requests that it has begun.
trait Graceful: Future {
    fn finish(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Graceful for http2::Connection<I, S, TokioExecutor>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Polls the connection until it ends; asks it to end when the server stops or it idles too long.
async fn drive<C: Graceful>(
    connection: C,
    activity: &Activity,
    idle: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut connection = std::pin::pin!(connection);
    let mut ticks = tokio::time::interval(idle.max(Duration::from_millis(1)));
    let (mut seen, mut ending) = (usize::MAX, false);
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stop| *stop), if !ending => {
                ending = true;
                connection.as_mut().finish();
            }
            _ = ticks.tick(), if !ending => {
                if activity.is_waiting() && seen == activity.begun() {
                    ending = true;
                    connection.as_mut().finish();
                }
                seen = activity.begun();
            }
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
    peer: Peer,
    service: Arc<Service>,
    activity: Arc<Activity>,
) -> Result<Response<Body>, Infallible> {
    let (number, _running) = activity.begin();
    let since = service.clock.now();
    let (method, uri, version) = (request.method().clone(), request.uri().clone(), request.version());
    request.extensions_mut().insert(ConnectInfo(peer.address));
    if let Some(certificate) = peer.certificate {
        request.extensions_mut().insert(certificate);
    }
    let name = peer.server_name.as_deref();
    let mut response = match service.rules.admit(request, name, service.limits.body).await {
        Ok(request) => handle(request, &service).await,
        Err(refusal) => refusal.response(service.rules.problems),
    };
    for (name, value) in service.rules.fields {
        response.headers_mut().entry(*name).or_insert(HeaderValue::from_static(value));
    }
    if version < Version::HTTP_2 && number >= service.limits.requests {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if version == Version::HTTP_2 {
        response.headers_mut().remove(CONNECTION);
    }
    let status = response.status();
    let took = u64::try_from(service.clock.now().since(since).as_millis()).unwrap_or(u64::MAX);
    note(service.name, peer.address, &method, uri.path(), status, took);
    Ok(response)
}

/// Counts and logs an answer. The query is left out: a SCEP message stands in it, and filters name people.
fn note(listener: &'static str, peer: SocketAddr, method: &Method, path: &str, status: StatusCode, ms: u64) {
    let (peer, code) = (peer.ip(), status.as_u16());
    let path = &path[..path.floor_char_boundary(200)];
    if status.is_server_error() {
        tracing::warn!(listener, %peer, %method, path, status = code, ms, "request");
    } else if status.is_client_error() {
        tracing::info!(listener, %peer, %method, path, status = code, ms, "request");
    } else {
        tracing::debug!(listener, %peer, %method, path, status = code, ms, "request");
    }
    metrics::counter!("signet_http_requests_total", "listener" => listener, "status" => code.to_string())
        .increment(1);
}

async fn handle(request: Request<Body>, service: &Service) -> Response<Body> {
    match tokio::time::timeout(service.limits.answer, service.router.clone().oneshot(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            let late = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "no answer in time; try again");
            late.response(service.rules.problems)
        }
    }
}
