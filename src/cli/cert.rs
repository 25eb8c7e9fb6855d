//! `signet cert`: certificates.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::ca::records::serials::Reference;
use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ProfileId, Serial};
use crate::outbound::Answer;

mod bulk;
mod due;
mod reimport;
mod renew;
pub mod revoke;
mod source;

pub(super) use bulk::{TRIES, is_passing};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet cert issue --profile tls-server --csr www.csr > www.pem")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Issue a certificate for a PKCS#10 request; leaf and chain go to standard output as PEM
    #[command(after_help = "Example:\n  signet cert issue --profile tls-server --csr www.csr > www.pem\n\n\
        Where the profile asks for an operator, nothing is issued yet: standard error\n\
        names the request and how to fetch the certificate later; the exit code is 1.\n\
        With --output json it is 0, and the document has \"request\", not \"pem\".")]
    Issue(Issue),
    /// Renew a certificate: same profile, subject and names, the key of a new PKCS#10 request
    #[command(after_help = "Examples:\n  signet cert renew 3F0A… --csr www.csr > www.pem\n  \
        signet cert renew --cert gw1.pem --key gw1.key --new-key gw1-new.key \\\n      \
        --server https://pki.example.org:8443 --ca tls-ca.pem > gw1-new.pem\n\n\
        With --cert and --key the old certificate speaks for itself; it must be one for\n\
        TLS clients. Without --new-key or --csr the new certificate is for the same\n\
        key, where the profile allows that. The old certificate stays valid: revoke it\n\
        when the new one is in place, unless the profile does\n\
        (revoke_superseded_after).")]
    Renew(Box<renew::Args>),
    /// List what is to be renewed: due, late, or vanished (expired and not renewed)
    #[command(after_help = "Examples:\n  signet cert due --profile scep-device\n  \
        signet cert due --late --output csv > late.csv\n  signet cert due --count")]
    Due(due::Args),
    /// Issue certificates for a folder of PKCS#10 requests, or for the rows of a CSV file
    #[command(
        after_help = "Examples:\n  signet cert bulk --profile tls-server --from requests/ --out certs/\n  \
        signet cert bulk --from phones.csv --out certs/ --output csv > report.csv\n\n\
        A folder: each file that ends in .csr, .pem, .req, .p10 or .der is a request.\n\
        A CSV file: a row each, with the columns csr (a file, from the CSV's folder)\n\
        and, if wanted, name, profile and not_after.\n\
        The certificate and its chain go to OUT/NAME.pem; where that file is there\n\
        already, the request is passed over: a run that broke off goes on when it is\n\
        repeated."
    )]
    Bulk(bulk::Args),
    /// Bring in a certificate of ours again that was issued after the backup which was restored
    Reimport(reimport::Args),
    /// Search certificates; without filters: all, newest first; with a time: those that expire first come first
    #[command(after_help = "Examples:\n  signet cert list --search sep0011 --status good\n  \
        signet cert list --expires-within 30d --output csv > due.csv")]
    List(Box<List>),
    /// Show one certificate
    #[command(after_help = "Example:\n  signet cert show 3F0A…  # as openssl x509 -serial prints it")]
    Show {
        /// Serial number, hexadecimal (CA.SERIAL if several CAs gave it)
        serial: Reference,
    },
    /// Write one certificate to standard output or a file
    #[command(after_help = "Example:\n  signet cert download 3F0A… --format p7b --out www.p7b")]
    Download(Download),
    /// Revoke certificates, one or many; their CA's CRL is new within a second
    #[command(after_help = revoke::EXAMPLES)]
    Revoke(Box<revoke::Args>),
    /// Release a certificate from hold: it is good again
    #[command(after_help = "Example:\n  signet cert release 3F0A…")]
    Release {
        /// Serial number, hexadecimal (CA.SERIAL if several CAs gave it)
        serial: Reference,
    },
}

