//! Load driver: OCSP answers over keep-alive HTTP, from memory and freshly signed, P-256 responder.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_ocsp
//! ```
//! Issues certificates, asks once after each of them (every answer is signed then), and then again and again (every
//! answer comes from memory). Prints answers per second of the server's own CPU time, and in the same run the
//! cryptographic limit of a fresh answer: one P-256 signature. An answer from memory has none.

mod support;

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use sha1::{Digest, Sha1};
use signet::x509::cert::Certificate;
use signet::x509::ocsp::key_hash;
use signet::x509::tlv;
use support::connection::{Target, ask_all, run};
use support::limit::Limit;
use support::server::Server;
use support::{AnyError, Report};

/// How many connections issue what is asked after.
const ISSUING: usize = 32;

#[derive(Parser)]
#[command(about = "Measures OCSP answers")]
struct Arguments {
    /// How many certificates are asked after.
    #[arg(long, default_value_t = 8_000)]
    certificates: usize,
    /// Answers from memory for each number of connections.
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// How many connections at once; repeat for several.
    #[arg(long, default_values_t = [1, 32, 128])]
    connections: Vec<usize>,
    /// Ask by GET, as caches like it, instead of by POST.
    #[arg(long)]
    get: bool,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let keys = ["--rsa-root", "rsa-2048", "--ec-root", "p-256", "--ec-issuing", "p-256"];
    let data = folder.path().join("data");
    drop(Server::start(&data, &keys)?);
    // All of them are asked for from one address, which has a share only.
    let mut settings = std::fs::OpenOptions::new().append(true).open(data.join("signet.toml"))?;
    std::io::Write::write_all(&mut settings, b"ocsp-signatures-per-address = 0\n")?;
    let server = Server::start(&data, &[])?;
    let target = Target::Plain(server.http.clone());
    let issuer = issuer(&target, &server.http).await?;
    let limit = Limit::measure(signing)?;
    println!("limit of a fresh answer (one P-256 signature, in process): {limit}");
    for &connections in &arguments.connections {
        eprintln!("issuing {} certificates …", arguments.certificates);
        let serials = issue(&server, arguments.certificates).await?;
        let asked: Vec<_> =
            serials.iter().map(|serial| ask(&issuer, serial, &server.http, arguments.get)).collect();
        let again = asked.iter().cycle().take(arguments.requests).cloned().collect();
        println!("{:<12} {}", "answers", Report::head());
        for (name, requests) in [("fresh", asked), ("from memory", again)] {
            let report = run(&server, &target, connections, Arc::new(requests), is_signed).await?;
            println!("{name:<12} {}", report.row(limit.together));
        }
    }
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

/// An OCSPResponse that is successful (RFC 6960 §4.2.1).
fn is_signed(status: u16, body: &[u8]) -> bool {
    status == 200 && body.get(4..7) == Some(&[tlv::ENUMERATED, 1, 0])
}

/// SHA-1 of the issuer's name and of its key.
async fn issuer(target: &Target, host: &str) -> Result<[[u8; 20]; 2], AnyError> {
    let request = format!("GET /ca/ec-issuing.crt HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let der = ask_all(target, &[request], 200).await?.remove(0);
    let ca = Certificate::from_der(&der)?;
    Ok([Sha1::digest(ca.subject().der()).into(), key_hash(&ca.public_key()?)])
}

/// Issues certificates for one key; their serial numbers, big-endian.
async fn issue(server: &Server, count: usize) -> Result<Vec<Vec<u8>>, AnyError> {
    let target = Target::Tls(server.https.clone(), server.tls_client()?);
    let (host, token) = (&server.https, server.token()?);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = rcgen::CertificateParams::new(vec!["host.example.com".to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "host.example.com");
    let csr = params.serialize_request(&key)?.pem()?;
    let body = serde_json::json!({"profile": "tls-server", "csr": csr}).to_string();
    let request = format!(
        "POST /api/v1/certificates HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes();
    let mut tasks = Vec::new();
    for n in 0..ISSUING {
        let share = vec![request.clone(); count / ISSUING + usize::from(n < count % ISSUING)];
        let target = target.clone();
        tasks.push(tokio::spawn(async move { ask_all(&target, &share, 201).await }));
    }
    let mut serials = Vec::with_capacity(count);
    for task in tasks {
        for answer in task.await?? {
            let issued: serde_json::Value = serde_json::from_slice(&answer)?;
            serials.push(from_hex(issued["serial"].as_str().ok_or("no serial")?)?);
        }
    }
    Ok(serials)
}

fn from_hex(text: &str) -> Result<Vec<u8>, AnyError> {
    let digits = (0..text.len() / 2).map(|n| &text[2 * n..2 * n + 2]);
    Ok(digits.map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>()?)
}

/// A request after one certificate, without a nonce.
fn ask(issuer: &[[u8; 20]; 2], serial: &[u8], host: &str, by_get: bool) -> Vec<u8> {
    let sequence = |parts: &[&[u8]]| tlv::join(tlv::SEQUENCE, parts);
    let sha1 = tlv::object_identifier(&const_oid::ObjectIdentifier::new_unwrap("1.3.14.3.2.26"));
    let digest = sequence(&[&sha1, &[tlv::NULL, 0]]);
    let [name, key] = issuer.map(|hash| tlv::tlv(tlv::OCTET_STRING, &hash));
    let id = sequence(&[&digest, &name, &key, &tlv::tlv(tlv::INTEGER, serial)]);
    let der = sequence(&[&sequence(&[&sequence(&[&sequence(&[&id])])])]);
    if by_get {
        let path = STANDARD.encode(&der).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        return format!("GET /ocsp/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    }
    let head = format!(
        "POST /ocsp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
        der.len()
    );
    [head.as_bytes(), &der].concat()
}

fn signing() -> Result<impl FnMut() -> Result<(), AnyError>, AnyError> {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref())?;
    Ok(move || {
        key.sign(&random, &[7u8; 300])?;
        Ok(())
    })
}
