//! pkilint (PyPI) on one certificate of each shipped profile and key type, and on every CA and CRL.

use crate::server::{Server, run};

/// What pkilint says at these severities is explained here, or fails the test.
///
/// (finding's code, the profile it may stand for or `*`, why it is right as it is)
const EXPLAINED: &[(&str, &str, &str)] = &[
    (LOCAL, "signet-tls", "operators on the machine itself reach the API as localhost"),
    (LOCAL, "tvs-tls", "as signet-tls: one machine has one set of names"),
    (LOCAL, "tftp-tls", "as signet-tls"),
    (LOCAL, "tftp-ec-tls", "as signet-tls"),
];

/// RFC 5280 §4.2.1.6 allows names of one label.
const LOCAL: &str = "pkix.invalid_domain_name_syntax";

const LINT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/");

/// Nobody but Signet itself is issued by these: linted below, as the server uses them, but for the OCSP responder,
/// which is linted in the suite (`issue::internal`).
const INTERNAL: &[&str] = &[
    "scep-ra",
    "scep-ra-sign",
    "scep-ra-decrypt",
    "signet-tls",
    "tvs-tls",
    "tftp-tls",
    "tftp-ec-tls",
    "capf-tls",
    "ocsp-responder",
];

/// pkilint wants a host with a dot in the addresses that stand in certificates.
const PUBLIC: &[&str] = &["--rsa-root", "rsa-2048", "--url", "http://pki.example.com"];

#[track_caller]
pub fn lint(tool: &str, file: &str, name: &str) {
    let program = format!("{LINT}{tool}");
    let ran = run(&program, &["lint", "-s", "WARNING", "-f", "JSON", file]);
    let report: serde_json::Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{name}: {e}: {} {}", ran.out, ran.err));
    let mut bad = Vec::new();
    for result in report["results"].as_array().into_iter().flatten() {
        for finding in result["finding_descriptions"].as_array().into_iter().flatten() {
            let code = finding["code"].as_str().unwrap_or_default();
            if !EXPLAINED
                .iter()
                .any(|(c, profile, _)| *c == code && (*profile == "*" || name.starts_with(profile)))
            {
                bad.push(format!("{} at {}", finding, result["node_path"]));
            }
        }
    }
    assert!(bad.is_empty(), "{name}:\n{}", bad.join("\n"));
}

fn genpkey(key: &str) -> Vec<&'static str> {
    match key {
        "rsa-2048" => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "rsa-3072" => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
        "rsa-4096" => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
        "p-256" => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p-384" => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "p-521" => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        other => panic!("key {other}"),
    }
}

/// A subject and alternative names that the profile takes.
fn identity(profile: &str) -> (&'static str, Option<&'static str>) {
    match profile {
        "tls-server" => ("/CN=www.example.com", Some("DNS:www.example.com")),
        "tls-multi-server" => (
            "/CN=ms.example.com",
            Some("DNS:ms.example.com,DNS:pub.example.com,DNS:sub.example.com,IP:10.1.2.3"),
        ),
        "node-agent" => ("/CN=node1.example.com", Some("DNS:node1.example.com")),
        "tls-client" => ("/CN=backup-client", None),
        "ocsp-responder" => ("/CN=OCSP responder", None),
        _ => ("/CN=SEP001122334455", None),
    }
}

#[test]
fn every_profile_and_key_type_passes() {
    let server = Server::start_with(PUBLIC);
    let listed = server.signet(&["profile", "list", "--output", "json"]).ok();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let mut linted = 0;
    for profile in listed["items"].as_array().unwrap().iter().filter(|p| p["enabled"] == true) {
        let id = profile["id"].as_str().unwrap();
        if INTERNAL.contains(&id) {
            continue;
        }
        for key in profile["keys"].as_array().unwrap().iter().filter_map(|k| k.as_str()) {
            let (subject, san) = identity(id);
            let (key_file, csr) = (server.file("key.pem"), server.file("csr.pem"));
            let mut arguments = vec!["genpkey", "-out", key_file.as_str()];
            arguments.extend(genpkey(key));
            run("openssl", &arguments).ok();
            let san = san.map(|s| format!("subjectAltName={s}"));
            let mut arguments = vec!["req", "-new", "-key", &key_file, "-subj", subject, "-out", &csr];
            if let Some(san) = &san {
                arguments.extend(["-addext", san]);
            }
            run("openssl", &arguments).ok();
            let pem = server.signet(&["cert", "issue", "--profile", id, "--csr", &csr]).ok();
            std::fs::write(server.path("chain.pem"), pem).unwrap();
            let (chain, leaf) = (server.file("chain.pem"), server.file("leaf.pem"));
            run("openssl", &["x509", "-in", &chain, "-out", &leaf]).ok();
            lint("lint_pkix_cert", &leaf, &format!("{id} {key}"));
            linted += 1;
        }
    }
    assert!(linted >= 20, "only {linted} combinations");
}

#[track_caller]
fn lint_crl(file: &str, name: &str) {
    let arguments = ["lint", "-t", "CRL", "-p", "PKIX", "-s", "WARNING", file];
    let ran = run(format!("{LINT}lint_crl"), &arguments);
    assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
}

