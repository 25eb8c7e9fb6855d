//! A server process of the driver's own, in a folder that is removed at the end.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A running `signet` with its folder.
pub struct Server {
    child: Child,
    folder: PathBuf,
    /// Address of plain HTTP.
    pub http: String,
    /// Address of HTTPS.
    pub https: String,
    /// Address of CAPF; empty unless it is on.
    pub capf: String,
}

impl Server {
    /// Starts the `signet` that was built beside this program; `arguments` go to `signet up`.
    pub fn start(folder: &Path, arguments: &[&str]) -> Result<Self, AnyError> {
        let program = program()?;
        let child = Command::new(program)
            .arg("up")
            .args(["--demo", "--phones", "0", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data"])
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()?;
        let (http, https, capf) = Default::default();
        let mut server = Self { child, folder: folder.to_owned(), http, https, capf };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The administrator's token.
    pub fn token(&self) -> Result<String, AnyError> {
        Ok(std::fs::read_to_string(self.folder.join("admin.token"))?.trim().to_owned())
    }

    /// A TLS client that trusts this server.
    pub fn tls_client(&self) -> Result<Arc<rustls::ClientConfig>, AnyError> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.folder.join("tls-ca.pem"))? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// utime + stime of the server so far.
    pub fn cpu_time(&self) -> Result<Duration, AnyError> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().ok_or("stat")?.split(' ').collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Resident memory of the server, in MiB.
    pub fn resident_mib(&self) -> Result<u64, AnyError> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).ok_or("VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("VmRSS")?.parse::<u64>()? / 1024)
    }

    fn wait_until_it_listens(&mut self) -> Result<(), AnyError> {
        let (file, start) = (self.folder.join("listeners.json"), Instant::now());
        while start.elapsed() < Duration::from_secs(120) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server stopped: {status}").into());
            }
            if let Ok(text) = std::fs::read_to_string(&file) {
                let found: serde_json::Value = serde_json::from_str(&text)?;
                let address = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
                (self.http, self.https, self.capf) = (address("http"), address("https"), address("capf"));
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("the server did not listen within two minutes".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn program() -> Result<PathBuf, AnyError> {
    let beside = std::env::current_exe()?;
    let folder = beside.parent().and_then(Path::parent).ok_or("no target folder")?;
    let program = folder.join("signet");
    if program.exists() { Ok(program) } else { Err("build signet first: cargo build --release".into()) }
}
