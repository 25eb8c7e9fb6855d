//! nginx (Debian) lets clients in by our CRLs and staples our OCSP answers.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Ran, Server, run};

const PUBLIC: &str = "http://pki.example.com";
const HOST: &str = "www.example.com";

/// nginx in front of nothing, which lets in who has a good client certificate.
struct Nginx {
    server: Server,
    port: u16,
    process: Option<Child>,
}

impl Nginx {
    fn start(settings: &[&str]) -> Self {
        let server = Server::start_with(&["--rsa-root", "rsa-2048", "--url", PUBLIC]);
        if !settings.is_empty() {
            server.signet(&[&["ca", "set", "ec-issuing"], settings].concat()).ok();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut nginx = Self { server, port, process: None };
        nginx.issue("server", "tls-server", HOST, Some(HOST));
        let bundle = nginx.server.file("bundle.pem");
        run("curl", &["-sf", "-o", &bundle, &nginx.server.url("/trust/signet.pem")]).ok();
        nginx.fetch_crls();
        std::fs::write(nginx.server.path("nginx.conf"), nginx.configuration()).unwrap();
        nginx.process = Some(
            nginx.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
        );
        nginx
    }

    fn command(&self) -> Command {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(self.server.path("")).arg("-c").arg(self.server.path("nginx.conf"));
        command.arg("-e").arg(self.server.path("nginx.log"));
        command
    }

    fn configuration(&self) -> String {
        let file = |name: &str| self.server.file(name);
        let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|place| format!("{place}_temp_path {};\n", file(place)))
            .concat();
        format!(
            "daemon off;\nuser root;\nworker_processes 1;\npid {pid};\nevents {{}}\nhttp {{\n{places}access_log off;\n\
             server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {chain};\nssl_certificate_key {key};\n\
             ssl_client_certificate {bundle};\nssl_verify_client on;\nssl_verify_depth 3;\nssl_crl {crls};\n\
             ssl_trusted_certificate {bundle};\nssl_stapling on;\nssl_stapling_verify on;\n\
             ssl_stapling_responder {ocsp};\nlocation / {{ return 200 \"come in\\n\"; }}\n}}\n}}\n",
            pid = file("nginx.pid"),
            port = self.port,
            chain = file("server.pem"),
            key = file("server.key"),
            bundle = file("bundle.pem"),
            crls = file("crls.pem"),
            ocsp = self.server.url("/ocsp"),
        )
    }

