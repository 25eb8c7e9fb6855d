//! curl and openssl renew a certificate over TLS with the old one as proof, and judge the listener that takes it.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Server, run};

const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// A server whose TLS clients may renew on their first day.
fn start() -> Server {
    let server = Server::start();
    let file = server.data().join("policies/profiles/tls-client.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("early = false", "early = true")).unwrap();
    server.signet(&["profile", "reload"]).ok();
    server
}

/// A key and a request for gw1, by openssl.
fn request(server: &Server, name: &str) -> (String, String) {
    let (key, csr) = (server.file(&format!("{name}.key")), server.file(&format!("{name}.csr")));
    let mut arguments = vec!["req", "-new", "-nodes", "-keyout", &key, "-out", &csr];
    arguments.extend(P256);
    arguments.extend(["-subj", "/CN=gw1.example.org", "-addext", "subjectAltName=DNS:gw1.example.org"]);
    run("openssl", &arguments).ok();
    (key, csr)
}

/// gw1's first certificate, by an operator. (certificate, key)
fn enrolled(server: &Server) -> (String, String) {
    let (key, csr) = request(server, "old");
    let pem = server.signet(&["cert", "issue", "--profile", "tls-client", "--csr", &csr]).ok();
    std::fs::write(server.path("old.pem"), pem).unwrap();
    (server.file("old.pem"), key)
}

fn text_of(server: &Server, certificate: &str) -> String {
    let bundle = server.file("bundle.pem");
    run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();
    let verify = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", &bundle, certificate];
    run("openssl", &verify).ok();
    run("openssl", &["x509", "-in", certificate, "-noout", "-subject", "-serial", "-ext", "subjectAltName"])
        .ok()
}

#[test]
fn curl_renews_with_the_old_certificate_and_openssl_is_content() {
    let server = start();
    let (old, old_key) = enrolled(&server);
    let (_, csr) = request(&server, "new");
    let (ca, new) = (server.data().join("tls-ca.pem"), server.file("new.pem"));
    let url = format!("https://{}/api/v1/renew", server.https);
    let body = format!("@{csr}");
    let base = ["-sS", "--cacert", ca.to_str().unwrap(), "-H", "Content-Type: application/pkcs10"];
    let post = ["-H", "Accept: application/x-pem-file", "--data-binary", &body, "-w", "%{http_code}", &url];
    for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"], &["--http1.1"]] {
        let shown = ["--cert", &old, "--key", &old_key, "-o", &new];
        let arguments = [&base[..], version, &shown, &post].concat();
        assert_eq!(run("curl", &arguments).ok(), "201", "{version:?}");
    }
    let renewed = text_of(&server, &new);
    assert!(renewed.contains("gw1.example.org") && renewed.contains("DNS:gw1.example.org"), "{renewed}");
    assert_ne!(text_of(&server, &old), renewed, "another serial number");

    let nobody = run("curl", &[&base[..], &post].concat()).ok();
    assert!(nobody.contains("certificate-required") && nobody.ends_with("403"), "{nobody}");

    let serial = run("openssl", &["x509", "-in", &old, "-noout", "-serial"]).ok();
    let serial = serial.trim().trim_start_matches("serial=").to_owned();
    server.signet(&["cert", "revoke", &serial, "--reason", "superseded"]).ok();
    let (_, csr) = request(&server, "third");
    let body = format!("@{csr}");
    let shown = ["--cert", &old, "--key", &old_key, "--data-binary", &body, &url];
    let revoked = run("curl", &[&base[..], &shown].concat()).ok();
    assert!(revoked.contains("renewal signer is expired or revoked"), "{revoked}");
}

