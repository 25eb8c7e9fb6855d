//! The real program on a disk that gets full and on one that is read-only. Needs root, `unshare` and `nsenter`
//! of util-linux, `curl` and `openssl`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A mount namespace with a tmpfs of 24 MiB on a folder, held by a sleeping shell.
struct Disk {
    holder: Child,
    dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=24m tmpfs \"$1\" && echo mounted && exec sleep 600";
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(dir.path()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("unshare is needed: apt-get install util-linux");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "a mount namespace of its own needs root (CAP_SYS_ADMIN)");
        Self { holder, dir }
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-m", "--", program]).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.inside(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A path as the namespace sees it.
    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// The same path, seen from outside.
    fn outside(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.dir.path().strip_prefix("/").unwrap()).join(name)
    }

    fn signet(&self, arguments: &[&str]) -> Command {
        let mut command = self.inside(env!("CARGO_BIN_EXE_signet"));
        command.args(arguments).args(["--data", &self.path("data")]);
        command
    }

    /// Leaves about half a mebibyte free.
    fn fill(&self) {
        let free = self.run("df", &["--output=avail", "-B1024", &self.path("")]);
        let free: u64 = free.lines().nth(1).unwrap().trim().parse().unwrap();
        let (of, count) = (format!("of={}", self.path("ballast")), format!("count={}", free - 512));
        self.run("dd", &["if=/dev/zero", &of, "bs=1024", &count, "status=none"]);
    }

    fn remount(&self, how: &str) -> Output {
        let options = format!("remount,{how}");
        self.inside("mount").args(["-o", &options, &self.path("")]).output().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A running server with what a client of it needs, kept outside of the small disk.
struct Server {
    child: Child,
    client: tempfile::TempDir,
    http: String,
    https: String,
    token: String,
}

impl Server {
    fn up(disk: &Disk) -> Self {
        let client = tempfile::tempdir().unwrap();
        let file = |name| std::fs::File::create(client.path().join(name)).unwrap();
        let arguments = [
            "up",
            "--demo",
            "--phones",
            "0",
            "--http",
            "127.0.0.1:0",
            "--https",
            "127.0.0.1:0",
            "--rsa-root",
            "rsa-2048",
        ];
        let child = disk.signet(&arguments).stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let mut server =
            Self { child, client, http: String::new(), https: String::new(), token: String::new() };
        let listeners = disk.outside("data/listeners.json");
        server.eventually("listening", |_| listeners.exists());
        let found: Value = serde_json::from_slice(&std::fs::read(listeners).unwrap()).unwrap();
        server.http = format!("http://{}", found["http"].as_str().unwrap());
        server.https = format!("https://{}/api/v1/certificates", found["https"].as_str().unwrap());
        server.token = std::fs::read_to_string(disk.outside("data/admin.token")).unwrap().trim().to_owned();
        std::fs::copy(disk.outside("data/tls-ca.pem"), server.path("tls-ca.pem")).unwrap();
        write_order(&server.path("order.json"));
        server.eventually("ready", |server| server.ready() == 200);
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.client.path().join(name)
    }

    fn eventually(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let log = std::fs::read_to_string(self.path("err")).unwrap();
            assert!(start.elapsed() < Duration::from_secs(120), "never {what}:\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// (status, content type, body)
    fn curl(&self, arguments: &[&str]) -> (u16, String, String) {
        let output = Command::new("curl")
            .args(["-s", "-w", "\n%{http_code} %{content_type}", "-H"])
            .arg(format!("Authorization: Bearer {}", self.token))
            .arg("--cacert")
            .arg(self.path("tls-ca.pem"))
            .args(arguments)
            .output()
            .expect("curl is needed: apt-get install curl");
        let said = String::from_utf8(output.stdout).unwrap();
        let (body, end) = said.rsplit_once('\n').unwrap();
        let (status, sort) = end.split_once(' ').unwrap();
        (status.parse().unwrap(), sort.to_owned(), body.to_owned())
    }

    fn ready(&self) -> u16 {
        self.curl(&[&format!("{}/readyz", self.http)]).0
    }

    /// The serial number, or what the refusal is: (status, content type, body).
    fn issue(&self) -> Result<String, (u16, String, String)> {
        let order = format!("@{}", self.path("order.json").display());
        let answer =
            self.curl(&["-H", "Content-Type: application/json", "--data-binary", &order, &self.https]);
        if answer.0 != 201 {
            return Err(answer);
        }
        let issued: Value = serde_json::from_str(&answer.2).unwrap();
        Ok(issued["serial"].as_str().unwrap().to_owned())
    }

    fn assert_all_there(&self, serials: &[String]) {
        for serial in serials {
            let (status, _, body) = self.curl(&[&format!("{}/{serial}", self.https)]);
            assert_eq!(status, 200, "{serial}: {body}");
        }
    }

    /// Issues until it is refused for the reason named.
    fn issue_until_refused(&self, reason: &str) -> Vec<String> {
        let mut serials = Vec::new();
        for _ in 0..3_000 {
            match self.issue() {
                Ok(serial) => serials.push(serial),
                Err((status, sort, body)) => {
                    assert_eq!((status, &*sort), (503, "application/problem+json"), "{body}");
                    assert!(body.contains(reason), "{body}");
                    return serials;
                }
            }
        }
        panic!("never refused");
    }

    /// Asked to stop, it does.
    fn stop(mut self) {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(stopped.success() && self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_order(path: &Path) {
    let key = path.with_extension("key");
    let csr = Command::new("openssl")
        .args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=www.example.com", "-addext", "subjectAltName=DNS:www.example.com", "-keyout"])
        .arg(key)
        .output()
        .unwrap();
    let csr = String::from_utf8(csr.stdout).unwrap();
    let order = serde_json::json!({ "profile": "tls-server", "csr": csr });
    std::fs::write(path, order.to_string()).unwrap();
}

#[test]
fn a_full_disk_refuses_with_its_reason_and_the_service_resumes_by_itself() {
    let disk = Disk::new();
    let server = Server::up(&disk);
    let mut serials = vec![server.issue().unwrap()];
    disk.fill();
    serials.extend(server.issue_until_refused("the store's disk is full"));
    server.eventually("not ready", |server| server.ready() == 503);
    server.assert_all_there(&serials);

    disk.run("rm", &[&disk.path("ballast")]);
    server.eventually("ready again, by itself", |server| server.ready() == 200);
    serials.push(server.issue().unwrap());
    server.assert_all_there(&serials);
    server.stop();

    let server = Server::up(&disk);
    server.assert_all_there(&serials);
    server.stop();
    let checked = disk.signet(&["check"]).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_read_only_disk_is_named_at_the_start_and_nothing_is_lost() {
    let disk = Disk::new();
    let server = Server::up(&disk);
    let serials = [server.issue().unwrap()];
    server.stop();
    let remounted = disk.remount("ro");
    assert!(remounted.status.success(), "{remounted:?}");
    let serve = ["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
    let refused = disk.signet(&serve).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.status.code() == Some(1) && said.to_lowercase().contains("read-only file system"),
        "{said}"
    );
    assert!(disk.remount("rw").status.success());
    let server = Server::up(&disk);
    server.assert_all_there(&serials);
    server.issue().unwrap();
    server.stop();
}
