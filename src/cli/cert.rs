//! `signet cert`: certificates.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::x509::crl::Reason;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Issue a certificate for a PKCS#10 request; leaf and chain go to standard output as PEM
    #[command(after_help = "Example:\n  signet cert issue --profile tls-server --csr www.csr > www.pem")]
    Issue(Issue),
    /// Search certificates; without filters: all, newest last
    #[command(after_help = "Examples:\n  signet cert list --search sep0011 --status good\n  \
        signet cert list --expires-before 2027-01-01T00:00:00Z --output json")]
    List(Box<List>),
    /// Show one certificate
    #[command(after_help = "Example:\n  signet cert show 3F0A…  # as openssl x509 -serial prints it")]
    Show {
        /// Serial number, hexadecimal
        serial: String,
    },
    /// Write one certificate to standard output or a file
    #[command(after_help = "Example:\n  signet cert download 3F0A… --format p7b --out www.p7b")]
    Download(Download),
    /// Revoke a certificate; its CA's CRL is new within a second
    #[command(after_help = "Example:\n  signet cert revoke 3F0A… --reason key-compromise")]
    Revoke {
        /// Serial number, hexadecimal
        serial: String,
        /// Why (RFC 5280 §5.3.1)
        #[arg(long, value_parser = reason, value_name = "REASON", default_value = "unspecified",
            help = format!("Why: {}", reasons()))]
        reason: Reason,
    },
}

#[derive(Debug, clap::Args)]
struct Issue {
    /// The profile to issue by
    #[arg(long)]
    profile: String,
    /// The request: PEM, DER or base64; - reads standard input
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,
    /// Not valid longer than this, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Words of subject and alternative names that begin so
    #[arg(long, value_name = "WORD")]
    search: Option<String>,
    /// Only this serial number
    #[arg(long)]
    serial: Option<String>,
    /// Only this SHA-256 fingerprint
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Only of this device
    #[arg(long)]
    device: Option<String>,
    /// Only of this profile
    #[arg(long)]
    profile: Option<String>,
    /// Only with this status
    #[arg(long)]
    status: Option<Status>,
    /// Only those that expire at or after this time
    #[arg(long, value_name = "TIME")]
    expires_after: Option<String>,
    /// Only those that expire before this time
    #[arg(long, value_name = "TIME")]
    expires_before: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Good,
    Revoked,
    Expired,
}

#[derive(Debug, clap::Args)]
struct Download {
    /// Serial number, hexadecimal
    serial: String,
    /// In which form
    #[arg(long, default_value = "pem")]
    format: Format,
    /// Where to; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The certificate, PEM
    Pem,
    /// The certificate, DER
    Der,
    /// Certificate and chain, PKCS#7
    P7b,
    /// Certificate and chain, PEM
    Chain,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Issue(issue) => issue_one(issue, context).await,
        Verb::List(list) => {
            page::print(context, ("/certificates", filters(&list)), &list.paging, COLUMNS).await
        }
        Verb::Show { serial } => {
            let found =
                client::connect(context)?.get(&format!("/certificates/{serial}"), &[]).await?.json()?;
            show::object(context, &found)?;
            Ok(ExitCode::Done)
        }
        Verb::Download(download) => fetch(download, context).await,
        Verb::Revoke { serial, reason } => revoke(&serial, reason, context).await,
    }
}

const COLUMNS: &[show::Column] = &[
    ("SERIAL", "serial"),
    ("SUBJECT", "subject"),
    ("PROFILE", "profile"),
    ("STATUS", "status"),
    ("EXPIRES", "not_after"),
];

async fn issue_one(issue: Issue, context: &Context) -> Result<ExitCode> {
    let mut body = json!({"profile": issue.profile, "csr": input::csr(&issue.csr)?});
    if let Some(not_after) = issue.not_after {
        body["not_after"] = Value::String(not_after);
    }
    let answer = client::connect(context)?.post("/certificates", &body).await?;
    let made = answer.json()?;
    if context.is_json() {
        show::json(&made)?;
    } else if answer.status == 202 {
        let request = made["request"].as_str().unwrap_or_default();
        eprintln!("waiting for an operator: signet request approve {request}");
    } else {
        print!("{}", made["pem"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::Done)
}

fn filters(list: &List) -> Vec<(&'static str, String)> {
    let status = list.status.map(|s| format!("{s:?}").to_lowercase());
    page::given(vec![
        ("q", list.search.clone()),
        ("serial", list.serial.clone()),
        ("fingerprint", list.fingerprint.clone()),
        ("device", list.device.clone()),
        ("profile", list.profile.clone()),
        ("status", status),
        ("expires_after", list.expires_after.clone()),
        ("expires_before", list.expires_before.clone()),
    ])
}

async fn fetch(download: Download, context: &Context) -> Result<ExitCode> {
    let format = format!("{:?}", download.format).to_lowercase();
    let path = format!("/certificates/{}/download", download.serial);
    let answer = client::connect(context)?.get(&path, &[("format", format)]).await?;
    input::write(download.out.as_deref(), &answer.body)?;
    Ok(ExitCode::Done)
}

async fn revoke(serial: &str, reason: Reason, context: &Context) -> Result<ExitCode> {
    let path = format!("/certificates/{serial}/revoke");
    let revoked = client::connect(context)?.post(&path, &json!({"reason": reason.as_str()})).await?.json()?;
    if context.is_json() {
        show::json(&revoked)?;
    } else {
        println!("revoked {} ({})", revoked["serial"].as_str().unwrap_or(serial), reason.as_str());
    }
    Ok(ExitCode::Done)
}

fn reason(text: &str) -> Result<Reason> {
    text.parse()
}

fn reasons() -> String {
    Reason::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
}
