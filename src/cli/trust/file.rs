//! `signet trust list`: CTL and ITL files, read on this machine; only taking one over asks the server.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::trust::warn;
use crate::cli::{Context, ExitCode, Output, client, input, show};
use crate::error::Result;
use crate::id::ClusterId;
use crate::trust::list::{Entry, List};
use crate::trust::tlv::serial;
use crate::trust::warning::hex;

/// The largest file that the server takes.
const LARGEST: u64 = 1024 * 1024;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet trust list verify ITLFile.tlv")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what a file says; whether it is to be believed, verify tells
    #[command(after_help = "Examples:\n  signet trust list parse CTLFile.tlv\n  \
        signet trust list parse ITLFile.tlv --output json")]
    Parse {
        /// The file, as phones fetch it; - for standard input
        file: PathBuf,
    },
    /// Check a file's signature by the certificate in it that signed
    #[command(after_help = "Example:\n  signet trust list verify ITLFile.tlv")]
    Verify {
        /// The file; - for standard input
        file: PathBuf,
    },
    /// Take a list of a running cluster over: its certificates become anchors
    #[command(after_help = "Example:\n  signet trust list import ITLFile.tlv --cluster hq\n\n\
        The file becomes the cluster's current list, for it is what phones hold; its\n\
        signer stays sast, so that phones go on trusting him.")]
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// The cluster that it becomes a list of
        #[arg(long)]
        cluster: ClusterId,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Parse { file } => parse(&file, context)?,
        Verb::Verify { file } => verify(&file, context)?,
        Verb::Import { file, cluster } => import(&file, &cluster, context).await?,
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("ROLE", "role"),
    ("SUBJECT", "subject"),
    ("ISSUER", "issuer"),
    ("SERIAL", "serial"),
    ("EXPIRES", "not_after"),
    ("HOST", "dns_name"),
    ("ADDRESS", "address"),
];

fn parse(file: &Path, context: &Context) -> Result<()> {
    let list = List::parse(&input::bytes(file)?)?;
    let entries: Vec<Value> = list.entries().iter().map(entry).collect();
    let mut told = heading(&list);
    if context.global.output == Output::Text {
        show::object(context, &told)?;
        print!("\n{}", show::table(&entries, COLUMNS));
        return Ok(());
    }
    told["items"] = entries.into();
    told["next"] = Value::Null;
    show::list(context, &told, COLUMNS, "--cursor")
}

fn heading(list: &List) -> Value {
    json!({
        "file_name": list.file_name().as_str(),
        "list": list.kind().map(|kind| kind.as_str()),
        "made": list.timestamp().to_string(),
        "digest": list.digest().to_string(),
        "signer": list.signer().name(),
        "signer_issuer": list.signer().issuer(),
        "signer_serial": serial::text(list.signer().serial()),
        "signer_version": list.signer_version().map(|version| version.to_string()),
        "signature": if list.verify().is_ok() { "holds" } else { "does not hold" },
        "entries": list.entries().len(),
        "bytes": list.bytes().len(),
        "sha256": hex(&list.fingerprint()),
        "doubts": list.doubts().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn entry(entry: &Entry) -> Value {
    let certificate = entry.certificate();
    json!({
        "role": entry.role().to_string(),
        "subject": entry.subject(),
        "issuer": entry.issuer(),
        "serial": serial::text(entry.serial()),
        "not_after": certificate.map(|certificate| certificate.not_after().to_string()),
        "sha256": certificate.map(|certificate| hex(&certificate.fingerprint())),
        "dns_name": entry.dns_name(),
        "address": entry.address().map(|address| address.to_string()),
    })
}

fn verify(file: &Path, context: &Context) -> Result<()> {
    let list = List::parse(&input::bytes(file)?)?;
    let signer = list.verify()?;
    for doubt in list.doubts() {
        eprintln!("warning: {doubt}");
    }
    let said = format!("{}: signed by {} ({})", list.file_name(), signer.subject(), list.digest());
    let said = show::text(&said.into());
    let answer =
        json!({"file_name": list.file_name().as_str(), "signer": signer.subject(), "signature": "holds"});
    show::done(context, &answer, &said)
}

async fn import(file: &Path, cluster: &ClusterId, context: &Context) -> Result<()> {
    let bytes = input::bytes_within(file, LARGEST)?;
    // What cannot be read or verified need not be sent.
    List::parse(&bytes)?.verify()?;
    let body = json!({"file": STANDARD.encode(&*bytes)});
    let answer =
        client::connect(context)?.post(&format!("/clusters/{cluster}/import"), &body).await?.json()?;
    warn(&answer);
    let release = &answer["release"];
    let count = answer["anchors"].as_array().map_or(0, Vec::len);
    let sentence = format!(
        "{} release {} of {cluster}: {count} certificates are its anchors now",
        show::text(&release["list"]),
        show::text(&release["number"]),
    );
    show::done(context, &answer, &sentence)
}
