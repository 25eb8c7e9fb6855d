//! strongSwan's `pki` as a SCEP client: an implementation that shares no code with ours.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use signet::x509::cert::Certificate;
use tempfile::TempDir;

use super::server::{Server, scep, unique};

/// A folder with a key and the CA certificates as `pki --scepca` fetched them.
struct Client {
    folder: TempDir,
    url: String,
}

impl Client {
    /// Serves the routes on a port of their own and fetches the CA certificates.
    async fn new(server: &'static Server) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scep", listener.local_addr().unwrap());
        let service = server.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let client = Self { folder: tempfile::tempdir().unwrap(), url };
        let (cacert, racert) = (client.path("ca.der"), client.path("ra.der"));
        let url = client.url.clone();
        let arguments =
            ["--scepca", "--url", &url, "--caout", text(&cacert), "--raout", text(&racert), "--force"];
        client.pki(&arguments).await.unwrap();
        client
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn new_key(&self, name: &str) -> PathBuf {
        let key = super::device::Key::new();
        let path = self.path(name);
        std::fs::write(&path, &*key.pkcs8).unwrap();
        path
    }

    /// Enrols or renews: the certificate, or what `pki` said.
    async fn scep(&self, key: &str, more: &[&str]) -> Result<Certificate, String> {
        let key = self.path(key);
        let mut arguments = vec!["--scep", "--url", &self.url, "--in", text(&key)];
        let cacerts: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("ca"))
            .collect();
        let ra = self.path("ra.der");
        arguments.extend(["--cacert-enc", text(&ra), "--cacert-sig", text(&ra)]);
        cacerts.iter().for_each(|path| arguments.extend(["--cacert", text(path)]));
        arguments.extend(more);
        self.pki(&arguments).await.map(|der| Certificate::from_der(&der).unwrap())
    }

    async fn pki(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = Command::new("pki");
        command.args(arguments).current_dir(self.folder.path());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn strongswan_enrols_renews_and_is_refused() {
    scep(async |server| {
        let client = Client::new(server).await;
        let name = unique("strongswan");
        let dn = format!("CN={name}");
        let challenge = server.fixture.challenge("scep-device", &name).await;
        client.new_key("key.der");

        let wrong = client.scep("key.der", &["--dn", &dn, "--password", "wrong"]).await;
        assert!(wrong.unwrap_err().contains("badRequest"));

        let first = client.scep("key.der", &["--dn", &dn, "--password", &challenge]).await.unwrap();
        assert_eq!(first.subject().to_string(), dn);

        client.new_key("other.der");
        let again = client.scep("other.der", &["--dn", &dn, "--password", &challenge]).await;
        assert!(again.unwrap_err().contains("badRequest"), "a challenge is used once");

        let certificate = client.path("first.der");
        std::fs::write(&certificate, first.der()).unwrap();
        client.new_key("new.der");
        let old_key = client.path("key.der");
        let renewal = ["--dn", &dn, "--cert", text(&certificate), "--key", text(&old_key)];
        let renewed = client.scep("new.der", &renewal).await.unwrap();
        assert_eq!(renewed.subject(), first.subject());
        assert_ne!(renewed.spki(), first.spki());
    });
}
