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
        let url = server.url("/scep");
        let fetched = ["--caout", &ca, "--raout", &ra, "--outform", "pem", "--force"];
        run("pki", &[&["--scepca", "--url", &url][..], &fetched].concat()).ok();
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

/// The certificate as openssl shows its issuer's key: by which of two CAs of one name it was signed.
#[track_caller]
fn issuer_key(leaf: &str) -> String {
    let shown = run("openssl", &["x509", "-noout", "-ext", "authorityKeyIdentifier", "-in", leaf]).ok();
    shown.lines().nth(1).unwrap().trim().to_owned()
}

#[track_caller]
fn key_of_ca(server: &Server, ca: &str) -> String {
    let file = server.file("one-ca.crt");
    run("curl", &["-sf", "-o", &file, &server.url(&format!("/ca/{ca}.crt"))]).ok();
    let shown =
        run("openssl", &["x509", "-inform", "DER", "-noout", "-ext", "subjectKeyIdentifier", "-in", &file])
            .ok();
    shown.lines().nth(1).unwrap().trim().to_owned()
}

/// openssl's judgement with the CRLs of all generations.
#[track_caller]
fn verify_generations(server: &Server, leaf: &str) {
    let bundle = server.file("signet.pem");
    run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();
    let crls = server.file("crls.pem");
    let mut text = String::new();
    for ca in ["rsa-root", "rsa-issuing", "rsa-issuing-g2"] {
        let crl = server.file("one.crl");
        run("curl", &["-sf", "-o", &crl, &server.url(&format!("/crl/{ca}.crl"))]).ok();
        text.push_str(&run("openssl", &["crl", "-inform", "DER", "-in", &crl]).ok());
    }
    std::fs::write(&crls, text).unwrap();
    let arguments = ["verify", "-x509_strict", "-crl_check_all", "-CAfile", &bundle, "-CRLfile", &crls, leaf];
    run("openssl", &arguments).ok();
}

/// Before, between and after: the URL and what the client fetched stay as they were.
#[test]
fn enrols_and_renews_across_the_turn_of_the_ca() {
    let server = Server::start();
    let client = Client::new(&server);
    let (a, b, c) = ("CN=SEP00000000000A", "CN=SEP00000000000B", "CN=SEP00000000000C");
    let enrol = |client: &Client<'_>, name: &str, dn: &str| {
        let key = client.key(&format!("{name}.key"));
        let pem = client.enrol(&key, dn, &["--password", &client.challenge(dn)]).ok();
        (client.keep(&format!("{name}.pem"), &pem), key)
    };
    let old = key_of_ca(&server, "rsa-issuing");
    let (before, before_key) = enrol(&client, "before", a);
    server.signet(&["ca", "rollover", "prepare", "rsa-issuing"]).ok();
    let caps = run("curl", &["-sf", &server.url("/scep?operation=GetCACaps")]).ok();
    assert!(caps.lines().any(|line| line == "GetNextCACert"), "{caps}");
    let (between, _) = enrol(&client, "between", b);
    assert_eq!((issuer_key(&before), issuer_key(&between)), (old.clone(), old.clone()));

    server.signet(&["ca", "rollover", "activate", "rsa-issuing"]).ok();
    let new = key_of_ca(&server, "rsa-issuing-g2");
    assert_ne!(old, new);
    // With the RA's certificate of before.
    let (in_flight, _) = enrol(&client, "in-flight", c);
    assert_eq!(issuer_key(&in_flight), new);

    // With what is fetched now; the certificate of the old CA renews.
    let client = Client::new(&server);
    let (after, _) = enrol(&client, "after", "CN=SEP00000000000D");
    let key = client.key("renewed.key");
    let pem = client.enrol(&key, a, &["--cert", &before, "--key", &before_key]).ok();
    let renewed = client.keep("renewed.pem", &pem);
    assert_eq!((issuer_key(&after), issuer_key(&renewed)), (new.clone(), new));
    for leaf in [&before, &between, &in_flight, &after, &renewed] {
        verify_generations(&server, leaf);
    }
    let list = server.signet(&["ca", "list"]).ok();
    let line = list.lines().find(|line| line.starts_with("rsa-issuing ")).unwrap();
    assert!(line.contains("retiring") && line.contains("followed by rsa-issuing-g2"), "{list}");
    let metrics = run("curl", &["-sf", &server.url("/metrics")]).ok();
    for told in ["signet_ca_days_left{ca=\"rsa-issuing-g2\"}", "signet_identity_days_left{identity=\"tls\"}"]
    {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }

    server.signet(&["ca", "rollover", "prepare", "ec-issuing"]).ok();
    let shown = server.signet(&["ca", "show", "ec-issuing-g2"]).ok();
    assert!(
        shown.contains("follows ec-issuing by hand") && shown.contains("certified by ec-issuing"),
        "{shown}"
    );
    server.signet(&["ca", "rollover", "cancel", "ec-issuing"]).ok();
    assert_eq!(server.signet(&["ca", "rollover", "activate", "ec-issuing"]).code, 1);
}
