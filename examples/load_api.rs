//! Load driver: certificates issued through the API, P-256 leaves from a P-256 issuer.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_api -- --requests 20000
//! ```
//! Prints, for 1, 8, 32 and 128 keep-alive HTTPS connections, answers per second of the server's own CPU
//! time, and in the same run the cryptographic limit: one P-256 verification (the request's proof of
//! possession) and one P-256 signature (the certificate) per certificate, and nothing else.

mod support;

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use clap::Parser;
use support::connection::{Target, run};
use support::limit::Limit;
use support::server::Server;
use support::{AnyError, Report};

#[derive(Parser)]
#[command(about = "Measures certificates issued through the API")]
struct Arguments {
    /// Certificates for each number of connections.
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// How many connections at once; repeat for several.
    #[arg(long, default_values_t = [1, 8, 32, 128])]
    connections: Vec<usize>,
    /// Which store.
    #[arg(long, default_value = "redb")]
    store: String,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let keys = ["--rsa-root", "rsa-2048", "--ec-root", "p-256", "--ec-issuing", "p-256"];
    let server =
        Server::start(&folder.path().join("data"), &[&keys[..], &["--store", &arguments.store]].concat())?;
    let target = Target::Tls(server.https.clone(), server.tls_client()?);
    let token = server.token()?;

    let limit = limit()?;
    println!("limit (P-256 verify + P-256 sign, in process): {limit}");
    println!("{}", Report::head());
    let mut issued = 0;
    for &connections in &arguments.connections {
        let requests = Arc::new(prepare(issued, arguments.requests, &server.https, &token)?);
        let report = run(&server, &target, connections, requests, |status, _| status == 201).await?;
        issued += arguments.requests;
        println!("{}", report.row(limit.together));
    }
    println!("{issued} certificates stored, {} MiB resident", server.resident_mib()?);
    Ok(())
}

/// Complete HTTP requests, each with a key and a name of its own.
fn prepare(from: usize, count: usize, host: &str, token: &str) -> Result<Vec<Vec<u8>>, AnyError> {
    (from..from + count)
        .map(|n| {
            let name = format!("host-{n}.example.com");
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            let mut params = rcgen::CertificateParams::new(vec![name.clone()])?;
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            let csr = params.serialize_request(&key)?.pem()?;
            let body = serde_json::json!({"profile": "tls-server", "csr": csr}).to_string();
            Ok(format!(
                "POST /api/v1/certificates HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes())
        })
        .collect()
}

/// The operations of one issue.
fn limit() -> Result<Limit, AnyError> {
    Limit::measure(|| {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref())?;
        let public = key.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
        let message = [7u8; 600];
        Ok(move || {
            let signature = key.sign(&random, &message)?;
            Ok(public.verify(&message, signature.as_ref())?)
        })
    })
}
