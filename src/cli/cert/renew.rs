//! `signet cert renew`: as an operator by serial number, or by the certificate itself, which needs no token.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{Context, ExitCode, client, input};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::keys::Signer;
use crate::keys::software::ForeignKey;
use crate::outbound::{Answer, Identity};
use crate::server::csr;
use crate::x509::cert::Certificate;
use crate::x509::key::KeyAlgorithm;
use crate::x509::pem;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serial number of the old one, hexadecimal, as an operator
    #[arg(required_unless_present = "cert", conflicts_with = "cert")]
    serial: Option<Serial>,
    /// The request: PEM, DER or base64; - reads standard input
    #[arg(long, value_name = "FILE", required_unless_present = "cert")]
    csr: Option<PathBuf>,
    /// The old certificate (PEM), which speaks for itself: no token is needed
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The old certificate's private key (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Make a new key of the same type for the new certificate and write it here
    #[arg(long, value_name = "FILE", requires = "cert", conflicts_with = "csr")]
    new_key: Option<PathBuf>,
    /// Not valid longer than this, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    not_after: Option<Timestamp>,
}

/// Renews; `issued` prints what came back.
pub async fn run(
    args: Args,
    context: &Context,
    issued: impl Fn(&Answer, &Context) -> Result<ExitCode>,
) -> Result<ExitCode> {
    let answer = match (&args.serial, &args.cert, &args.key) {
        (Some(serial), None, None) => by_operator(&args, serial, context).await?,
        (None, Some(cert), Some(key)) => by_itself(&args, cert, key, context).await?,
        _ => return Err(crate::cli::usage("name a serial number and --csr, or --cert and --key")),
    };
    issued(&answer, context)
}

async fn by_operator(args: &Args, serial: &Serial, context: &Context) -> Result<Answer> {
    let csr = args.csr.as_deref().ok_or_else(|| crate::cli::usage("--csr FILE is needed"))?;
    let body = json!({"csr": input::csr(csr)?, "not_after": args.not_after.map(|at| at.to_string())});
    client::connect(context)?.post(&format!("/certificates/{serial}/renew"), &body).await
}

async fn by_itself(args: &Args, cert: &Path, key: &Path, context: &Context) -> Result<Answer> {
    let chain = input::text(cert)?;
    let old = first(&chain)?;
    let own = ForeignKey::from_pem(&input::text(key)?, None)?;
    let identity = Identity::new(&chain, own.pkcs8())?;
    let csr = match (&args.csr, &args.new_key) {
        (Some(csr), _) => input::csr(csr)?,
        (None, Some(file)) => request(&old, &*new_key(&old, file, context)?)?,
        (None, None) => request(&old, &*own.signer(&context.random)?)?,
    };
    let body = json!({"csr": csr, "not_after": args.not_after.map(|at| at.to_string())});
    client::connect_as(context, identity)?.post("/renew", &body).await
}

/// The certificate itself, where its chain may follow.
fn first(chain: &str) -> Result<Certificate> {
    let blocks = pem::decode_all(chain.as_bytes(), 10)?;
    let leaf = blocks.iter().find(|(label, _)| label == "CERTIFICATE");
    let (_, der) =
        leaf.ok_or_else(|| Error::malformed("bad-certificate", "--cert holds no certificate (PEM)"))?;
    Certificate::from_der(der)
}

/// A request for the subject and names of the old certificate.
fn request(old: &Certificate, signer: &dyn Signer) -> Result<String> {
    let csr = csr::request(signer, old.subject(), &old.sans()?)?;
    Ok(pem::encode("CERTIFICATE REQUEST", csr.der()))
}

/// A new key of the old one's type. It is on the disk before it is certified; a file that is there is not touched.
fn new_key(old: &Certificate, file: &Path, context: &Context) -> Result<std::sync::Arc<dyn Signer>> {
    let algorithm = old.public_key().ok().and_then(|key| key.algorithm()).unwrap_or(KeyAlgorithm::Rsa2048);
    let key = ForeignKey::generate(algorithm)?;
    let text = Zeroizing::new(pem::encode("PRIVATE KEY", key.pkcs8()));
    let unwritable = |e: std::io::Error| {
        let text = format!("cannot make {}: name a file that is not there yet", file.display());
        Error::invalid("unwritable-file", text).because(e)
    };
    let mut out =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(unwritable)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(unwritable)?;
    key.signer(&context.random)
}
