//! Load driver: installations by CAPF, each phone with a TLS connection, a name, a key and a string of its own.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_capf -- --front rsa --front p-384
//! ```
//! The phones' keys are made and their operations entered beforehand; each installation is durable before the phone is
//! told. Prints, for each certificate that CAPF presents and for 1, 8, 32 and 128 phones at once, installations per second
//! of the server's own CPU time, and in the same run the cryptographic limit: the two signatures that one installation
//! asks of the server and nothing else — that of the handshake and that of the phone's certificate, by the key that CAPF
//! presents, which also issues.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use clap::{Parser, ValueEnum};
use support::connection::{Target, ask_all};
use support::limit::Limit;
use support::phone::{Phone, tls_client};
use support::server::Server;
use support::{AnyError, Report};

/// So many devices are entered with one request.
const BATCH: usize = 500;
const STRING: &str = "4711081500";

#[derive(Parser)]
#[command(about = "Measures installations by CAPF")]
struct Arguments {
    /// Installations for each number of phones at once.
    #[arg(long, default_value_t = 2_000)]
    installs: usize,
    /// How many phones at once; repeat for several.
    #[arg(long, default_values_t = [1, 8, 32, 128])]
    phones: Vec<usize>,
    /// What CAPF presents and issues with; repeat for several.
    #[arg(long, value_enum, default_values = ["rsa", "p-384"])]
    front: Vec<Front>,
    /// The phones' keys.
    #[arg(long, value_enum, default_value = "p-256")]
    phone_key: PhoneKey,
    /// The version of TLS that the phones speak.
    #[arg(long, value_enum, default_value = "1.2")]
    tls: Tls,
}

#[derive(Clone, Copy, ValueEnum)]
enum Front {
    /// The CA `capf`, RSA-2048, as it is made by default.
    Rsa,
    /// A CA on P-384 under `ec-root`.
    #[value(name = "p-384")]
    P384,
}

#[derive(Clone, Copy, ValueEnum)]
enum PhoneKey {
    #[value(name = "p-256")]
    P256,
    #[value(name = "rsa-2048")]
    Rsa2048,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tls {
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

/// A phone before it connects.
struct Waiting {
    name: String,
    key: Vec<u8>,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    for &front in &arguments.front {
        measure(&arguments, front).await?;
    }
    Ok(())
}

async fn measure(arguments: &Arguments, front: Front) -> Result<(), AnyError> {
    let folder = tempfile::tempdir()?;
    let profile = match front {
        Front::Rsa => "capf-lsc",
        Front::P384 => "capf-p384",
    };
    let options = ["--rsa-root", "rsa-2048", "--capf", "127.0.0.1:0", "--capf-profile", profile];
    let server = Server::start(&folder.path().join("data"), &options)?;
    if let Front::P384 = front {
        make_front(&server).await?;
    }
    let at: SocketAddr = server.capf.parse()?;
    let limit = limit(front)?;
    println!("{}: limit (2 private operations, in process): {limit}", profile);
    println!("{}", Report::head());
    for (round, &phones) in arguments.phones.iter().enumerate() {
        let waiting = prepare(arguments, &server, profile, round).await?;
        let report = run(arguments, &server, at, phones, Arc::new(waiting)).await?;
        println!("{}", report.row(limit.together));
        if report.failed > 0 {
            return Err("not every phone got its certificate".into());
        }
    }
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

/// A CA on P-384 that presents itself, and a profile that issues by it.
async fn make_front(server: &Server) -> Result<(), AnyError> {
    let ca = serde_json::json!({"id": "capf-p384", "role": "issuing", "parent": "ec-root", "algorithm": "p-384",
        "serves_tls": true});
    post(server, "/api/v1/cas", &ca, 201).await?;
    let folder = server.folder().join("policies/profiles");
    let shipped = std::fs::read_to_string(folder.join("capf-lsc.toml"))?;
    std::fs::write(folder.join("capf-p384.toml"), shipped.replace("ca = \"capf\"", "ca = \"capf-p384\""))?;
    post(server, "/api/v1/profiles/reload", &serde_json::Value::Null, 200).await?;
    Ok(())
}

/// Keys, and operations that wait for their phones.
async fn prepare(
    arguments: &Arguments,
    server: &Server,
    profile: &str,
    round: usize,
) -> Result<Vec<Waiting>, AnyError> {
    eprintln!("making {} keys …", arguments.installs);
    let name = |n: usize| format!("SEP{:012X}", (round << 32) | n);
    let order = match arguments.phone_key {
        PhoneKey::P256 => "p-256",
        PhoneKey::Rsa2048 => "rsa-2048",
    };
    let waiting = (0..arguments.installs)
        .map(|n| Ok(Waiting { name: name(n), key: phone_key(arguments.phone_key)? }))
        .collect::<Result<Vec<_>, AnyError>>()?;
    for batch in waiting.chunks(BATCH) {
        let items: Vec<_> = batch
            .iter()
            .map(|phone| {
                serde_json::json!({"name": phone.name, "profile": profile, "operation": "install",
                    "authentication": "string", "string": STRING, "key": order})
            })
            .collect();
        let told = post(server, "/api/v1/devices/batch", &serde_json::json!({"items": items}), 200).await?;
        let told: serde_json::Value = serde_json::from_slice(&told)?;
        if told["refused"] != 0 {
            return Err(told.to_string().into());
        }
    }
    Ok(waiting)
}

fn phone_key(sort: PhoneKey) -> Result<Vec<u8>, AnyError> {
    Ok(match sort {
        PhoneKey::P256 => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?.public_key().as_der()?.as_ref().to_vec()
        }
        PhoneKey::Rsa2048 => RsaKeyPair::generate(KeySize::Rsa2048)?.public_key().as_der()?.as_ref().to_vec(),
    })
}

async fn post(
    server: &Server,
    path: &str,
    body: &serde_json::Value,
    expected: u16,
) -> Result<Vec<u8>, AnyError> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.https,
        server.token()?,
        body.len()
    );
    let target = Target::Tls(server.https.clone(), server.tls_client()?);
    Ok(ask_all(&target, &[request.into_bytes()], expected).await?.remove(0))
}