#[test]
fn the_command_line_renews_without_a_token_and_lists_what_is_due() {
    let server = start();
    let (old, old_key) = enrolled(&server);
    let (address, ca) = (format!("https://{}", server.https), server.data().join("tls-ca.pem"));
    let ca = ca.to_str().unwrap();
    let new_key = server.file("new.key");
    let renew = ["cert", "renew", "--cert", &old, "--key", &old_key, "--new-key", &new_key];
    let at = ["--server", &address, "--ca", ca];
    let pem = run(crate::server::SIGNET, &[&renew[..], &at].concat()).ok();
    std::fs::write(server.path("new.pem"), pem).unwrap();
    let new = server.file("new.pem");
    text_of(&server, &new);
    let of_key = run("openssl", &["pkey", "-in", &new_key, "-pubout"]).ok();
    assert_eq!(run("openssl", &["x509", "-in", &new, "-noout", "-pubkey"]).ok(), of_key);
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(server.path("new.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let again = run(crate::server::SIGNET, &[&renew[..], &at].concat());
    assert_eq!(again.code, 1);
    assert!(again.err.contains("name a file that is not there yet"), "{}", again.err);
    let same_key = ["cert", "renew", "--cert", &new, "--key", &new_key];
    let refused = run(crate::server::SIGNET, &[&same_key[..], &at].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("the profile wants a new key"), "{}", refused.err);
    let foreign = ["cert", "renew", "--cert", &new, "--key", &old_key];
    assert!(run(crate::server::SIGNET, &[&foreign[..], &at].concat()).err.contains("not the certificate's"));

    let due = server.signet(&["cert", "due", "--output", "json"]).ok();
    let due: Value = serde_json::from_str(&due).unwrap();
    assert_eq!(due["items"], serde_json::json!([]));
    let count = server.signet(&["cert", "due", "--count", "--output", "json"]).ok();
    let count: Value = serde_json::from_str(&count).unwrap();
    assert_eq!(count, serde_json::json!({"due": 0, "late": 0, "vanished": 0}));
    let tasks = server.signet(&["task", "list"]).ok();
    assert!(!tasks.contains("certificate.supersede"), "{tasks}");
}

/// Talks to the listener as `openssl s_client` does; returns all that it says. What is typed, if anything, is not ended:
/// the connection is ended by what it leads to.
fn s_client(server: &Server, arguments: &[&str], typed: &[u8]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &server.https, "-servername", "localhost"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(typed).unwrap();
    let keyboard = (!typed.is_empty()).then_some(keyboard);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    drop(keyboard);
    let output = child.wait_with_output().unwrap();
    said + &String::from_utf8_lossy(&output.stdout)
}

/// TLSCLIENT-01, -03, -36, -37, -41, as openssl sees them.
#[test]
fn tlsclient_01_03_36_37_41_openssl_meets_the_listener() {
    let server = start();
    // It stays until the server closes: a session ticket, which tells of early data, comes after the handshake.
    let bye = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let asked = s_client(&server, &["-ign_eof"], bye);
    assert!(asked.contains("Acceptable client certificate CA names"), "a certificate is wished for: {asked}");
    assert!(asked.contains("Issuing"), "of these CAs: {asked}");
    assert!(asked.contains("Max Early Data: 0"), "TLSCLIENT-37: {asked}");

    let alpn = s_client(&server, &["-alpn", "acme-tls/1"], b"");
    assert!(alpn.contains("no application protocol"), "TLSCLIENT-41: {alpn}");

    let again = s_client(&server, &["-tls1_2"], b"R\n");
    assert!(again.contains("RENEGOTIATING") && again.contains("no renegotiation"), "TLSCLIENT-36: {again}");

    let (foreign, key) = (server.file("foreign.pem"), server.file("foreign.key"));
    let mut own = vec!["req", "-x509", "-nodes", "-days", "30", "-keyout", &key, "-out", &foreign];
    own.extend(P256);
    own.extend(["-subj", "/CN=gw1.example.org", "-addext", "extendedKeyUsage=clientAuth"]);
    own.extend(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature"]);
    run("openssl", &own).ok();
    let unknown = s_client(&server, &["-tls1_2", "-cert", &foreign, "-key", &key], b"");
    assert!(unknown.contains("unknown ca"), "TLSCLIENT-03: {unknown}");
}
