//! Load driver: TVS questions, on a new TLS connection each and on open ones; and fetches of a trust list over HTTP.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_tvs -- --new 5000 --open 200000 --fetches 200000
//! cargo run --release --example load_tvs -- --key p-256
//! ```
//! Prints answers per second of the server's own CPU time. Phones resume no session, so every new connection costs the
//! server one signature of its key: the limit that is printed beside is that signature alone.
//! Every question is answered "valid": the phone asks of the certificate that TVS shows.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use clap::Parser;
use rustls::pki_types::ServerName;
use support::connection::{Judge, Target, ask_all, run as run_http};
use support::limit::Limit;
use support::phone::tls_client;
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
    /// Fetches of the ITL.
    #[arg(long, default_value_t = 200_000)]
    fetches: usize,
    /// How many connections at once.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The key of the server: rsa-2048 or p-256.
    #[arg(long, default_value = "rsa-2048")]
    key: String,
    /// The newest version of TLS that the phones speak: 1.2 or 1.3.
    #[arg(long, default_value = "1.3")]
    tls: String,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let policies = policies(folder.path(), &arguments.key)?;
    let more = ["--rsa-root", "rsa-2048", "--policies", &policies];
    let more = [&more[..], &["--tvs", "127.0.0.1:0", "--phone-http", "127.0.0.1:0"]].concat();
    let server = Server::start(&folder.path().join("data"), &more)?;
    let listeners = std::fs::read_to_string(server.folder().join("listeners.json"))?;
    let listeners: serde_json::Value = serde_json::from_str(&listeners)?;
    let at = |name: &str| listeners[name].as_str().map(str::to_owned).ok_or("it does not listen");
    publish(&server).await?;
    let limit = limit(&arguments.key)?;
    println!("limit ({}, one signature, in process): {limit}", arguments.key);
    let limit = limit.together;
    println!("{}", Report::head());
    let (at, files) = (at("tvs")?, at("phone_http")?);
    let versions = if arguments.tls == "1.2" { &[&rustls::version::TLS12] } else { rustls::ALL_VERSIONS };
    let mut phones = Phones {
        at,
        tls: TlsConnector::from(tls_client(versions)?),
        question: Vec::new(),
        next: AtomicUsize::new(0),
    };
    phones.question = phones.about_itself().await?;
    let phones = Arc::new(phones);
    for (total, is_new) in [(arguments.new, true), (arguments.open, false)] {
        let report = run(&server, &phones, arguments.connections, (total, is_new)).await?;
        println!("{}  {}", report.row(limit), if is_new { "new connections" } else { "open connections" });
    }
    let fetch = |n: usize| format!("GET /ITLSEP{n:012X}.tlv HTTP/1.1\r\nHost: {files}\r\n\r\n").into_bytes();
    let fetches = Arc::new((0..arguments.fetches).map(fetch).collect());
    let is_list: Judge = |status, body| status == 200 && body.starts_with(&[1, 0, 2]);
    let fetched =
        run_http(&server, &Target::Plain(files.clone()), arguments.connections, fetches, is_list).await?;
    println!("{}  fetches of the ITL", fetched.row(limit));
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

/// A cluster with our TVS and TFTP identities, and its first list.
async fn publish(server: &Server) -> Result<(), AnyError> {
    let (host, token) = (&server.https, server.token()?);
    let post = |path: &str, body: &str| {
        format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let api = Target::Tls(server.https.clone(), server.tls_client()?);
    let cluster = post("clusters", r#"{"id": "hq", "identities": ["tvs", "tftp"]}"#);
    ask_all(&api, &[cluster], 201).await?;
    ask_all(&api, &[post("clusters/hq/releases", "{}")], 200).await.map(drop)
}

/// The shipped policies, with this key for TVS.
fn policies(folder: &Path, key: &str) -> Result<String, AnyError> {
    let policies = folder.join("policies");
    copy(Path::new("policies"), &policies)?;
    let profile = policies.join("profiles/tvs-tls.toml");
    let shipped = std::fs::read_to_string(&profile)?;
    let line = shipped.lines().find(|line| line.starts_with("keys = ")).ok_or("no keys in tvs-tls.toml")?;
    std::fs::write(profile, shipped.replace(line, &format!("keys = [\"{key}\"]")))?;
    Ok(policies.display().to_string())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?.path();
        let target = to.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() { copy(&entry, &target)? } else { std::fs::copy(&entry, &target).map(drop)? }
    }
    Ok(())
}

/// The signature of the server's key, as a handshake asks for it.
fn limit(key: &str) -> Result<Limit, AnyError> {
    let message = [7u8; 130];
    if key == "p-256" {
        return Limit::measure(|| {
            let signer = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
            let random = SystemRandom::new();
            Ok(move || Ok(signer.sign(&random, &message).map(drop)?))
        });
    }
    Limit::measure(|| {
        let (signer, random) = (RsaKeyPair::generate(KeySize::Rsa2048)?, SystemRandom::new());
        let mut signature = vec![0; signer.public_modulus_len()];
        Ok(move || Ok(signer.sign(&RSA_PSS_SHA256, &random, &message, &mut signature)?))
    })
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

    /// Whether the certificate that TVS shows may be trusted, asked by a phone.
    async fn about_itself(&self) -> Result<Vec<u8>, AnyError> {
        let stream = self.connect().await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.ok_or("TVS showed no certificate")?;
        let element =
            |tag: u8, value: &[u8]| [&[tag], &(value.len() as u16).to_be_bytes()[..], value].concat();
        let body = [element(1, b"\x01CP-8845-SEP0123456789AB"), element(2, certificate)].concat();
        Ok([&[0x57, 1, 1, 0, 0, 0, 0, 1][..], &(body.len() as u16).to_be_bytes(), &body].concat())
    }

    /// Whether the answer is "valid, as TVS".
    async fn ask(&self, stream: &mut TlsStream<TcpStream>) -> Result<bool, AnyError> {
        stream.write_all(&self.question).await?;
        stream.flush().await?;
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await?;
        Ok(answer[..4] == [0x57, 1, 2, 0] && answer[10..18] == [7, 0, 1, 0, 8, 0, 1, 21])
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
