//! The only door out: the API of a Signet server, for the command line; webhooks and datagrams, for whoever judges
//! challenges elsewhere; mail, webhooks and syslog, for notices. Where to is said by an operator (a flag, a profile, a
//! policy), never by a client.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

pub mod datagram;
pub mod fetch;
pub mod host;
pub mod smtp;
pub mod syslog;
pub mod webhook;

/// Most of an answer that is read.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// An answer that is handed over piece by piece takes no longer.
const LONGEST_STREAM: Duration = Duration::from_hours(24);
/// Between two of its pieces.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// A server's API, reached over HTTPS with a bearer token.
#[derive(Debug)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<Zeroizing<String>>,
}

/// A certificate with its key, shown in a TLS connection.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From a certificate (PEM; its chain may follow) and its private key (PKCS#8 DER). Errors: `bad-certificate`.
    pub fn new(chain: &str, pkcs8: &[u8]) -> Result<Self> {
        let bad = |e| Error::malformed("bad-certificate", "no certificate that can be read (PEM)").because(e);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<std::result::Result<_, _>>()
            .map_err(bad)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
        Ok(Self { chain, key })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

/// What the API answered with a status below 300.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON. Errors: `bad-answer`.
    pub fn json(&self) -> Result<serde_json::Value> {
        if self.body.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            Error::new(Kind::Unreachable, "bad-answer", "the server's answer is not JSON").because(e)
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Api {
    /// An API at `base` (`https://HOST:PORT`), whose certificate chains to one in the PEM file `ca`; without a file the
    /// system's trust store counts. Errors: `bad-ca-file`, `bad-address`.
    pub fn new(base: &str, token: Option<Zeroizing<String>>, ca: Option<&Path>) -> Result<Self> {
        Self::over(base, token, tls(ca)?)
    }

    /// The same for who shows a certificate of the server's CAs in the TLS connection instead of a token.
    /// Errors: as [`Api::new`]; `bad-key` if key and certificate do not go together.
    pub fn with_certificate(base: &str, ca: Option<&Path>, identity: Identity) -> Result<Self> {
        Self::over(base, None, showing(roots(ca)?, identity)?)
    }

    fn over(base: &str, token: Option<Zeroizing<String>>, tls: rustls::ClientConfig) -> Result<Self> {
        let base = address(base)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(120))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| Error::internal("cannot make an HTTPS client").because(e))?;
        Ok(Self { client, base: format!("{base}/api/v1"), token })
    }

    /// Reads a resource; `path` begins with a slash and may carry a query.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Posts JSON under an Idempotency-Key: what is sent again after a broken connection is not done twice.
    pub async fn post_once(&self, path: &str, body: &serde_json::Value, key: &str) -> Result<Answer> {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    /// Posts an empty object and hands over the answer piece by piece as it arrives, however long that takes as long as
    /// something arrives. Errors: those of `each`; `unreachable`, also if the answer breaks off.
    pub async fn post_streaming(&self, path: &str, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let request = self.request(Method::POST, path).timeout(LONGEST_STREAM).json(&serde_json::json!({}));
        let mut response = request.send().await.map_err(|e| self.unreached(e))?;
        let status = response.status().as_u16();
        if status >= 300 {
            let body = response.bytes().await.map_err(|e| self.unreached(e))?;
            return Err(refused(status, &body, self.token.is_some()));
        }
        loop {
            let silent = |_| {
                let text = format!("no answer from {}: nothing arrived for a minute", self.base);
                Error::new(Kind::Unreachable, "unreachable", text)
            };
            let next = tokio::time::timeout(LONGEST_SILENCE, response.chunk()).await.map_err(silent)?;
            match next.map_err(|e| self.unreached(e))? {
                Some(piece) => each(&piece)?,
                None => return Ok(()),
            }
        }
    }

    /// Changes a resource, by JSON (RFC 5789).
    pub async fn patch(&self, path: &str, body: &serde_json::Value) -> Result<Answer> {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Deletes a resource.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token.as_str()),
            None => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let mut response = request.send().await.map_err(|e| self.unreached(e))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreached(e))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Error::new(
                    Kind::TooLarge,
                    "answer-too-large",
                    "the server's answer is over 64 MiB",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        if status < 300 {
            Ok(Answer { status, body })
        } else {
            Err(refused(status, &body, self.token.is_some()))
        }
    }

    fn unreached(&self, e: reqwest::Error) -> Error {
        let mut why = innermost(&e);
        if why.contains("UnknownIssuer") {
            why += "; name the CA of its TLS certificate: --ca DIR/tls-ca.pem, from the server's data folder";
        }
        Error::new(Kind::Unreachable, "unreachable", format!("no answer from {}: {why}", self.base))
    }
}

/// What lies at the bottom of an error.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    deepest.to_string()
}

