//! The catalogue's HTTP rows, written byte by byte to a real listener: the door in front of every handler.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use axum::routing::{get, post};
use signet::clock::Clock;
use signet::server::listen::{Limits, Listener, Rules, Service, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A listener with small bounds; dropped, it stops.
struct Door {
    at: SocketAddr,
    stop: watch::Sender<bool>,
}

fn router() -> Router {
    Router::new()
        .route(
            "/scep",
            get(|| async { "scep" }).post(|body: Bytes| async move { format!("{} bytes", body.len()) }),
        )
        .route("/api", get(|uri: Uri| async move { uri.to_string() }))
        .route("/slow", post(|| async { tokio::time::sleep(Duration::from_secs(60)).await }))
        .route("/large", get(|| async { vec![b'x'; 32 << 20] }))
}

fn limits() -> Limits {
    let short = Duration::from_millis(300);
    Limits {
        head: short,
        body: short,
        idle: Duration::from_secs(5),
        requests: 50,
        stall: short,
        ..Limits::default()
    }
}

async fn open(limits: Limits) -> Door {
    let listener = Listener::bind("http", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listener.address();
    let (stop, stopped) = watch::channel(false);
    let service = Service {
        name: "http",
        router: router(),
        transport: Transport::Plain,
        limits,
        rules: Rules::PLAIN,
        clock: Clock::system(),
    };
    tokio::spawn(listener.serve(service, stopped));
    Door { at, stop }
}

/// Sends bytes, reads until the server closes or is silent for two seconds. (answer, whether it closed)
async fn send(door: &Door, bytes: impl AsRef<[u8]>) -> (String, bool) {
    let mut stream = TcpStream::connect(door.at).await.unwrap();
    // The server may close before it has read everything: what counts is its answer.
    let _ = stream.write_all(bytes.as_ref()).await;
    read(&mut stream).await
}

async fn read(stream: &mut TcpStream) -> (String, bool) {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 65536]);
    let closed = loop {
        match tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(n)) => all.extend_from_slice(&buffer[..n]),
            Err(_) => break false,
        }
    };
    (String::from_utf8_lossy(&all).into_owned(), closed)
}

fn statuses(answer: &str) -> Vec<u16> {
    answer.split("HTTP/1.").skip(1).map(|rest| rest[2..5].parse().unwrap()).collect()
}

#[track_caller]
fn refused(row: &str, (answer, closed): &(String, bool), allowed: &[u16]) {
    let found = statuses(answer);
    let plain_close = found.is_empty();
    assert!(plain_close || (found.len() == 1 && allowed.contains(&found[0])), "{row}: {answer}");
    assert!(closed, "{row}: the connection stays open after {answer}");
}

#[track_caller]
fn refused_with(row: &str, reply: &(String, bool), allowed: &[u16]) {
    assert!(!statuses(&reply.0).is_empty(), "{row}: no answer");
    refused(row, reply, allowed);
}

const CLOSE: &str = "Connection: close\r\n";

#[tokio::test]
async fn http_01_two_lengths_never_smuggle_a_second_request() {
    let door = open(limits()).await;
    let smuggled = "0\r\n\r\nGET /api HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", smuggled.len()),
    ] {
        let (answer, closed) =
            send(&door, format!("POST /scep HTTP/1.1\r\nHost: x\r\n{lengths}\r\n{smuggled}")).await;
        assert!(statuses(&answer).len() <= 1 && closed, "{answer}");
    }
    let different =
        send(&door, "POST /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
            .await;
    refused_with("HTTP-01", &different, &[400]);
}

#[tokio::test]
async fn http_03_transfer_codings_other_than_chunked() {
    let door = open(limits()).await;
    for te in [
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "X-Folded: a\r\n b",
    ] {
        let reply = send(&door, format!("POST /scep HTTP/1.1\r\nHost: x\r\n{te}\r\n\r\n0\r\n\r\n")).await;
        refused_with(te, &reply, &[400]);
    }
}