    /// A key, and a certificate with its chain. Returns its serial number.
    fn issue(&self, name: &str, profile: &str, common_name: &str, dns: Option<&str>) -> String {
        let [key, csr, chain] = ["key", "csr", "pem"].map(|kind| self.server.file(&format!("{name}.{kind}")));
        run("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key])
            .ok();
        let subject = format!("/CN={common_name}");
        let san = dns.map(|dns| format!("subjectAltName=DNS:{dns}"));
        let mut arguments = vec!["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr];
        if let Some(san) = &san {
            arguments.extend(["-addext", san]);
        }
        run("openssl", &arguments).ok();
        let pem = self.server.signet(&["cert", "issue", "--profile", profile, "--csr", &csr]).ok();
        std::fs::write(&chain, pem).unwrap();
        let serial = run("openssl", &["x509", "-in", &chain, "-noout", "-serial"]).ok();
        serial.trim().trim_start_matches("serial=").to_owned()
    }

    /// The CRLs of all CAs and all their shards in one file, PEM, as an operator's cron job would make it.
    fn fetch_crls(&self) {
        let listed = self.json(&["ca", "list"]);
        let mut all = String::new();
        for ca in listed["items"].as_array().unwrap() {
            let shown = self.json(&["ca", "show", ca["id"].as_str().unwrap()]);
            let crls = shown["crls"].as_array().cloned().unwrap_or_else(|| vec![shown["crl"].clone()]);
            for crl in crls {
                let path = crl["url"].as_str().unwrap().strip_prefix(PUBLIC).unwrap().replace(".crl", ".pem");
                all += &run("curl", &["-sf", &self.server.url(&path)]).ok();
            }
        }
        std::fs::write(self.server.path("crls.pem"), all).unwrap();
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let said = self.server.signet(&[arguments, &["--output", "json"]].concat()).ok();
        serde_json::from_str(&said).unwrap()
    }

    /// The HTTP status with which a client is answered; 0 while nginx does not answer.
    fn visit(&self, name: &str) -> (u16, String) {
        let [key, chain] = ["key", "pem"].map(|kind| self.server.file(&format!("{name}.{kind}")));
        let place = format!("{HOST}:{}:127.0.0.1", self.port);
        let url = format!("https://{HOST}:{}/", self.port);
        let bundle = self.server.file("bundle.pem");
        let Ran { out, .. } = run(
            "curl",
            &[
                "-s",
                "-w",
                "\n%{http_code}",
                "--resolve",
                &place,
                "--cacert",
                &bundle,
                "--cert",
                &chain,
                "--key",
                &key,
                &url,
            ],
        );
        let (body, status) = out.rsplit_once('\n').unwrap_or(("", "0"));
        (status.parse().unwrap_or(0), body.to_owned())
    }

    /// Waits until a client is answered with that status.
    #[track_caller]
    fn until(&self, name: &str, status: u16) -> String {
        let (start, mut last) = (Instant::now(), (0, String::new()));
        while start.elapsed() < Duration::from_secs(30) {
            last = self.visit(name);
            if last.0 == status {
                return last.1;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.server.path("nginx.log")).unwrap_or_default();
        panic!("{name}: {last:?} instead of {status}\n{log}");
    }

    fn reload(&self) {
        let said = self.command().args(["-s", "reload"]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = self.command().args(["-s", "stop"]).output();
            let _ = process.wait();
        }
    }
}

/// The number of the CRL on which a certificate stands, once it does.
fn wait_for_crl(nginx: &Nginx, path: &str, serial: &str) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        let file = nginx.server.file("one.pem");
        run("curl", &["-sf", "-o", &file, &nginx.server.url(path)]).ok();
        if run("openssl", &["crl", "-in", &file, "-noout", "-text"]).ok().contains(serial) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{serial} does not stand on {path}");
}

/// The URLs in a certificate, as paths on our server.
fn paths_in(nginx: &Nginx, file: &str) -> Vec<String> {
    let text = run("openssl", &["x509", "-in", &nginx.server.file(file), "-noout", "-text"]).ok();
    let urls = text.lines().filter_map(|line| line.split_once("URI:").map(|(_, url)| url.trim()));
    urls.map(|url| url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url}")).to_owned()).collect()
}

fn a_client_is_let_in_until_its_revocation_is_fetched(settings: &[&str]) {
    let nginx = Nginx::start(settings);
    let serial = nginx.issue("client", "tls-client", "backup-client", None);
    let kept = nginx.issue("other", "tls-client", "other-client", None);
    assert_ne!(serial, kept);
    assert_eq!(nginx.until("client", 200), "come in\n");
    nginx.server.signet(&["cert", "revoke", &serial, "--reason", "key-compromise"]).ok();
    let paths = paths_in(&nginx, "client.pem");
    let crl = paths.iter().find(|path| path.starts_with("/crl/")).unwrap();
    wait_for_crl(&nginx, &crl.replace(".crl", ".pem"), &serial);
    nginx.fetch_crls();
    nginx.reload();
    let refused = nginx.until("client", 400);
    assert!(refused.contains("The SSL certificate error"), "{refused}");
    assert_eq!(nginx.until("other", 200), "come in\n");
}

#[test]
fn a_client_is_let_in_until_its_revocation_is_fetched_by_one_crl() {
    a_client_is_let_in_until_its_revocation_is_fetched(&[]);
}

#[test]
fn a_client_is_let_in_until_its_revocation_is_fetched_by_shards() {
    a_client_is_let_in_until_its_revocation_is_fetched(&["--crl-shards", "3", "--crl-delta-hours", "4"]);
}

#[test]
fn the_servers_own_answer_is_stapled() {
    let nginx = Nginx::start(&[]);
    nginx.issue("client", "tls-client", "backup-client", None);
    nginx.until("client", 200);
    let (place, bundle) = (format!("127.0.0.1:{}", nginx.port), nginx.server.file("bundle.pem"));
    let (start, mut said) = (Instant::now(), String::new());
    // nginx asks when the first client wants it, and has no answer for that one.
    while start.elapsed() < Duration::from_secs(30) && !said.contains("Cert Status: good") {
        said = run(
            "openssl",
            &["s_client", "-connect", &place, "-servername", HOST, "-status", "-CAfile", &bundle],
        )
        .out;
    }
    assert!(
        said.contains("OCSP Response Status: successful") && said.contains("Cert Status: good"),
        "{said}"
    );
}

/// Every address in a certificate, in its CA's certificate and in their CRLs answers with what it should be.
#[test]
fn every_url_in_a_certificate_answers() {
    let nginx = Nginx::start(&["--crl-shards", "2", "--crl-delta-hours", "4"]);
    let chain = std::fs::read_to_string(nginx.server.path("server.pem")).unwrap();
    let issuer = &chain[chain.find("-----END").unwrap() + 26..];
    std::fs::write(nginx.server.path("issuer.pem"), issuer).unwrap();
    let mut followed = std::collections::BTreeSet::new();
    for file in ["server.pem", "issuer.pem"] {
        for path in paths_in(&nginx, file) {
            let got = nginx.server.file("got");
            if path == "/ocsp" {
                let (leaf, url) = (nginx.server.file("server.pem"), nginx.server.url("/ocsp"));
                let (issuer, bundle) = (nginx.server.file("issuer.pem"), nginx.server.file("bundle.pem"));
                let said = run(
                    "openssl",
                    &["ocsp", "-issuer", &issuer, "-cert", &leaf, "-url", &url, "-CAfile", &bundle],
                );
                assert!(said.ok().contains(": good"));
                followed.insert("ocsp");
                continue;
            }
            run("curl", &["-sf", "-o", &got, &nginx.server.url(&path)]).ok();
            if path.starts_with("/ca/") {
                run("openssl", &["x509", "-inform", "DER", "-in", &got, "-noout"]).ok();
                followed.insert("ca");
                continue;
            }
            let bundle = nginx.server.file("bundle.pem");
            let text = ["crl", "-inform", "DER", "-in", &got, "-noout", "-text"];
            let text = run("openssl", &text).ok();
            assert_eq!(
                text.contains(&format!("URI:{PUBLIC}{path}")),
                path.matches('/').count() == 3,
                "{text}"
            );
            let said = run("openssl", &["crl", "-inform", "DER", "-in", &got, "-noout", "-CAfile", &bundle]);
            assert!(said.err.contains("verify OK"), "{}", said.err);
            followed.insert("crl");
            let freshest = text.split_once("Freshest CRL").and_then(|(_, after)| after.split_once("URI:"));
            if let Some((_, after)) = freshest {
                let path = after.split_whitespace().next().unwrap().strip_prefix(PUBLIC).unwrap();
                run("curl", &["-sf", "-o", &got, &nginx.server.url(path)]).ok();
                let text = run("openssl", &["crl", "-inform", "DER", "-in", &got, "-noout", "-text"]).ok();
                assert!(text.contains("Delta CRL Indicator: critical"), "{text}");
                followed.insert("delta");
            }
        }
    }
    assert_eq!(followed.len(), 4, "{followed:?}");
}
