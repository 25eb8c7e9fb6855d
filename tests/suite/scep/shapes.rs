//! The URLs and requests of field clients, byte by byte, over a real listener.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signet::clock::Clock;
use signet::server::listen::{Limits, Listener, Rules, Service, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::cert_rep::CertRep;
use super::server::{Server, scep};

/// Sends one request on a connection of its own, returns status, head and body.
async fn exchange(server: &Server, request: &[u8]) -> (u16, String, Vec<u8>) {
    let listener = Listener::bind("http", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listener.address();
    let (stop, stopped) = watch::channel(false);
    let service = Service {
        name: "http",
        router: server.router.clone(),
        transport: Transport::Plain,
        limits: Limits::default(),
        rules: Rules::PLAIN,
        clock: Clock::system(),
    };
    tokio::spawn(listener.serve(service, stopped));
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    drop(stop);
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, all[end + 4..].to_vec())
}

#[test]
fn a_message_by_get_is_read_in_every_shape_that_clients_give_it() {
    scep(async |server| {
        let device = server.device();
        let base64 = STANDARD.encode(server.first_request(&device).await.signed_by(&device));
        assert!(base64.contains('+') && base64.contains('/'));
        let escaped = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let lower = escaped.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d");
        let lines = |text: &str, end: &str| -> String {
            text.as_bytes().chunks(64).map(|l| format!("{}{end}", std::str::from_utf8(l).unwrap())).collect()
        };
        let cisco = lines(&base64, "%0A").replace('+', "%2B");
        let crlf = lines(&base64, "%0D%0A").replace('+', "%2B").replace('/', "%2F");
        let shapes = [
            // Cisco IOS: HTTP/1.0 without a Host, lines of 64 that end in %0A.
            format!("GET /cgi-bin/pkiclient.exe?operation=PKIOperation&message={cisco} HTTP/1.0\r\n\r\n"),
            // macOS: everything percent-encoded.
            get(&format!("/scep?operation=PKIOperation&message={escaped}")),
            get(&format!("/scep/scep-device/pkiclient.exe?message={lower}&operation=PKIOperation")),
            // Raw plus and slash, padding or none.
            get(&format!("/scep/scep-device?operation=PKIOperation&message={base64}")),
            get(&format!("/scep/?operation=PKIOperation&message={}", base64.trim_end_matches('='))),
            // A plus that was decoded once too often.
            get(&format!(
                "/certsrv/mscep/mscep.dll?operation=PKIOperation&message={}",
                base64.replace('+', "%20")
            )),
            get(&format!("/CertSrv/mscep/?operation=PKIOperation&message={}", crlf)),
            get(&format!("/scep/pkiclient.exe?operation=pkioperation&message={}&x=1", lines(&base64, "%0a"))),
        ];
        let mut issued = Vec::new();
        for shape in shapes {
            let (status, head, body) = exchange(server, shape.as_bytes()).await;
            assert_eq!(status, 200, "{shape}\n{}", String::from_utf8_lossy(&body));
            assert!(head.to_ascii_lowercase().contains("content-type: application/x-pki-message"), "{head}");
            issued.push(CertRep::read(&body).certificate(&device));
        }
        issued.dedup();
        assert_eq!(issued.len(), 1, "one request, one certificate, however it was written");
    });
}

#[test]
fn a_message_by_post_needs_no_content_type_nor_the_right_one() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await.signed_by(&device);
        let types = [
            "",
            "Content-Type: application/x-pki-message\r\n",
            "Content-Type: application/octet-stream\r\n",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ];
        for content_type in types {
            for (version, host) in [("1.0", ""), ("1.1", "Host: ca.example\r\nConnection: close\r\n")] {
                let head = format!(
                    "POST /scep?operation=PKIOperation HTTP/{version}\r\n{host}{content_type}Content-Length: {}\r\n\r\n",
                    message.len()
                );
                let (status, _, body) = exchange(server, &[head.as_bytes(), &message].concat()).await;
                assert_eq!(status, 200, "{head}");
                CertRep::read(&body).certificate(&device);
            }
        }
    });
}

/// A request target of more than 8 KiB, which only SCEP has, on the paths of other servers too.
#[test]
fn a_long_message_by_get_is_read_on_every_path() {
    scep(async |server| {
        for path in ["/scep", "/cgi-bin/pkiclient.exe", "/certsrv/mscep/mscep.dll"] {
            let device = server.device();
            let mut message = server.first_request(&device).await;
            // Certificates that come along, as a chain would.
            (0..8).for_each(|_| message.certificates.push(server.device().certificate));
            let base64 = STANDARD.encode(message.signed_by(&device)).replace('+', "%2B");
            assert!(base64.len() > 8 * 1024);
            let (status, _, body) =
                exchange(server, get(&format!("{path}?operation=PKIOperation&message={base64}")).as_bytes())
                    .await;
            assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
            CertRep::read(&body).certificate(&device);
        }
    });
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: ca.example\r\nConnection: close\r\n\r\n")
}
