//! The real program: made, served, stopped, started again, and refused where it must be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SIGNET: &str = env!("CARGO_BIN_EXE_signet");

/// A data folder in a home of its own.
pub(super) struct Home(tempfile::TempDir);

/// A running server; killed when dropped.
pub(super) struct Server {
    child: Child,
    http: String,
    https: Option<String>,
}

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        self.file(name).metadata().unwrap().permissions().mode() & 0o777
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SIGNET);
        command.args(arguments).arg("--data").arg(self.data()).stdin(Stdio::null()).env_clear();
        command
    }

    /// Runs to the end. (exit code, standard output, standard error)
    pub(super) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }

    pub(super) fn up(&self) -> Server {
        self.up_with(&[])
    }

    /// With more arguments.
    pub(super) fn up_with(&self, more: &[&str]) -> Server {
        self.demo(&[&["--phones", "0"], more].concat())
    }

    /// With the phones of a demo, and more arguments.
    pub(super) fn demo(&self, more: &[&str]) -> Server {
        const USUAL: [&str; 8] =
            ["up", "--demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--rsa-root", "rsa-2048"];
        self.start(&[&USUAL, more].concat())
    }

    fn start(&self, arguments: &[&str]) -> Server {
        let out = std::fs::File::create(self.0.path().join("out")).unwrap();
        let err = std::fs::File::create(self.0.path().join("err")).unwrap();
        let child = self.command(arguments).stdout(out).stderr(err).spawn().unwrap();
        let mut server = Server { child, http: String::new(), https: None };
        server.wait_until_ready(self);
        server
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.0.path().join("out")).unwrap()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.0.path().join("err")).unwrap()
    }

    /// Waits until the log says so.
    pub(super) fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(60), "not in the log: {text}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Server {
    fn wait_until_ready(&mut self, home: &Home) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(120) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server stopped: {status}\n{}", home.log());
            }
            if let Ok(text) = std::fs::read_to_string(home.file("listeners.json")) {
                let found: serde_json::Value = serde_json::from_str(&text).unwrap();
                self.https = found["https"].as_str().map(str::to_owned);
                self.http = found["http"].as_str().unwrap().to_owned();
                if self.get("/readyz").0 == 200 {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not ready in two minutes\n{}", home.log());
    }

    /// The body of an answer, as it came.
    pub(super) fn fetch(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        let head = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        answer.split_off(head + 4)
    }

    /// An address on plain HTTP.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Where the API is.
    pub(super) fn https_url(&self) -> String {
        format!("https://{}", self.https.as_ref().unwrap())
    }

    /// (status, body)
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Resident memory, in octets.
    pub(super) fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn stop(mut self) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn up_makes_serves_stops_and_serves_the_same_again() {
    let home = Home::new();
    let server = home.up();
    assert_eq!(home.mode(""), 0o700);
    for secret in ["security-password", "admin.token", "signet.toml"] {
        assert_eq!(home.mode(secret), 0o600, "{secret}");
    }
    assert!(home.log().contains("wrote a random security password"), "{}", home.log());
    let start = Instant::now(); // it listens before it says so
    while !home.output().contains("cert list") && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = home.output();
    for part in
        [&server.http, server.https.as_ref().unwrap(), "challenge create", "cert issue", "pki --scepca"]
    {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(!said.contains(home.read("admin.token").trim()));
    assert!(home.read("tls-ca.pem").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(home.read("audit/head.json").contains("\"signature\""));
    assert_eq!(server.get("/nowhere").0, 404);
    let (bundle, port) = (server.get("/trust/signet.pem").1, server.http.clone());
    let tls = tls_serial(server.https.as_ref().unwrap());
    server.stop();
    assert!(!home.file("listeners.json").exists());
    std::fs::create_dir(home.file(".init")).unwrap();

    let server = home.up();
    assert_eq!(server.get("/trust/signet.pem").1, bundle);
    assert!(!home.file(".init").exists(), "what a broken-off start left is cleared away");
    assert_eq!(tls_serial(server.https.as_ref().unwrap()), tls, "the listener keeps its certificate");
    let url = format!("url = \"http://localhost:{}\"", port.rsplit_once(':').unwrap().1);
    assert!(home.read("signet.toml").contains(&url), "the address in certificates stays");
    server.stop();
}

/// What openssl sees of the listener's certificate, checked against `DIR/tls-ca.pem`'s kin.
fn tls_serial(https: &str) -> String {
    let shown = Command::new("openssl")
        .args(["s_client", "-connect", https, "-servername", "localhost", "-showcerts"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let pem = String::from_utf8_lossy(&shown.stdout).into_owned();
    let start = pem.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("{pem}"));
    let end = pem.find("-----END CERTIFICATE-----").unwrap();
    pem[start..end].to_owned()
}

#[test]
fn the_listener_is_verified_by_tls_ca_pem_under_each_of_its_names() {
    let home = Home::new();
    let server = home.up();
    let https = server.https.clone().unwrap();
    for (flag, name) in [("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1")] {
        let verified = Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &https,
                "-x509_strict",
                "-verify_return_error",
                flag,
                name,
                "-CAfile",
            ])
            .arg(home.file("tls-ca.pem"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success() && said.contains("Verify return code: 0"), "{name}: {said}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let old = Command::new("openssl")
            .args(["s_client", "-connect", &https, version])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!old.status.success(), "{version} must be refused");
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let home = Home::new();
    let server = home.up();
    let (code, _, said) = home.run(&["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(said.contains("another signet works on"), "{said}");
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn a_bad_profile_is_not_taken_over_and_the_old_set_stays() {
    let home = Home::new();
    let server = home.up();
    let profile = home.file("policies/profiles/scep-device.toml");
    let sound = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, format!("{sound}\nnonsense = true\n")).unwrap();
    server.signal("-HUP");
    home.wait_for_log("the old ones stay in force");
    assert!(home.log().contains("scep-device.toml"), "{}", home.log());
    assert_eq!(server.get("/scep?operation=GetCACaps").0, 200, "the old set serves");
    assert_eq!(server.get("/readyz").0, 200);

    std::fs::write(&profile, sound).unwrap();
    server.signal("-HUP");
    home.wait_for_log("the policies were read anew");
    server.stop();

    std::fs::write(&profile, "nonsense").unwrap();
    let (code, _, said) = home.run(&["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    assert!(code == 1 && said.contains("scep-device.toml"), "{code}: {said}");
}

#[test]
fn wrong_passwords_damaged_keys_and_open_password_files_are_told_apart() {
    let home = Home::new();
    home.up().stop();
    let serve = ["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
    let password = home.read("security-password");

    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(home.file("security-password"), open).unwrap();
    let (code, _, said) = home.run(&serve);
    assert!(code == 1 && said.contains("is open to others") && !said.contains(password.trim()), "{said}");

    std::fs::set_permissions(home.file("security-password"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(home.file("security-password"), "another\n").unwrap();
    let (code, _, said) = home.run(&serve);
    assert!(code == 1 && said.contains("password") && !said.contains("damaged"), "{said}");

    std::fs::write(home.file("security-password"), password).unwrap();
    let vault = home.file("keys/vault");
    let mut bytes = std::fs::read(&vault).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&vault, bytes).unwrap();
    let (code, _, said) = home.run(&serve);
    assert!(code == 1 && said.contains("damaged"), "{said}");

    std::fs::remove_file(home.file("security-password")).unwrap();
    let (code, _, said) = home.run(&serve);
    assert!(code == 2 && said.contains("--security-password-file"), "{said}");
}

#[test]
fn without_an_address_for_certificates_nothing_is_made() {
    let home = Home::new();
    for verb in ["up", "init"] {
        let (code, _, said) = home.run(&[verb]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("--url http://") && said.contains("--demo"), "{said}");
        assert!(!home.data().exists(), "{verb} leaves nothing behind");
    }
    let (code, _, said) = home.run(&["up", "--url", "https://pki.example.org"]);
    assert!(code == 2 && said.contains("http://"), "{said}");
    let (code, _, said) = home.run(&["init", "--demo", "--http", "127.0.0.1:0"]);
    assert!(code == 2 && said.contains("--url"), "{said}");
    let (code, _, said) = home.run(&["serve"]);
    assert!(code == 1 && said.contains("signet init"), "{said}");
    let (code, _, said) = home.run(&["up", "--demo", "--http", "off", "--https", "off"]);
    assert!(code == 2 && said.contains("both off") && !home.data().exists(), "{said}");
}

#[test]
fn init_makes_it_once_and_serve_serves_it() {
    let home = Home::new();
    let password = home.0.path().join("password");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let password = password.to_str().unwrap();
    let init = [
        "init",
        "--url",
        "http://[::1]:8080",
        "--security-password-file",
        password,
        "--organization",
        "Acme & Söhne",
        "--rsa-root",
        "rsa-2048",
        "--ec-root",
        "p-256",
        "--ec-issuing",
        "p-521",
        "--http",
        "127.0.0.1:0",
        "--https",
        "off",
    ];
    let (code, out, said) = home.run(&init);
    assert!(code == 0 && out.contains("signet serve --data"), "{said}");
    assert!(!home.file("security-password").exists() && !home.file(".init").exists());
    let (code, _, said) = home.run(&init);
    assert!(code == 1 && said.contains("already"), "{said}");

    let server = home.start(&["serve"]);
    assert_eq!(server.https, None, "what init was told holds for serve");
    assert!(home.read("listeners.json").contains("\"https\":null"));
    server.stop();
}

#[test]
fn a_systemd_credential_is_the_password_and_none_is_written() {
    let home = Home::new();
    let credentials = home.0.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("signet-security-password"), "correct horse battery\n").unwrap();
    let mut init = home.command(&["init", "--url", "http://pki", "--rsa-root", "rsa-2048"]);
    let made = init.env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!home.file("security-password").exists());
    let (code, _, said) = home.run(&["serve", "--http", "127.0.0.1:0", "--https", "off"]);
    assert!(code == 2 && said.contains("no security password"), "{said}");
}

#[test]
fn a_setting_that_is_not_known_is_refused_with_its_line() {
    let home = Home::new();
    std::fs::create_dir(home.data()).unwrap();
    std::fs::write(home.file("signet.toml"), "url = \"http://pki\"\nhtpp = \"off\"\n").unwrap();
    let (code, _, said) = home.run(&["up"]);
    assert!(code == 1 && said.contains("signet.toml:2: unknown field `htpp`"), "{said}");
    let (code, _, said) = home.run(&["up", "--nodes", "127.0.0.1:0"]);
    assert!(code == 2 && said.contains("--nodes"), "not offered before it exists: {said}");
}

#[test]
fn an_occupied_address_is_refused_before_anything_is_made() {
    let home = Home::new();
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let (code, _, said) = home.run(&["up", "--demo", "--http", &address]);
    assert!(code == 1 && said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("--http") && said.contains("SIGNET_HTTP"), "{said}");
    assert!(!home.data().exists());
}

#[test]
fn a_key_that_is_lost_is_told_from_one_that_was_removed() {
    let home = Home::new();
    home.up().stop();
    std::fs::rename(home.file("keys/ca-rsa-issuing.key"), home.0.path().join("kept")).unwrap();
    let serve = ["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
    let err = std::fs::File::create(home.0.path().join("err")).unwrap();
    let child = home.command(&serve).stdout(Stdio::null()).stderr(err).spawn().unwrap();
    let mut server = Server { child, http: String::new(), https: None };
    let start = Instant::now();
    while !home.file("listeners.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not listen\n{}", home.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let found: serde_json::Value = serde_json::from_str(&home.read("listeners.json")).unwrap();
    server.http = found["http"].as_str().unwrap().to_owned();
    let (status, said) = server.get("/readyz");
    assert!(status == 503 && said.contains("the key of the CA rsa-issuing is missing"), "{status} {said}");
    let (_, listed, said) = home.run(&["ca", "list"]);
    let line =
        listed.lines().find(|l| l.starts_with("rsa-issuing")).unwrap_or_else(|| panic!("{listed}{said}"));
    assert!(line.contains("missing"), "{line}");
}