#[tokio::test]
async fn http_04_broken_chunks() {
    let door = open(limits()).await;
    let head = "POST /scep HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let flood = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20));
    for body in ["ffffffffffffffff\r\nabc\r\n", "fffffffffffffffff\r\nabc", "3\r\nabcX\r\n0\r\n\r\n", &flood]
    {
        // A chunk of 2^64-1 bytes is waited for like any slow body, and nothing is set aside for it.
        refused("HTTP-04", &send(&door, format!("{head}{body}")).await, &[400, 408, 413]);
    }
}

#[tokio::test]
async fn http_06_heads_too_large_or_malformed() {
    let door = open(limits()).await;
    let large = format!("X-Large: {}\r\n", "a".repeat(17 * 1024));
    let many: String = (0..200).map(|i| format!("X-{i}: 1\r\n")).collect();
    for (fields, status) in
        [(large.as_str(), 431), (&many, 431), ("Bad Name: x\r\n", 400), ("Na\0me: x\r\n", 400)]
    {
        let reply = send(&door, format!("GET /scep HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
        refused_with("HTTP-06", &reply, &[status]);
    }
}

#[tokio::test]
async fn http_07_and_19_long_targets() {
    let door = open(limits()).await;
    let ask = async |path: &str, query: usize| {
        let query = "a".repeat(query);
        send(&door, format!("GET {path}?{query} HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n")).await
    };
    refused_with("HTTP-07", &ask("/api", 9 * 1024).await, &[414]);
    refused_with("HTTP-19", &ask("/scep", 66 * 1024).await, &[414]);
    refused_with("HTTP-19", &ask("/scep", 130 * 1024).await, &[414]);
    assert_eq!(statuses(&ask("/scep", 60 * 1024).await.0), [200]);
    assert_eq!(statuses(&ask("/api", 7 * 1024).await.0), [200]);
}

#[tokio::test]
async fn http_09_hosts() {
    let door = open(limits()).await;
    for host in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a@b\r\n",
        "Host: a_b\r\n",
        "Host: a:99999\r\n",
        "Host: a\rb\r\n",
        "Host: \r\n",
    ] {
        let reply = send(&door, format!("GET /api HTTP/1.1\r\n{host}\r\n")).await;
        refused_with(host, &reply, &[400]);
    }
    let old = send(&door, "GET /api HTTP/1.0\r\n\r\n").await;
    assert_eq!(statuses(&old.0), [200], "HTTP/1.0 needs no Host");
}

#[tokio::test]
async fn http_10_other_versions_and_methods() {
    let door = open(limits()).await;
    for line in ["GET /api", "GET /api HTTP/3.0", "get /api HTTP/1.1", "G\u{e4}T /api HTTP/1.1"] {
        let reply = send(&door, format!("{line}\r\nHost: x\r\n\r\n")).await;
        refused(line, &reply, &[400, 505]);
    }
}

#[tokio::test]
async fn http_11_trace_and_connect() {
    let door = open(limits()).await;
    for line in ["TRACE /api", "CONNECT example.org:443"] {
        let reply = send(&door, format!("{line} HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n")).await;
        refused_with(line, &reply, &[405]);
        assert!(!reply.0.contains("secret"));
    }
}

#[tokio::test]
async fn http_13_a_method_override_is_ignored() {
    let door = open(limits()).await;
    let request = format!("GET /scep HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: POST\r\n{CLOSE}\r\n");
    let (answer, _) = send(&door, request).await;
    assert!(answer.ends_with("scep"), "{answer}");
}

#[tokio::test]
async fn http_14_paths_that_climb() {
    let door = open(limits()).await;
    for path in
        ["/%2e%2e/", "/..;/", "//api", "/a\\b", "/%00", "/%c0%ae%c0%ae/", "/scep/%2e%2e/%2e%2e/etc/passwd"]
    {
        let reply = send(&door, format!("GET {path} HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n")).await;
        refused_with(path, &reply, &[400, 404]);
    }
}

#[tokio::test]
async fn http_20_a_body_on_get_keeps_the_connection_in_step() {
    let door = open(limits()).await;
    let second = format!("GET /api?second HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n");
    let first = "GET /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /";
    let (answer, _) = send(&door, format!("{first}{second}")).await;
    assert_eq!(statuses(&answer), [200, 200], "{answer}");
    assert!(answer.ends_with("/api?second"));
}

#[tokio::test]
async fn http_21_and_23_slow_bodies_and_heads() {
    let door = open(limits()).await;
    let waits = "POST /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let (answer, closed) = send(&door, waits).await;
    assert!(closed && answer.contains(" 408 "), "{answer}");
    let half = "POST /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab";
    refused_with("slow body", &send(&door, half).await, &[408]);
    refused("slow head", &send(&door, "GET /scep HTTP/1.1\r\nHo").await, &[408]);
    refused("silence", &send(&door, "").await, &[408]);
}

#[tokio::test]
async fn http_23_a_slow_head_on_a_used_connection_is_timed_from_its_first_byte() {
    let door = open(limits()).await;
    let mut stream = TcpStream::connect(door.at).await.unwrap();
    stream.write_all(b"GET /scep HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (answer, closed) = read(&mut stream).await;
    assert!(statuses(&answer) == [200] && !closed, "an idle connection outlives the head's time");
    stream.write_all(b"GET /sc").await.unwrap();
    let (_, closed) = read(&mut stream).await;
    assert!(closed);
}

#[tokio::test]
async fn http_23_a_peer_that_takes_no_bytes_is_left() {
    let door = open(limits()).await;
    let mut stream = TcpStream::connect(door.at).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (answer, closed) = read(&mut stream).await;
    assert!(closed && answer.len() < 32 << 20, "{} bytes", answer.len());
}

#[tokio::test]
async fn http_24_pipelining_is_bounded() {
    let door = open(limits()).await;
    let (answer, closed) = send(&door, "GET /scep HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000)).await;
    assert!(closed);
    // The answers that were under way when the server closed may be lost with the reset.
    assert!((1..=50).contains(&statuses(&answer).len()), "{answer}");
}

#[tokio::test]
async fn http_27_no_upgrade_to_h2c() {
    let door = open(limits()).await;
    let upgrade =
        "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let (answer, _) = send(&door, format!("GET /scep HTTP/1.1\r\nHost: x\r\n{upgrade}\r\n")).await;
    assert_eq!(statuses(&answer), [200]);
    let (answer, closed) = send(&door, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(closed && !answer.contains(" 200 "));
}

#[tokio::test]
async fn http_29_content_codings_and_large_bodies() {
    let door = open(limits()).await;
    let post = async |fields: &str, body: usize| {
        let body = "a".repeat(body);
        let length = body.len();
        send(
            &door,
            format!(
                "POST /scep HTTP/1.1\r\nHost: x\r\n{fields}{CLOSE}Content-Length: {length}\r\n\r\n{body}"
            ),
        )
        .await
    };
    refused_with("HTTP-29", &post("Content-Encoding: gzip\r\n", 10).await, &[415]);
    refused_with("too large", &post("", 65537).await, &[413]);
    assert!(post("", 65536).await.0.ends_with("65536 bytes"));
}

#[tokio::test]
async fn http_43_ranges_are_ignored() {
    let door = open(limits()).await;
    let ranges = (0..1000).map(|i| format!("{i}-{i}")).collect::<Vec<_>>().join(",");
    let (answer, _) =
        send(&door, format!("GET /scep HTTP/1.1\r\nHost: x\r\nRange: bytes={ranges}\r\n{CLOSE}\r\n")).await;
    assert!(statuses(&answer) == [200] && answer.ends_with("scep"), "{answer}");
}

#[tokio::test]
async fn one_address_has_only_so_many_connections() {
    let door = open(Limits { connections_per_address: 1, ..limits() }).await;
    let mut first = TcpStream::connect(door.at).await.unwrap();
    first.write_all(b"GET /scep HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let (answer, closed) = send(&door, "GET /scep HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(closed && answer.is_empty());
}

#[tokio::test]
async fn http_57_what_was_accepted_is_finished_and_nothing_more_is_taken() {
    let door = open(limits()).await;
    let mut under_way = TcpStream::connect(door.at).await.unwrap();
    under_way.write_all(b"POST /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    door.stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(door.at).await.is_err(), "the socket is closed");
    under_way.write_all(b"b").await.unwrap();
    let (answer, closed) = read(&mut under_way).await;
    assert!(closed && answer.ends_with("2 bytes"), "{answer}");
}
