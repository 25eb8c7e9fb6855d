//! openssl and ocsptool ask, and judge what is answered; pkilint reads the answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::pkilint::lint;
use crate::server::{Ran, Server, run};

/// A server, one of its certificates with the CA that issued it, and our CAs.
struct Asked {
    server: Server,
    leaf: String,
    serial: String,
    issuer: String,
    bundle: String,
}

impl Asked {
    fn new(profile: &str, key: &[&str]) -> Self {
        let server = Server::start_with(&["--rsa-root", "rsa-2048", "--url", "http://pki.example.com"]);
        let [key_file, csr, leaf, issuer, bundle] =
            ["key", "csr", "leaf.pem", "issuer.pem", "bundle.pem"].map(|name| server.file(name));
        run("openssl", &[&["genpkey", "-out", &key_file], key].concat()).ok();
        let san = ["-addext", "subjectAltName=DNS:www.example.com", "-subj", "/CN=www.example.com"];
        run("openssl", &[&["req", "-new", "-key", &key_file, "-out", &csr][..], &san].concat()).ok();
        let chain = server.signet(&["cert", "issue", "--profile", profile, "--csr", &csr]).ok();
        let (first, above) = chain.split_at(chain.find("-----END").unwrap() + 26);
        std::fs::write(&leaf, first).unwrap();
        std::fs::write(&issuer, above).unwrap();
        run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();
        let serial = run("openssl", &["x509", "-in", &leaf, "-noout", "-serial"]).ok();
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        Self { server, leaf, serial, issuer, bundle }
    }

    /// What openssl says of the answer, which it verifies.
    #[track_caller]
    fn openssl(&self, which: &[&str], further: &[&str]) -> String {
        let url = self.server.url("/ocsp");
        let base = ["ocsp", "-issuer", &self.issuer, "-CAfile", &self.bundle, "-url", &url];
        let Ran { code, out, err } = run("openssl", &[&base[..], further, which].concat());
        assert!(code == 0 && err.contains("Response verify OK"), "{out}{err}");
        assert!(!err.contains("WARNING"), "{err}");
        out
    }

    #[track_caller]
    fn ocsptool(&self, further: &[&str]) -> String {
        let ask = format!("--ask={}", self.server.url("/ocsp"));
        let base =
            [&ask, "--load-cert", &self.leaf, "--load-issuer", &self.issuer, "--load-trust", &self.bundle];
        let ran = run("ocsptool", &[&base[..], further].concat());
        assert!(ran.out.contains("Verifying OCSP Response: Success"), "{}{}", ran.out, ran.err);
        ran.out
    }

    /// A request without a nonce, DER.
    fn request(&self) -> Vec<u8> {
        let file = self.server.file("request");
        let base = ["ocsp", "-no_nonce", "-issuer", &self.issuer, "-cert", &self.leaf, "-reqout", &file];
        run("openssl", &base).ok();
        std::fs::read(file).unwrap()
    }

    /// (status, head, body) of what curl is told to fetch.
    fn fetch(&self, arguments: &[&str], path: &str) -> (String, String, Vec<u8>) {
        let (head, body) = (self.server.file("head"), self.server.file("body"));
        let base = ["-s", "-g", "--path-as-is", "-w", "%{http_code}", "-D", &head, "-o", &body];
        let status = run("curl", &[&base[..], arguments, &[&self.server.url(path)]].concat()).ok();
        let head = std::fs::read_to_string(head).unwrap().to_lowercase();
        (status, head, std::fs::read(body).unwrap_or_default())
    }
}

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

fn is_answered_and_a_revocation_is_seen_at_once(profile: &str, key: &[&str]) {
    let asked = Asked::new(profile, key);
    let text = run("openssl", &["x509", "-in", &asked.leaf, "-noout", "-ocsp_uri"]).ok();
    assert_eq!(text.trim(), "http://pki.example.com/ocsp");

    let cert = ["-cert", &asked.leaf];
    for further in [&[][..], &["-no_nonce"], &["-sha256", "-no_nonce"], &["-sha256"]] {
        let which: &[&str] =
            if further.contains(&"-sha256") { &["-sha256", "-cert", &asked.leaf] } else { &cert };
        let further: Vec<_> = further.iter().copied().filter(|f| *f != "-sha256").collect();
        assert!(asked.openssl(which, &further).contains(": good"), "{further:?}");
    }
    assert!(asked.ocsptool(&["--nonce"]).contains("Certificate Status: good"));
    assert!(
        asked.openssl(&["-serial", "0x0102030405060708090A"], &[]).contains(": unknown"),
        "REVOCATION-15"
    );
    let two = asked.openssl(&["-cert", &asked.leaf, "-serial", "77"], &[]);
    assert!(two.contains(": good") && two.contains("77: unknown"), "{two}");

    // REVOCATION-19: on hold and released, good again at once.
    asked.server.signet(&["cert", "revoke", &asked.serial, "--reason", "certificate-hold"]).ok();
    let held = asked.openssl(&cert, &["-no_nonce"]);
    assert!(held.contains(": revoked") && held.contains("Reason: certificateHold"), "{held}");
    asked.server.signet(&["cert", "release", &asked.serial]).ok();
    assert!(asked.openssl(&cert, &["-no_nonce"]).contains(": good"));
    assert!(asked.ocsptool(&[]).contains("Certificate Status: good"));

    asked.server.signet(&["cert", "revoke", &asked.serial, "--reason", "key-compromise"]).ok();
    for further in [&[][..], &["-no_nonce"]] {
        let said = asked.openssl(&cert, further);
        assert!(said.contains(": revoked") && said.contains("Reason: keyCompromise"), "{said}");
    }
    assert!(asked.ocsptool(&[]).contains("Certificate Status: revoked"));
}

