//! Load driver: TVS questions, on a new TLS connection each and on open ones.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_tvs -- --new 5000 --open 200000
//! cargo run --release --example load_tvs -- --key p-256
//! ```
//! Prints answers per second of the server's own CPU time. Phones resume no session, so every new connection costs the
//! server one signature of its key: the limit that is printed beside is that signature alone.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use clap::Parser;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use support::server::Server;
use support::{AnyError, Report};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[derive(Parser)]
#[command(about = "Measures the Trust Verification Service")]
struct Arguments {
    /// Questions on a connection of their own.
    #[arg(long, default_value_t = 5_000)]
    new: usize,
    /// Questions on open connections.
    #[arg(long, default_value_t = 200_000)]
    open: usize,
    /// How many connections at once.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The key of the server: rsa-2048 or p-256.
    #[arg(long, default_value = "rsa-2048")]
    key: String,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let policies = policies(folder.path(), &arguments.key)?;
    let more = ["--rsa-root", "rsa-2048", "--tvs", "127.0.0.1:0", "--policies", &policies];
    let server = Server::start(&folder.path().join("data"), &more)?;
    let listeners = std::fs::read_to_string(server.folder().join("listeners.json"))?;
    let listeners: serde_json::Value = serde_json::from_str(&listeners)?;
    let at = listeners["tvs"].as_str().ok_or("no TVS")?.to_owned();
    let limit = limit(&arguments.key)?;
    println!("limit ({}, one signature, in process): {limit:.0}/s", arguments.key);
    println!("{}", Report::head());
    let phones = Arc::new(Phones { at, tls: client()?, question: question(), next: AtomicUsize::new(0) });
    for (total, is_new) in [(arguments.new, true), (arguments.open, false)] {
        let report = run(&server, &phones, arguments.connections, (total, is_new)).await?;
        println!("{}  {}", report.row(limit), if is_new { "new connections" } else { "open connections" });
    }
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

/// The shipped policies, with this key for TVS.
fn policies(folder: &Path, key: &str) -> Result<String, AnyError> {
    let policies = folder.join("policies");
    let profiles = policies.join("profiles");
    std::fs::create_dir_all(&profiles)?;
    let shipped = std::fs::read_to_string("policies/profiles/tvs-tls.toml")?;
    let line = shipped.lines().find(|line| line.starts_with("keys = ")).ok_or("no keys in tvs-tls.toml")?;
    std::fs::write(profiles.join("tvs-tls.toml"), shipped.replace(line, &format!("keys = [\"{key}\"]")))?;
    Ok(policies.display().to_string())
}

/// Signatures of the server's key in a second of one core.
fn limit(key: &str) -> Result<f64, AnyError> {
    let random = SystemRandom::new();
    let sign: Box<dyn Fn() -> bool> = if key == "p-256" {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        Box::new(move || key.sign(&random, b"handshake").is_ok())
    } else {
        let key = KeyPair::generate(KeySize::Rsa2048)?;
        Box::new(move || key.sign(&RSA_PKCS1_SHA256, &random, b"handshake", &mut [0; 256]).is_ok())
    };
    let (start, rounds) = (Instant::now(), 2_000);
    let done = (0..rounds).filter(|_| sign()).count();
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

/// Whether a certificate that nobody knows may be trusted, by a phone.
fn question() -> Vec<u8> {
    let device = b"\x01CP-8845-SEP0123456789AB";
    let element = |tag: u8, value: &[u8]| [&[tag], &(value.len() as u16).to_be_bytes()[..], value].concat();
    let body = [element(1, device), element(2, &[0x30; 900])].concat();
    [&[0x57, 1, 1, 0, 0, 0, 0, 1][..], &(body.len() as u16).to_be_bytes(), &body].concat()
}

struct Phones {
    at: String,
    tls: TlsConnector,
    question: Vec<u8>,
    next: AtomicUsize,
}

impl Phones {
    async fn connect(&self) -> Result<TlsStream<TcpStream>, AnyError> {
        let tcp = TcpStream::connect(&self.at).await?;
        tcp.set_nodelay(true)?;
        Ok(self.tls.connect(ServerName::try_from("tvs.example.org")?, tcp).await?)
    }

    /// Whether there was an answer.
    async fn ask(&self, stream: &mut TlsStream<TcpStream>) -> Result<bool, AnyError> {
        stream.write_all(&self.question).await?;
        stream.flush().await?;
        let mut answer = [0; 14];
        stream.read_exact(&mut answer).await?;
        Ok(answer[..4] == [0x57, 1, 2, 0] && answer[10] == 7)
    }
}

async fn run(
    server: &Server,
    phones: &Arc<Phones>,
    connections: usize,
    (total, is_new): (usize, bool),
) -> Result<Report, AnyError> {
    phones.next.store(0, Ordering::Relaxed);
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(if is_new { None } else { Some(phones.connect().await?) });
    }
    let (cpu, start) = (server.cpu_time()?, Instant::now());
    let tasks: Vec<_> =
        open.into_iter().map(|stream| tokio::spawn(drive(phones.clone(), stream, total))).collect();
    let (mut latencies, mut failed) = (Vec::new(), 0);
    for task in tasks {
        let (times, bad) = task.await??;
        latencies.extend(times);
        failed += bad;
    }
    let (wall, server_cpu) = (start.elapsed(), server.cpu_time()? - cpu);
    latencies.sort();
    Ok(Report { connections, done: latencies.len() - failed, failed, wall, server_cpu, latencies })
}

async fn drive(
    phones: Arc<Phones>,
    mut open: Option<TlsStream<TcpStream>>,
    total: usize,
) -> Result<(Vec<std::time::Duration>, usize), AnyError> {
    let (mut latencies, mut failed) = (Vec::new(), 0);
    while phones.next.fetch_add(1, Ordering::Relaxed) < total {
        let start = Instant::now();
        let answered = match &mut open {
            Some(stream) => phones.ask(stream).await?,
            None => phones.ask(&mut phones.connect().await?).await?,
        };
        failed += usize::from(!answered);
        latencies.push(start.elapsed());
    }
    Ok((latencies, failed))
}

/// A phone compares the certificate with its list; the driver takes any.
#[derive(Debug)]
struct Any(Arc<rustls::crypto::CryptoProvider>);

fn client() -> Result<TlsConnector, AnyError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any(provider)))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _above: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