/// Complete and delta CRLs of shards, empty and with an entry.
#[test]
fn shards_and_deltas_pass() {
    let server = Server::start_with(PUBLIC);
    server.signet(&["ca", "set", "ec-issuing", "--crl-shards", "1", "--crl-delta-hours", "4"]).ok();
    let revoke_one = |name: &str| {
        let (key, csr) = (server.file("key.pem"), server.file("csr.pem"));
        run("openssl", &[&["genpkey", "-out", &key], &genpkey("p-256")[..]].concat()).ok();
        let subject = format!("/CN={name}");
        run("openssl", &["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr]).ok();
        let pem = server.signet(&["cert", "issue", "--profile", "tls-client", "--csr", &csr]).ok();
        std::fs::write(server.path("leaf.pem"), pem).unwrap();
        let serial = run("openssl", &["x509", "-in", &server.file("leaf.pem"), "-noout", "-serial"]).ok();
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        server.signet(&["cert", "revoke", &serial, "--reason", "superseded"]).ok();
        server.signet(&["ca", "publish-crl", "ec-issuing"]).ok();
    };
    let all = |paths: &[&str]| {
        for path in paths {
            let file = server.file("one.pem");
            run("curl", &["-sf", "-o", &file, &server.url(path)]).ok();
            lint_crl(&file, path);
        }
    };
    revoke_one("first");
    all(&["/crl/ec-issuing.pem", "/crl/ec-issuing/delta.pem"]);
    server.signet(&["ca", "set", "ec-issuing", "--crl-shards", "2"]).ok();
    revoke_one("second");
    all(&[
        "/crl/ec-issuing.pem",
        "/crl/ec-issuing/delta.pem",
        "/crl/ec-issuing/1.pem",
        "/crl/ec-issuing/1-delta.pem",
        "/crl/ec-issuing/2.pem",
        "/crl/ec-issuing/2-delta.pem",
    ]);
}

#[test]
fn our_own_certificates_and_crls_pass() {
    own_certificates_and_crls_pass(&Server::start_with(PUBLIC));
}

/// SoftHSM makes the keys of the CAs and signs with them.
#[cfg(feature = "pkcs11")]
#[test]
fn our_own_certificates_and_crls_pass_with_keys_in_a_token() {
    let token = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(token.path().join(name), text).unwrap();
        run("chmod", &["600", token.path().join(name).to_str().unwrap()]).ok();
        token.path().join(name).to_str().unwrap().to_owned()
    };
    let conf = file("softhsm2.conf", &format!("directories.tokendir = {}\n", token.path().display()));
    let environment = [("SOFTHSM2_CONF", conf.as_str())];
    let init = ["--init-token", "--free", "--label", "judged", "--pin", "12345678", "--so-pin", "12345678"];
    crate::server::run_with("softhsm2-util", &init, &environment).ok();
    let pin = file("pin", "12345678");
    let keys = ["--ca-keys", "pkcs11", "--pkcs11-module", "/usr/lib/softhsm/libsofthsm2.so"];
    let arguments = [PUBLIC, &keys, &["--pkcs11-token", "judged", "--pkcs11-pin-file", &pin]].concat();
    let mut server = Server::prepared(&arguments);
    let child = server.command().env("SOFTHSM2_CONF", &conf).spawn().unwrap();
    server.adopt(child);
    let listed = server.signet(&["ca", "list"]).ok();
    assert_eq!(listed.matches("pkcs11").count(), 5, "{listed}");
    own_certificates_and_crls_pass(&server);
}

fn own_certificates_and_crls_pass(server: &Server) {
    let listed = server.signet(&["ca", "list", "--output", "json"]).ok();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for ca in listed["items"].as_array().unwrap() {
        let id = ca["id"].as_str().unwrap();
        for (path, tool, name) in
            [(format!("/ca/{id}.crt"), "lint_pkix_cert", "ca"), (format!("/crl/{id}.crl"), "lint_crl", "crl")]
        {
            let file = server.file(&format!("{id}-{name}"));
            run("curl", &["-sf", "-o", &file, &server.url(&path)]).ok();
            let pem = server.file("one.pem");
            let kind = if name == "ca" { "x509" } else { "crl" };
            run("openssl", &[kind, "-inform", "DER", "-in", &file, "-out", &pem]).ok();
            if name == "crl" {
                lint_crl(&pem, id);
            } else {
                lint(tool, &pem, &format!("ca {id}"));
            }
        }
    }
    // One service with both usages in one certificate, one with two.
    let policies = server.data().join("policies/profiles");
    let scep = std::fs::read_to_string(policies.join("scep-device.toml")).unwrap();
    let split = scep.replacen("ra_mode = \"single\"", "ra_mode = \"split\"", 1);
    std::fs::write(policies.join("scep-split.toml"), split).unwrap();
    server.signet(&["profile", "reload"]).ok();
    let listed = ["--with-tvs", "--with-tftp", "--with-tftp-ec", "--with-capf-tls"];
    server.signet(&[&["trust", "cluster", "create", "hq"][..], &listed].concat()).ok();
    let listed = ["tvs-tls", "tftp-tls", "tftp-ec-tls", "capf-tls"];
    for internal in ["scep-ra", "scep-ra-sign", "scep-ra-decrypt", "signet-tls"].into_iter().chain(listed) {
        let listed = server.signet(&["cert", "list", "--profile", internal, "--output", "json"]).ok();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let serial =
            listed["items"][0]["serial"].as_str().unwrap_or_else(|| panic!("no {internal}: {listed}"));
        let shown = server.signet(&["cert", "show", serial, "--output", "json"]).ok();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        std::fs::write(server.path("own.pem"), shown["pem"].as_str().unwrap()).unwrap();
        lint("lint_pkix_cert", &server.file("own.pem"), internal);
    }
}
