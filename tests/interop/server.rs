//! A `signet` process in a folder of its own, and the means to run programs against it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a program did.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// Its standard output, if it ended with 0; otherwise the test fails with what it said.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        self.out
    }
}

/// Runs a program to its end.
#[track_caller]
pub fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Ran {
    run_with(program, arguments, &[])
}

/// The same with further environment variables.
#[track_caller]
pub fn run_with(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Ran {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}; tests/setup installs it", program.display()));
    ran(&output)
}

fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The program under test.
pub const SIGNET: &str = env!("CARGO_BIN_EXE_signet");

/// A running server.
pub struct Server {
    child: Option<Child>,
    home: tempfile::TempDir,
    arguments: Vec<String>,
    /// Plain HTTP, as `127.0.0.1:4321`.
    pub http: String,
    /// HTTPS.
    pub https: String,
}

impl Server {
    /// A new authority with quickly made keys.
    pub fn start() -> Self {
        Self::start_with(&["--rsa-root", "rsa-2048"])
    }

    /// A new authority with these further arguments.
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepared(arguments);
        server.launch();
        server
    }

    /// As [`Server::start_with`], but not started yet.
    pub fn prepared(arguments: &[&str]) -> Self {
        Self {
            child: None,
            home: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            http: String::new(),
            https: String::new(),
        }
    }

    /// Starts the process (again) and waits until it serves.
    pub fn launch(&mut self) {
        let mut command = self.command();
        self.child = Some(command.spawn().unwrap());
        self.wait_until_ready();
    }

    /// The command line that starts it, not yet run.
    pub fn command(&self) -> Command {
        let mut command = Command::new(SIGNET);
        command.arg("up");
        if !self.arguments.iter().any(|a| a == "--url") {
            command.args(["--demo", "--phones", "0"]);
        }
        command
            .args(["--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data"])
            .arg(self.data())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.path("server.log")).unwrap());
        command
    }

    /// Waits for `listeners.json` and `/readyz`.
    pub fn wait_until_ready(&mut self) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(120) {
            if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().unwrap()) {
                panic!("the server stopped: {status}\n{}", self.log());
            }
            if let Ok(text) = std::fs::read_to_string(self.data().join("listeners.json")) {
                let found: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                if let (Some(http), Some(https)) = (found["http"].as_str(), found["https"].as_str()) {
                    (self.http, self.https) = (http.to_owned(), https.to_owned());
                    if run("curl", &["-sf", &format!("http://{http}/readyz")]).code == 0 {
                        return;
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("the server was not ready in two minutes\n{}", self.log());
    }

    /// Takes the place of the child by a process started otherwise.
    pub fn adopt(&mut self, child: Child) {
        self.child = Some(child);
        self.wait_until_ready();
    }

    /// SIGKILL, at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Under strace the server is a child of the child, and would live on.
            let id = child.id();
            let below = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            below.split_whitespace().for_each(|pid| drop(run("kill", &["-KILL", pid])));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.data().join("listeners.json"));
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            run("kill", &["-TERM", &child.id().to_string()]).ok();
            let status = child.wait().unwrap();
            assert!(status.success(), "ended with {status}\n{}", self.log());
        }
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A file beside the data folder, for what clients write.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The same as text.
    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// A URL on plain HTTP.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Runs a verb of the command line against it.
    #[track_caller]
    pub fn signet(&self, arguments: &[&str]) -> Ran {
        let data = self.data();
        let mut all: Vec<&str> = arguments.to_vec();
        all.extend(["--data", data.to_str().unwrap()]);
        run(SIGNET, &all)
    }

    /// curl on the API with the administrator's token; returns status and body.
    #[track_caller]
    pub fn api(&self, arguments: &[&str], path: &str) -> (u16, Vec<u8>) {
        let token = std::fs::read_to_string(self.data().join("admin.token")).unwrap();
        let header = format!("Authorization: Bearer {}", token.trim());
        let ca = self.data().join("tls-ca.pem");
        let url = format!("https://{}/api/v1{path}", self.https);
        let output = Command::new("curl")
            .args(["-s", "-w", "\n%{http_code}", "--cacert", ca.to_str().unwrap(), "-H", &header])
            .args(arguments)
            .arg(url)
            .output()
            .expect("curl; tests/setup installs it");
        let end = output.stdout.iter().rposition(|b| *b == b'\n').expect("curl answered");
        let status = String::from_utf8_lossy(&output.stdout[end + 1..]).parse().unwrap();
        (status, output.stdout[..end].to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of a file.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
