//! openssl makes keys and requests, curl carries them to the API, openssl judges what comes back.

use crate::server::{Server, run};

fn request(server: &Server, name: &str, algorithm: &[&str], subject: &str, san: &str) -> String {
    let (key, csr) = (server.file(&format!("{name}.key")), server.file(&format!("{name}.csr")));
    let mut genpkey = vec!["genpkey", "-out", &key];
    genpkey.extend(algorithm);
    run("openssl", &genpkey).ok();
    let san = format!("subjectAltName={san}");
    run("openssl", &["req", "-new", "-key", &key, "-subj", subject, "-addext", &san, "-out", &csr]).ok();
    csr
}

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

#[test]
fn a_server_gets_its_certificate_in_every_format() {
    let server = Server::start();
    let csr = request(&server, "www", P256, "/CN=www.example.com", "DNS:www.example.com");
    let bundle = server.file("bundle.pem");
    run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();

    let body = serde_json::json!({"profile": "tls-server", "csr": std::fs::read_to_string(&csr).unwrap()});
    let (status, answer) =
        server.api(&["-H", "Content-Type: application/json", "-d", &body.to_string()], "/certificates");
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    std::fs::write(server.path("leaf.pem"), answer["pem"].as_str().unwrap()).unwrap();
    let leaf = server.file("leaf.pem");
    run(
        "openssl",
        &[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "www.example.com",
            "-CAfile",
            &bundle,
            &leaf,
        ],
    )
    .ok();
    let serial = run("openssl", &["x509", "-in", &leaf, "-noout", "-serial"]).ok();
    assert_eq!(serial.trim(), format!("serial={}", answer["serial"].as_str().unwrap()));

    for (accept, convert) in [
        ("application/x-pem-file", vec!["x509", "-noout", "-subject"]),
        ("application/pkix-cert", vec!["x509", "-inform", "DER", "-noout", "-subject"]),
        ("application/pkcs7-mime", vec!["pkcs7", "-inform", "DER", "-print_certs"]),
    ] {
        let header = format!("Accept: {accept}");
        let (status, answer) = server.api(
            &["-H", "Content-Type: application/json", "-H", &header, "-d", &body.to_string()],
            "/certificates",
        );
        assert_eq!(status, 201, "{accept}");
        std::fs::write(server.path("answer"), answer).unwrap();
        let file = server.file("answer");
        let mut arguments = convert.clone();
        arguments.extend(["-in", &file]);
        let text = run("openssl", &arguments).ok();
        assert!(text.contains("www.example.com"), "{accept}: {text}");
    }
}

#[test]
fn the_command_line_issues_shows_finds_and_revokes() {
    let server = Server::start();
    let csr = request(
        &server,
        "cluster",
        P256,
        "/CN=cucm-ms.example.com",
        "DNS:cucm-pub.example.com,DNS:cucm-sub1.example.com,IP:10.1.2.3",
    );
    let pem = server.signet(&["cert", "issue", "--profile", "tls-multi-server", "--csr", &csr]).ok();
    assert!(pem.matches("BEGIN CERTIFICATE").count() >= 2, "{pem}");
    std::fs::write(server.path("cluster.pem"), &pem).unwrap();
    let text =
        run("openssl", &["x509", "-in", &server.file("cluster.pem"), "-noout", "-ext", "subjectAltName"]);
    assert!(text.ok().contains("DNS:cucm-sub1.example.com"));

    let issued = server
        .signet(&["cert", "issue", "--profile", "tls-multi-server", "--csr", &csr, "--output", "json"])
        .ok();
    let issued: serde_json::Value = serde_json::from_str(&issued).unwrap();
    let serial = issued["serial"].as_str().unwrap();
    assert!(issued["pem"].as_str().unwrap().contains("BEGIN CERTIFICATE"));

    let shown = server.signet(&["cert", "show", serial, "--output", "json"]).ok();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()["status"], "good");
    server.signet(&["cert", "revoke", serial, "--reason", "superseded"]).ok();
    let shown = server.signet(&["cert", "show", serial, "--output", "json"]).ok();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((shown["status"].as_str(), shown["reason"].as_str()), (Some("revoked"), Some("superseded")));

    let chain = server.signet(&["ca", "chain", "ec-issuing"]).ok();
    std::fs::write(server.path("chain.pem"), chain).unwrap();
    let first = run("openssl", &["x509", "-in", &server.file("chain.pem"), "-noout", "-subject"]).ok();
    assert!(first.contains("Issuing"), "issuing first: {first}");
}

#[test]
fn a_script_can_tell_refused_from_misused_from_not_reached() {
    let mut server = Server::start();
    let csr = request(&server, "bad", P256, "/CN=phone", "DNS:*.com");
    let refused = server.signet(&["cert", "issue", "--profile", "tls-server", "--csr", &csr]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("wildcard not allowed here"), "{}", refused.err);
    assert_eq!(server.signet(&["cert", "issue", "--profile"]).code, 2);
    assert_eq!(server.signet(&["cert", "show", "00FF00FF"]).code, 1);
    server.stop();
    let unreachable = server.signet(&["cert", "list"]);
    assert_eq!(unreachable.code, 3, "{}", unreachable.err);
}