/// Every phone installs once, so many at the same time.
async fn run(
    arguments: &Arguments,
    server: &Server,
    at: SocketAddr,
    at_once: usize,
    waiting: Arc<Vec<Waiting>>,
) -> Result<Report, AnyError> {
    let tls = tls_client(&[match arguments.tls {
        Tls::Tls12 => &rustls::version::TLS12,
        Tls::Tls13 => &rustls::version::TLS13,
    }])?;
    let next = Arc::new(AtomicUsize::new(0));
    let (cpu, start) = (server.cpu_time()?, Instant::now());
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (tls, next, waiting) = (tls.clone(), next.clone(), waiting.clone());
            tokio::spawn(async move { come(at, &tls, &next, &waiting).await })
        })
        .collect();
    let (mut latencies, mut failed) = (Vec::new(), 0);
    for task in tasks {
        let (times, bad) = task.await?;
        latencies.extend(times);
        failed += bad;
    }
    let (wall, server_cpu) = (start.elapsed(), server.cpu_time()? - cpu);
    latencies.sort();
    Ok(Report { connections: at_once, done: latencies.len() - failed, failed, wall, server_cpu, latencies })
}

/// Phones that come one after the other; their times, and how many went away without a certificate.
async fn come(
    at: SocketAddr,
    tls: &Arc<rustls::ClientConfig>,
    next: &AtomicUsize,
    waiting: &[Waiting],
) -> (Vec<Duration>, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    while let Some(phone) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
        let start = Instant::now();
        let installed =
            async { Phone::connect(at, None, tls).await?.install(&phone.name, STRING, &phone.key).await };
        if let Err(error) = installed.await {
            failed += 1;
            eprintln!("{}: {error}", phone.name);
        }
        times.push(start.elapsed());
    }
    (times, failed)
}

/// The signatures of one installation.
fn limit(front: Front) -> Result<Limit, AnyError> {
    let message = [7u8; 700];
    match front {
        Front::Rsa => Limit::measure(|| {
            let (signer, random) = (RsaKeyPair::generate(KeySize::Rsa2048)?, SystemRandom::new());
            let mut signature = vec![0; signer.public_modulus_len()];
            Ok(move || {
                signer.sign(&RSA_PSS_SHA256, &random, &message, &mut signature)?;
                Ok(signer.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?)
            })
        }),
        Front::P384 => Limit::measure(|| {
            let signer = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?;
            let random = SystemRandom::new();
            Ok(move || {
                signer.sign(&random, &message)?;
                Ok(signer.sign(&random, &message).map(drop)?)
            })
        }),
    }
}
