//! What HTTP/2 forbids in a request's head, written frame by frame to a TLS listener (HTTP-26).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use signet::clock::Clock;
use signet::server::listen::{Limits, Listener, Rules, Service, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::client::TlsStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const PROTOCOL_ERROR: u32 = 1;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;
/// As RFC 7541 appendix A numbers them: `:method: GET` and `:scheme: https`.
const GET_OVER_HTTPS: [u8; 2] = [0x82, 0x87];

/// The listener and the certificate that its clients trust.
async fn open() -> (SocketAddr, rustls::pki_types::CertificateDer<'static>, watch::Sender<bool>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = Listener::bind("https", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listener.address();
    let (stop, stopped) = watch::channel(false);
    let service = Service {
        name: "https",
        router: Router::new().route("/api", get(|| async { "api" })),
        transport: Transport::Tls(Arc::new(config)),
        limits: Limits::default(),
        rules: Rules::API,
        clock: Clock::system(),
    };
    tokio::spawn(listener.serve(service, stopped));
    (at, made.cert.der().clone(), stop)
}

async fn connect(
    at: SocketAddr,
    trusted: rustls::pki_types::CertificateDer<'static>,
) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// A header field with a new name, not indexed (RFC 7541 §6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// A request with this head on a connection of its own; the first HEADERS, RST_STREAM or GOAWAY that answers: its kind
/// and, of the last two, the error code.
async fn answer(fields: &[(&str, &str)]) -> (u8, Option<u32>) {
    let (at, trusted, _stop) = open().await;
    let mut stream = connect(at, trusted).await;
    let mut head = GET_OVER_HTTPS.to_vec();
    fields.iter().for_each(|(name, value)| head.extend(field(name, value)));
    let request = [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, WHOLE, 1, &head)].concat();
    stream.write_all(&request).await.unwrap();
    loop {
        let mut start = [0; 9];
        stream.read_exact(&mut start).await.expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes([0, start[0], start[1], start[2]]) as usize];
        stream.read_exact(&mut payload).await.expect("the frame's payload");
        let number = |at: usize| payload[at..at + 4].try_into().map(u32::from_be_bytes).ok();
        match start[3] {
            HEADERS => return (HEADERS, None),
            RST_STREAM => return (RST_STREAM, number(0)),
            GOAWAY => return (GOAWAY, number(4)),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_right_head_is_answered() {
    assert_eq!(
        answer(&[(":path", "/api"), (":authority", "localhost"), ("accept", "*/*")]).await,
        (HEADERS, None)
    );
}

#[tokio::test]
async fn http_26_what_http2_forbids_in_a_head_ends_the_stream() {
    let right = [(":path", "/api"), (":authority", "localhost")];
    for wrong in [
        (":path", "/api"),
        (":method", "POST"),
        (":unknown", "x"),
        ("Accept", "*/*"),
        ("connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ] {
        let (kind, code) = answer(&[&right[..], &[wrong]].concat()).await;
        assert!(kind == RST_STREAM || kind == GOAWAY, "{wrong:?} is answered");
        assert_eq!(code, Some(PROTOCOL_ERROR), "{wrong:?}");
    }
    let late = [&right[..], &[("accept", "*/*"), (":authority", "localhost")]].concat();
    assert_eq!(answer(&late).await.1, Some(PROTOCOL_ERROR), "a pseudo-header after the others");
}
