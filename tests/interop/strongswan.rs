//! strongSwan's `pki --scepca` and `pki --scep` (Debian's 5.9.8): enrol, renew, and what must be refused.

use crate::server::{Ran, Server, run};

/// What `pki --scepca` fetched, and an RSA key for the device.
struct Client<'a> {
    server: &'a Server,
    /// `--cacert-enc`, `--cacert-sig`, `--cacert` …
    anchors: Vec<String>,
}

impl<'a> Client<'a> {
    fn new(server: &'a Server) -> Self {
        let (ca, ra) = (server.file("ca.pem"), server.file("ra.pem"));
        run(
            "pki",
            &["--scepca", "--url", &server.url("/scep"), "--caout", &ca, "--raout", &ra, "--outform", "pem"],
        )
        .ok();
        // strongSwan numbers the CA certificates below the first: the root is `ca.pem`, the issuing CA `ca-1.pem`.
        let mut anchors = vec!["--cacert-enc".into(), ra.clone(), "--cacert-sig".into(), ra];
        for name in ["ca.pem", "ca-1.pem"] {
            if server.path(name).exists() {
                anchors.extend(["--cacert".into(), server.file(name)]);
            }
        }
        Self { server, anchors }
    }

    fn key(&self, name: &str) -> String {
        let file = self.server.file(name);
        run("openssl", &["genrsa", "-traditional", "-out", &file, "2048"]).ok();
        file
    }

    fn enrol(&self, key: &str, dn: &str, more: &[&str]) -> Ran {
        let url = self.server.url("/scep");
        let mut arguments = vec!["--scep", "--url", &url, "--in", key, "--dn", dn, "--outform", "pem"];
        arguments.extend(self.anchors.iter().map(String::as_str));
        arguments.extend(more);
        run("pki", &arguments)
    }

    fn challenge(&self, dn: &str) -> String {
        self.server
            .signet(&["challenge", "create", "--profile", "scep-device", "--subject", dn])
            .ok()
            .trim()
            .to_owned()
    }

    fn keep(&self, name: &str, pem: &str) -> String {
        std::fs::write(self.server.path(name), pem).unwrap();
        self.server.file(name)
    }
}

/// openssl's judgement of a leaf against the published chain and CRL.
#[track_caller]
fn verify(server: &Server, leaf: &str) -> Ran {
    let bundle = server.file("signet.pem");
    run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();
    let crls = server.file("crls.pem");
    let mut text = String::new();
    for ca in ["rsa-root", "rsa-issuing"] {
        let crl = server.file("one.crl");
        run("curl", &["-sf", "-o", &crl, &server.url(&format!("/crl/{ca}.crl"))]).ok();
        text.push_str(&run("openssl", &["crl", "-inform", "DER", "-in", &crl]).ok());
    }
    std::fs::write(&crls, text).unwrap();
    run("openssl", &["verify", "-x509_strict", "-crl_check_all", "-CAfile", &bundle, "-CRLfile", &crls, leaf])
}

#[test]
fn enrols_renews_and_is_revoked() {
    let server = Server::start();
    let client = Client::new(&server);
    // strongSwan writes a name from its root down, RFC 4514 (and we) from the device up.
    let (dn, rfc4514) = ("C=CH, O=Acme, CN=SEP001122334455", "CN=SEP001122334455,O=Acme,C=CH");
    let old_key = client.key("old.key");

    let pem = client.enrol(&old_key, dn, &["--password", &client.challenge(rfc4514)]).ok();
    let old = client.keep("old.pem", &pem);
    verify(&server, &old).ok();

    let new_key = client.key("new.key");
    let pem = client.enrol(&new_key, dn, &["--cert", &old, "--key", &old_key]).ok();
    let new = client.keep("new.pem", &pem);
    verify(&server, &new).ok();
    assert_ne!(std::fs::read(&old).unwrap(), std::fs::read(&new).unwrap());

    let serial = run("openssl", &["x509", "-noout", "-serial", "-in", &new]).ok();
    let serial = serial.trim().trim_start_matches("serial=");
    server.signet(&["cert", "revoke", serial, "--reason", "key-compromise"]).ok();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let verdict = verify(&server, &new);
    assert_ne!(verdict.code, 0);
    assert!(verdict.err.contains("certificate revoked"), "{}", verdict.err);
    verify(&server, &old).ok();
}

#[test]
fn refuses_a_wrong_challenge_and_one_used_twice() {
    let server = Server::start();
    let client = Client::new(&server);
    let dn = "CN=SEP00AABBCCDDEE";
    let (key, other) = (client.key("a.key"), client.key("b.key"));

    let wrong = client.enrol(&key, dn, &["--password", "not-the-challenge"]);
    assert_ne!(wrong.code, 0);
    assert!(!wrong.out.contains("BEGIN CERTIFICATE"));

    let challenge = client.challenge(dn);
    client.enrol(&key, dn, &["--password", &challenge]).ok();
    let twice = client.enrol(&other, dn, &["--password", &challenge]);
    assert_ne!(twice.code, 0);
    assert!(!twice.out.contains("BEGIN CERTIFICATE"));

    let list = server.signet(&["cert", "list", "--profile", "scep-device", "--output", "json"]).ok();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn every_cipher_and_digest_that_is_advertised() {
    let server = Server::start();
    let client = Client::new(&server);
    for (n, (cipher, digest, padding)) in
        [("aes", "sha256", "pkcs1"), ("aes", "sha384", "pkcs1"), ("aes", "sha512", "pkcs1")]
            .into_iter()
            .enumerate()
    {
        let dn = format!("CN=SEP0000000000{n:02}");
        let key = client.key(&format!("{n}.key"));
        let challenge = client.challenge(&dn);
        let how =
            ["--password", &challenge, "--cipher", cipher, "--digest", digest, "--rsa-padding", padding];
        let pem = client.enrol(&key, &dn, &how).ok();
        verify(&server, &client.keep("leaf.pem", &pem)).ok();
    }
}
