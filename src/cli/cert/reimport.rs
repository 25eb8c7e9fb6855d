//! `signet cert reimport`: a certificate that was issued after the backup which was restored.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::id::ProfileId;
use crate::x509::pem;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  openssl req -new -key www.key -subj /CN=www -out proof.csr\n  \
    signet cert reimport www.pem --csr proof.csr --profile tls-server\n\n\
    The request is the proof that the holder of the certificate's key asks; its\n\
    names do not matter. A certificate that a CRL lists comes in as revoked.")]
pub struct Args {
    /// The certificate: PEM or DER
    file: PathBuf,
    /// A PKCS#10 request signed by the certificate's key
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,
    /// As one of which profile it counts; without it nothing renews it
    #[arg(long)]
    profile: Option<ProfileId>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let found = input::bytes(&args.file)?;
    let certificate = match std::str::from_utf8(&found) {
        Ok(text) => text.to_owned(),
        Err(_) => pem::encode("CERTIFICATE", &found),
    };
    let profile = args.profile.as_ref().map(ProfileId::as_str);
    let body = json!({"certificate": certificate, "csr": input::csr(&args.csr)?, "profile": profile});
    let answer = client::connect(context)?.post("/certificates/reimport", &body).await?;
    let record = answer.json()?;
    let was = if answer.status == 201 { "brought in" } else { "here already:" };
    let told = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    show::done(context, &record, &format!("{was} {} ({})", told("serial"), told("status")))?;
    Ok(ExitCode::Done)
}
