//! What is no handshake of today: refused and closed.

use rustls::version::TLS13;

use super::*;

/// A ClientHello: record and client version as given, and suites.
fn client_hello(version: u16, suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend((suites.len() as u16).to_be_bytes());
    body.extend(suites);
    body.extend([1, 0]);
    let mut handshake = vec![1, 0];
    handshake.extend((body.len() as u16).to_be_bytes());
    handshake.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend((handshake.len() as u16).to_be_bytes());
    record.extend(handshake);
    record
}

async fn answer(at: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(sent).await.unwrap();
    rest(&mut stream).await
}

/// A fatal alert and nothing more (RFC 8446 §6).
fn is_fatal_alert(answer: &[u8]) -> bool {
    answer.len() == 7 && answer[0] == 0x15 && answer[5] == 2
}

#[tokio::test(flavor = "multi_thread")]
async fn capf_02_plaintext_gets_an_alert() {
    let house = House::open(None).await;
    let served = house.serve(Limits::default()).await;
    for sent in [&b"\x55\x02\0\0\0\0\0\x0a\x01\0\x01\x01\x07\0\x01\x03"[..], b"GET / HTTP/1.0\r\n\r\n"] {
        let answer = answer(served.capf, sent).await;
        assert!(is_fatal_alert(&answer), "{answer:02x?}");
    }
    Client::talk(served.capf, &TLS13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capf_57_old_versions_and_weak_suites_get_an_alert() {
    /// RSA with RC4-128 and SHA-1; anonymous DH with AES; RSA with AES-128-CBC.
    const WEAK: [u16; 3] = [0x0005, 0x0034, 0x002f];
    let house = House::open(None).await;
    let served = house.serve(Limits::default()).await;
    for (version, suites) in
        [(0x0301, &[0xc013_u16, 0xc02f][..]), (0x0302, &[0xc013, 0xc02f]), (0x0303, &WEAK)]
    {
        let answer = answer(served.capf, &client_hello(version, suites)).await;
        assert!(is_fatal_alert(&answer), "{version:04x}: {answer:02x?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let house = House::open(None).await;
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    let served = house.serve(limits).await;
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"] {
        assert!(answer(served.capf, begun).await.is_empty());
    }
}
