//! The listener with all its parts: what a client over the network meets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use signet::admin;
use signet::server::listen::{Limits, Listener, Rules, Service, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::house::{DAY, House, Shown};

async fn open(house: &House) -> (SocketAddr, watch::Sender<bool>) {
    let listener = Listener::bind("https", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listener.address();
    let (stop, stopped) = watch::channel(false);
    let service = Service {
        name: "https",
        router: admin::router(house.state.admin.clone()),
        transport: Transport::TlsWithClients(Arc::new(house.listener())),
        limits: Limits { handshake: Duration::from_millis(300), ..Limits::default() },
        rules: Rules::API,
        clock: house.clock.clone(),
    };
    tokio::spawn(listener.serve(service, stopped));
    (at, stop)
}

/// One request over a connection of its own.
async fn ask(house: &House, at: SocketAddr, shown: Option<&Shown>, request: &str) -> String {
    let connector = tokio_rustls::TlsConnector::from(Arc::new(house.client_config(shown)));
    let stream = TcpStream::connect(at).await.unwrap();
    let mut tls = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_40_the_host_is_the_one_that_the_connection_was_made_for() {
    let house = House::open().await;
    let (at, _stop) = open(&house).await;
    let get =
        |host: &str| format!("GET /api/v1/version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for host in ["localhost", "LOCALHOST", "localhost.", &format!("localhost:{}", at.port())] {
        let answer = ask(&house, at, None, &get(host)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    for host in ["pki.example.org", "127.0.0.1", "localhost.example.org", "[::1]"] {
        let answer = ask(&house, at, None, &get(host)).await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{host}: {answer}");
        assert!(answer.contains("\"code\":\"misdirected\""), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_the_connection_reaches_who_renews_it() {
    let house = House::open().await;
    let (at, _stop) = open(&house).await;
    let (shown, _) = house.client("gw1.example.org").await;
    house.clock.advance(DAY);
    let post = "POST /api/v1/renew HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pkcs10\r\n\
                Content-Length: 4\r\nConnection: close\r\n\r\nnone";
    let nobody = ask(&house, at, None, post).await;
    assert!(nobody.starts_with("HTTP/1.1 403") && nobody.contains("certificate-required"), "{nobody}");
    let known = ask(&house, at, Some(&shown), post).await;
    assert!(known.starts_with("HTTP/1.1 422") && known.contains("\"pointer\":\"/csr\""), "{known}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_47_a_handshake_that_does_not_go_on_is_ended() {
    let house = House::open().await;
    let (at, _stop) = open(&house).await;
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open after {begun:?}");
    }
}