/// `https://HOST[:PORT]` without a slash at its end. Errors: `bad-address` for anything else.
fn address(base: &str) -> Result<String> {
    let is_plain = |url: &reqwest::Url| {
        url.scheme() == "https"
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match reqwest::Url::parse(base) {
        Ok(url) if is_plain(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(Error::invalid(
            "bad-address",
            format!("the server's address is https://HOST:PORT without a path, not {:?}", printable(base)),
        )),
    }
}

/// The stable code with which the server refused; kept as the cause of the error.
#[derive(Debug)]
struct ServerCode(String);

impl std::error::Error for ServerCode {}

impl std::fmt::Display for ServerCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The server's own code, where an error is what a server answered.
pub fn server_code(error: &Error) -> Option<&str> {
    let cause = std::error::Error::source(error)?;
    cause.downcast_ref::<ServerCode>().map(|code| code.0.as_str())
}

/// The error that a problem document (RFC 9457) stands for.
fn refused(status: u16, body: &[u8], with_token: bool) -> Error {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |name: &str| problem[name].as_str().map(printable);
    let mut detail = word("detail").unwrap_or_else(|| format!("the server answered {status}"));
    if status == 401 && !with_token {
        detail += "; name the file that holds the API token: --token-file FILE";
    }
    let mut error = Error::new(kind_of(status), "refused", detail);
    if let Some(code) = word("code") {
        error = error.because(ServerCode(code));
    }
    match word("pointer") {
        Some(pointer) if !pointer.is_empty() => error.at(pointer),
        _ => error,
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(2000).collect()
}

fn kind_of(status: u16) -> Kind {
    match status {
        400 => Kind::Malformed,
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        413 => Kind::TooLarge,
        429 => Kind::Throttled,
        503 => Kind::Busy,
        _ if status >= 500 => Kind::Internal,
        _ => Kind::Invalid,
    }
}

fn tls(ca: Option<&Path>) -> Result<rustls::ClientConfig> {
    trusting(roots(ca)?)
}

/// The CAs of a PEM file, or the system's.
fn roots(ca: Option<&Path>) -> Result<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        Some(file) => add_file(&mut roots, file)?,
        None => {
            let found = openssl_probe::probe();
            if let Some(file) = found.cert_file {
                add_file(&mut roots, &file)?;
            }
        }
    }
    if roots.is_empty() {
        return Err(Error::invalid(
            "bad-ca-file",
            "no certificate to trust: name the server's CA with --ca FILE",
        ));
    }
    Ok(roots)
}

fn trusting(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig> {
    Ok(builder(roots)?.with_no_client_auth())
}

fn showing(roots: rustls::RootCertStore, identity: Identity) -> Result<rustls::ClientConfig> {
    let Identity { chain, key } = identity;
    builder(roots)?.with_client_auth_cert(chain, key).map_err(|e| {
        Error::invalid("bad-key", "the key is not the certificate's, or of no type that TLS takes").because(e)
    })
}

type Builder = rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>;

fn builder(roots: rustls::RootCertStore) -> Result<Builder> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("TLS versions").because(e))?;
    Ok(config.with_root_certificates(roots))
}

fn add_file(roots: &mut rustls::RootCertStore, file: &Path) -> Result<()> {
    let bad = |e: String| {
        Error::invalid("bad-ca-file", format!("cannot read {} as PEM certificates: {e}", file.display()))
    };
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| bad(e.to_string()))? {
        // A system's store may hold roots that rustls does not take: the others still count.
        let _ = roots.add(certificate.map_err(|e| bad(e.to_string()))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_becomes_one_sentence() {
        let problem = br#"{"code":"bad-csr","detail":"RSA key below 2048 bits","pointer":"/csr"}"#;
        let e = refused(422, problem, true);
        assert_eq!((e.field(), e.detail()), (Some("/csr"), "RSA key below 2048 bits"));
        assert_eq!(server_code(&e), Some("bad-csr"));
        let other = refused(502, b"<html>", true);
        assert_eq!((other.detail(), server_code(&other)), ("the server answered 502", None));
    }

    #[test]
    fn who_gave_no_token_is_told_how() {
        assert!(refused(401, b"{}", false).detail().contains("--token-file"));
        assert!(!refused(401, b"{}", true).detail().contains("--token-file"));
    }

    #[test]
    fn only_https_is_spoken() {
        for bad in ["http://x", "x:8443", "https://", "https://x/api/v1", "https://x?y", "https://u@x"] {
            assert_eq!(Api::new(bad, None, None).unwrap_err().code(), "bad-address", "{bad}");
        }
        assert_eq!(address("https://pki.example.org:8443/").unwrap(), "https://pki.example.org:8443");
        assert_eq!(address("https://[::1]:8443").unwrap(), "https://[::1]:8443");
    }
}