#[test]
fn an_rsa_device_is_answered_for_and_a_revocation_is_seen_at_once() {
    is_answered_and_a_revocation_is_seen_at_once("scep-device", RSA);
}

#[test]
fn an_ec_server_is_answered_for_and_a_revocation_is_seen_at_once() {
    is_answered_and_a_revocation_is_seen_at_once("tls-server", P256);
}

#[test]
fn get_and_post_answer_alike_with_what_caches_need() {
    let asked = Asked::new("tls-server", P256);
    let request = asked.request();
    let file = format!("@{}", asked.server.file("request"));
    let post = ["-H", "Content-Type: application/ocsp-request", "--data-binary", &file];
    let (status, head, by_post) = asked.fetch(&post, "/ocsp");
    assert_eq!(status, "200");
    assert!(head.contains("content-type: application/ocsp-response"), "{head}");
    std::fs::write(asked.server.path("response"), &by_post).unwrap();
    lint("lint_ocsp_response", &asked.server.file("response"), "ocsp");

    // REVOCATION-35: every valid spelling gives the same answer, from memory.
    let base64 = STANDARD.encode(&request);
    let escaped = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for written in [&base64, &escaped] {
        let (status, head, by_get) = asked.fetch(&[], &format!("/ocsp/{written}"));
        assert_eq!((status.as_str(), by_get == by_post), ("200", true), "{written}");
        for field in ["etag: ", "last-modified: ", "expires: "] {
            assert!(head.contains(field), "{head}");
        }
        assert!(head.contains("cache-control: max-age=60, public, no-transform, must-revalidate"), "{head}");
        let tag = head.lines().find_map(|l| l.strip_prefix("etag: ")).unwrap().to_owned();
        let held = format!("If-None-Match: {tag}");
        assert_eq!(asked.fetch(&["-H", &held], &format!("/ocsp/{written}")).0, "304");
    }
}

#[test]
fn what_is_no_request_is_told_in_the_protocols_words() {
    let asked = Asked::new("tls-server", P256);
    let base64 = STANDARD.encode(asked.request());
    let malformed = [48, 3, 10, 1, 1];
    // REVOCATION-36, -38
    for path in ["/ocsp/____", "/ocsp/MEI%20w", "/ocsp/MEI%zz", &format!("/ocsp/{base64}/../../etc/passwd")] {
        let (status, head, body) = asked.fetch(&[], path);
        assert_eq!((status.as_str(), body.as_slice()), ("200", &malformed[..]), "{path}");
        assert!(head.contains("cache-control: no-store"), "{head}");
    }
    let post = |media: &str, body: &str| asked.fetch(&["-H", media, "--data-binary", body], "/ocsp");
    assert_eq!(post("Content-Type: application/ocsp-request", "abc").2, malformed);
    assert_eq!(post("Content-Type: text/plain", "abc").0, "415", "REVOCATION-40");
    std::fs::write(asked.server.path("large"), vec![0x30; 17_000]).unwrap();
    let large = format!("@{}", asked.server.file("large"));
    assert_eq!(post("Content-Type: application/ocsp-request", &large).0, "413", "REVOCATION-03");
    for method in ["PUT", "DELETE", "OPTIONS"] {
        let (status, head, _) = asked.fetch(&["-X", method], "/ocsp");
        assert!(status == "405" && head.contains("allow: post"), "REVOCATION-39: {method}: {status} {head}");
    }
    let (status, head, _) = asked.fetch(&["-I"], &format!("/ocsp/{base64}"));
    assert!(status == "200" && head.contains("etag: "), "REVOCATION-39: HEAD as GET: {head}");

    // Another CA's certificate: not ours to speak of.
    let (other, key) = (asked.server.file("other.pem"), asked.server.file("other.key"));
    let base = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=Other",
        "-keyout",
        &key,
        "-out",
        &other,
    ];
    run("openssl", &base).ok();
    let url = asked.server.url("/ocsp");
    let said = run("openssl", &["ocsp", "-issuer", &other, "-serial", "1", "-url", &url]);
    assert!(
        said.out.contains("unauthorized") || said.err.contains("unauthorized"),
        "{}{}",
        said.out,
        said.err
    );
}