#[derive(Debug, clap::Args)]
struct Issue {
    /// The profile to issue by
    #[arg(long)]
    profile: ProfileId,
    /// The request: PEM, DER or base64; - reads standard input
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,
    /// Not valid longer than this, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    not_after: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Words of subject and alternative names that begin so
    #[arg(long, value_name = "WORD")]
    search: Option<String>,
    /// Only this serial number
    #[arg(long)]
    serial: Option<Serial>,
    /// Only this SHA-256 fingerprint
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Only of this device
    #[arg(long)]
    device: Option<String>,
    /// Only of this profile
    #[arg(long)]
    profile: Option<ProfileId>,
    /// Only with this status
    #[arg(long)]
    status: Option<Status>,
    /// Only those that expire at or after this time, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    expires_after: Option<Timestamp>,
    /// Only good ones that expire within this time, as 30d
    #[arg(long, value_name = "TIME", value_parser = input::duration,
        conflicts_with_all = ["expires_after", "expires_before"])]
    expires_within: Option<String>,
    /// Only those that expire before this time, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    expires_before: Option<Timestamp>,
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
    /// Serial number, hexadecimal (CA.SERIAL if several CAs gave it)
    serial: Reference,
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
        Verb::Renew(args) => renew::run(*args, context, issued).await,
        Verb::Due(args) => due::run(args, context).await,
        Verb::Bulk(args) => bulk::run(args, context).await,
        Verb::Reimport(args) => reimport::run(args, context).await,
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
        Verb::Revoke(args) => revoke::run(*args, context).await,
        Verb::Release { serial } => revoke::release(&serial, context).await,
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
    let not_after = issue.not_after.map(|at| at.to_string());
    let body =
        json!({"profile": issue.profile.as_str(), "csr": input::csr(&issue.csr)?, "not_after": not_after});
    issued(&client::connect(context)?.post("/certificates", &body).await?, context)
}

/// Leaf and chain on standard output, or what it waits for.
fn issued(answer: &Answer, context: &Context) -> Result<ExitCode> {
    let made = answer.json()?;
    if context.is_json() {
        show::json(&made)?;
    } else if answer.status == 202 {
        // Not a success: what standard output was redirected to holds no certificate.
        eprintln!("{}", waiting(made["request"].as_str().unwrap_or_default()));
        return Ok(ExitCode::Failed);
    } else {
        print!("{}", made["pem"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::Done)
}

fn waiting(request: &str) -> String {
    format!(
        "signet: waiting for an operator (request {request}): nothing is issued until one says\n  \
         signet request approve {request}\n\
         Then its serial number is in\n  signet request show {request}\n\
         and the certificate with its chain in\n  signet cert download SERIAL --format chain"
    )
}

fn filters(list: &List) -> Vec<(&'static str, String)> {
    let status = list.status.map(|s| format!("{s:?}").to_lowercase());
    page::given(vec![
        ("q", list.search.clone()),
        ("serial", list.serial.as_ref().map(ToString::to_string)),
        ("fingerprint", list.fingerprint.clone()),
        ("device", list.device.clone()),
        ("profile", list.profile.as_ref().map(ToString::to_string)),
        ("status", status),
        ("expires_after", list.expires_after.map(|at| at.to_string())),
        ("expires_before", list.expires_before.map(|at| at.to_string())),
        ("expires_within", list.expires_within.clone()),
    ])
}

async fn fetch(download: Download, context: &Context) -> Result<ExitCode> {
    let format = format!("{:?}", download.format).to_lowercase();
    let path = format!("/certificates/{}/download", download.serial);
    let answer = client::connect(context)?.get(&path, &[("format", format.clone())]).await?;
    let mut document = json!({"serial": download.serial.to_string(), "format": format});
    if let Some(out) = &download.out {
        input::write(Some(out), &answer.body)?;
        document["file"] = out.display().to_string().into();
        show::done(context, &document, &format!("wrote {}", out.display()))?;
    } else if context.is_json() {
        match download.format {
            Format::Pem | Format::Chain => document["pem"] = answer.text().into(),
            Format::Der | Format::P7b => document["base64"] = STANDARD.encode(&answer.body).into(),
        }
        show::json(&document)?;
    } else {
        input::write(None, &answer.body)?;
    }
    Ok(ExitCode::Done)
}
