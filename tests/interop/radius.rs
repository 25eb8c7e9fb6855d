//! Challenges judged by FreeRADIUS (Debian's 3.2): strongSwan's `pki` enrols with a password that the server knows.

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Ran, SIGNET, Server, run};

const SECRET: &str = "correct horse battery";
const DEVICE: &str = "SEP001122334455";

/// A FreeRADIUS of its own in a temporary folder; killed when dropped.
struct FreeRadius {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl FreeRadius {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Freed for the server to take: nothing else asks for this very port meanwhile.
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        write(folder.path(), "radiusd.conf", &configuration(folder.path(), port));
        write(folder.path(), "users", &format!("{DEVICE} Cleartext-Password := \"open sesame\"\n"));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("freeradius")
            .args(["-f", "-l", "stdout", "-d"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("freeradius; tests/setup installs it");
        let mut server = Self { child, folder, port };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        while !self.log().contains("Ready to process requests") {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("freeradius stopped: {status}\n{}", self.log());
            }
            assert!(start.elapsed() < Duration::from_secs(60), "freeradius is not ready\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What docs/manual/challenges.md tells an operator to add, and no more than such a server needs.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        r#"
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {folder}
run_dir = {folder}
raddbdir = {folder}
client signet {{
    ipaddr = 127.0.0.1
    secret = "{SECRET}"
    require_message_authenticator = yes
}}
modules {{
    files {{
        usersfile = {folder}/users
    }}
    pap {{
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
    authorize {{
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
    }}
    post-auth {{
        update reply {{
            Message-Authenticator := 0x00
        }}
        Post-Auth-Type REJECT {{
            update reply {{
                Message-Authenticator := 0x00
                Reply-Message := "unknown device"
            }}
        }}
    }}
}}
"#
    )
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A server whose `scep-device` is judged by RADIUS on this port, and a client of it.
struct Enrolment {
    server: Server,
    anchors: Vec<String>,
}

impl Enrolment {
    fn new(port: u16) -> Self {
        let server = Server::start();
        let profile = server.data().join("policies/profiles/scep-device.toml");
        let text = std::fs::read_to_string(&profile).unwrap();
        let secret = server.file("radius.secret");
        let challenge = format!(
            "acknowledge_unsafe = true\n[challenge]\nsource = \"radius\"\nservers = [\"127.0.0.1:{port}\"]\n\
             secret_file = \"{secret}\"\ntimeout = \"2s\"\n\n[subject]"
        );
        std::fs::write(&profile, text.replacen("[subject]", &challenge, 1)).unwrap();
        let enrolment = Self { anchors: anchors(&server), server };
        enrolment.share(SECRET);
        enrolment
    }

    /// Writes the secret and has it read.
    fn share(&self, secret: &str) {
        let path = write(self.server.path("x").parent().unwrap(), "radius.secret", secret);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        self.server.signet(&["profile", "reload"]).ok();
    }

    fn enrol(&self, dn: &str, password: &str) -> Ran {
        let key = self.server.file("device.key");
        run("openssl", &["genrsa", "-traditional", "-out", &key, "2048"]).ok();
        let url = self.server.url("/scep");
        let mut arguments = vec!["--scep", "--url", &url, "--in", &key, "--dn", dn, "--outform", "pem"];
        arguments.extend(["--password", password]);
        arguments.extend(self.anchors.iter().map(String::as_str));
        run("pki", &arguments)
    }

    /// The health check of the source: status and detail.
    fn health(&self) -> (String, String) {
        let data = self.server.data().display().to_string();
        let ran = run(SIGNET, &["health", "--output", "json", "--data", &data]);
        let health: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let checks = health["checks"].as_array().unwrap();
        let check = checks.iter().find(|c| c["name"] == "challenges scep-device (radius)").unwrap();
        let text = |name: &str| check[name].as_str().unwrap().to_owned();
        (text("status"), text("detail"))
    }
}

fn anchors(server: &Server) -> Vec<String> {
    let (ca, ra) = (server.file("ca.pem"), server.file("ra.pem"));
    let url = server.url("/scep");
    run("pki", &["--scepca", "--url", &url, "--caout", &ca, "--raout", &ra, "--outform", "pem"]).ok();
    let mut anchors = vec!["--cacert-enc".into(), ra.clone(), "--cacert-sig".into(), ra];
    for name in ["ca.pem", "ca-1.pem"] {
        anchors.extend(["--cacert".into(), server.file(name)]);
    }
    anchors
}

#[test]
fn freeradius_judges_the_challenge_of_a_device() {
    let radius = FreeRadius::start();
    let client = Enrolment::new(radius.port);
    let dn = format!("CN={DEVICE}");
    let issued = client.enrol(&dn, "open sesame");
    assert!(
        issued.out.contains("BEGIN CERTIFICATE"),
        "{}\n{}\n{}",
        issued.err,
        client.server.log(),
        radius.log()
    );
    let audit =
        client.server.signet(&["audit", "list", "--action", "challenge.accept", "--output", "json"]).ok();
    assert!(audit.contains("\"source\": \"radius\"") && !audit.contains("sesame"), "{audit}");

    for (dn, password) in [(&*dn, "close sesame"), ("CN=SEP00AABBCCDDEE", "open sesame")] {
        let refused = client.enrol(dn, password);
        assert!(refused.code != 0 && !refused.out.contains("BEGIN CERTIFICATE"), "{dn}");
    }
    let refusals =
        client.server.signet(&["audit", "list", "--action", "enrol.refuse", "--output", "json"]).ok();
    assert!(refusals.matches("challenge not accepted: unknown device").count() == 2, "{refusals}");
    assert_eq!(client.health().0, "ok");
}

#[test]
fn a_wrong_secret_and_a_server_that_is_gone_refuse_every_device() {
    let radius = FreeRadius::start();
    let client = Enrolment::new(radius.port);
    let dn = format!("CN={DEVICE}");
    client.share("not the secret of the server");
    let refused = client.enrol(&dn, "open sesame");
    assert!(refused.code != 0 && !refused.out.contains("BEGIN CERTIFICATE"));
    let (status, detail) = client.health();
    assert!(status == "degraded" && detail.contains("no answer"), "{detail}");
    assert!(client.server.url("/readyz").starts_with("http"));
    let ready = run("curl", &["-sf", &client.server.url("/readyz")]).ok();
    assert!(ready.contains("degraded: a challenge source does not answer"), "{ready}");

    client.share(SECRET);
    client.enrol(&dn, "open sesame").ok();
    assert_eq!(client.health().0, "ok");
    drop(radius);
    let refused = client.enrol(&dn, "open sesame");
    assert!(refused.code != 0 && !refused.out.contains("BEGIN CERTIFICATE"));
    assert_eq!(client.health().0, "degraded");
}
