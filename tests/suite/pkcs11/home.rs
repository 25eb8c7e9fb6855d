//! A SoftHSM token in a folder of its own, and the program that uses it. SoftHSM reads where its tokens are once in a
//! process, so each test runs `signet` in one of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub const LABEL: &str = "ca-token";
pub const PIN: &str = "Pin-73190";

/// A home with a token, and maybe with a server.
pub struct Home {
    folder: tempfile::TempDir,
    pub module: String,
}

pub struct Server {
    child: Child,
    http: String,
}

impl Home {
    /// With an initialised token and its PIN in a file.
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap(), module: MODULE.to_owned() };
        std::fs::create_dir(home.path("tokens")).unwrap();
        let tokens = home.path("tokens");
        home.write(
            "softhsm2.conf",
            &format!(
                "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
                tokens.display()
            ),
        );
        home.tool(&[
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            LABEL,
            "--pin",
            PIN,
            "--so-pin",
            "12345678",
        ]);
        home.write("pin", PIN);
        home
    }

    /// With the shim between signet and SoftHSM.
    pub fn with_shim() -> Self {
        let mut home = Self::new();
        let (source, shim) =
            (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/pkcs11/shim.c"), home.path("shim.so"));
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl");
        let built = cc.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        home.module = shim.display().to_string();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// OpenSC's tool, logged in to the token.
    pub fn pkcs11_tool(&self, arguments: &[&str]) -> String {
        let login = ["pkcs11-tool", "--module", MODULE, "--token-label", LABEL, "--login", "--pin", PIN];
        self.tool(&[&login[..], arguments].concat())
    }

    /// A private file.
    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        self.path(name).display().to_string()
    }

    /// The token's folder is away, or back.
    pub fn take_token_away(&self) {
        std::fs::rename(self.path("tokens"), self.path("elsewhere")).unwrap();
    }

    pub fn bring_token_back(&self) {
        std::fs::rename(self.path("elsewhere"), self.path("tokens")).unwrap();
    }

    /// How often the module was asked to log in (with the shim).
    pub fn logins(&self) -> usize {
        std::fs::read(self.path("logins")).map_or(0, |bytes| bytes.len())
    }

    /// A foreign program that must succeed; what it wrote.
    pub fn tool(&self, command: &[&str]) -> String {
        let mut tool = Command::new(command[0]);
        let output =
            tool.args(&command[1..]).env("SOFTHSM2_CONF", self.path("softhsm2.conf")).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        said
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        command.args(arguments).arg("--data").arg(self.data()).stdin(Stdio::null()).env_clear();
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).env("SHIM_DIR", self.folder.path());
        command
    }

    /// Runs to the end. (exit code, standard output, standard error)
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// What it says on standard output, done.
    pub fn done(&self, arguments: &[&str]) -> String {
        let (code, out, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}\n{}", self.log());
        out
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--output", "json"]].concat())).unwrap()
    }

    /// `init` with small keys; `places` says where those of the CAs are made.
    pub fn init(&self, places: &[&str]) -> (i32, String, String) {
        let pin = self.path("pin").display().to_string();
        let password = self.write("password", "correct horse battery");
        let named: &[&str] =
            if places.contains(&"--pkcs11-token") { &[] } else { &["--pkcs11-token", LABEL] };
        let token = [&["--pkcs11-module", &self.module, "--pkcs11-pin-file", &pin], named].concat();
        let rest =
            ["--url", "http://localhost", "--security-password-file", &password, "--rsa-root", "rsa-2048"];
        let listeners = ["--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
        self.run(&[&["init"], &token[..], &rest, &listeners, places].concat())
    }

    /// A server on what `init` made, ready.
    pub fn serve(&self) -> Server {
        let err = std::fs::File::create(self.path("err")).unwrap();
        let child = self.command(&["serve"]).stdout(Stdio::null()).stderr(err).spawn().unwrap();
        let mut server = Server { child, http: String::new() };
        self.eventually("it listens", || self.data().join("listeners.json").exists());
        let text = std::fs::read_to_string(self.data().join("listeners.json")).unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        server.http = found["http"].as_str().unwrap().to_owned();
        server
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("err")).unwrap_or_default()
    }

    pub fn eventually(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < Duration::from_secs(90), "never: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A request for www.example.org.
    pub fn csr(&self) -> String {
        let (key, csr) =
            (self.path("www.key").display().to_string(), self.path("www.csr").display().to_string());
        if !self.path("www.csr").exists() {
            let new =
                ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
            let names = ["-subj", "/CN=www.example.org", "-addext", "subjectAltName=DNS:www.example.org"];
            self.tool(&[&new[..], &names, &["-keyout", &key, "-out", &csr]].concat());
        }
        csr
    }

    /// Asks for a certificate. (exit code, PEM or nothing, standard error)
    pub fn issue(&self) -> (i32, String, String) {
        self.run(&["cert", "issue", "--profile", "tls-server", "--csr", &self.csr()])
    }

    /// What health says of the token: its status and the detail.
    pub fn token_health(&self) -> (String, String) {
        let (_, out, said) = self.run(&["health", "--output", "json"]);
        let health: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {said}"));
        let name = format!("token {LABEL}");
        let check =
            health["checks"].as_array().unwrap().iter().find(|c| c["name"] == name.as_str()).unwrap().clone();
        (check["status"].as_str().unwrap().to_owned(), check["detail"].as_str().unwrap().to_owned())
    }
}

impl Server {
    pub fn get(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..12]).parse().unwrap()
    }

    pub fn hang_up(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
