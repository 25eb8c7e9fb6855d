//! `signet trust recovery`.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::trust::recovery::Form;
use crate::x509::key::KeyAlgorithm;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet trust recovery export --out recovery.pem")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List recovery signers, the one in force first
    #[command(after_help = "Example:\n  signet trust recovery list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Make the next one and put it into every cluster, beside the one before
    #[command(after_help = "Example:\n  signet trust recovery create\n\n\
        The one before goes on signing. Publish, wait until the phones hold the list\n\
        with both, then let the next sign:\n  signet trust cluster set hq --signer recovery")]
    Create {
        /// Its key: rsa-2048 or rsa-4096; lists know no other
        #[arg(long, value_name = "KEY", default_value_t = KeyAlgorithm::Rsa2048)]
        key: KeyAlgorithm,
    },
    /// Write its key, encrypted under a passphrase, and its certificate, as for a safe
    #[command(after_help = "Examples:\n  signet trust recovery export --out recovery.pem \\\n      \
        --passphrase-file pass\n  signet trust recovery export --out recovery.p12 --format pkcs12")]
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// Which, by its number; without it: the one in force
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    generation: Option<u32>,
    /// The file to write (mode 0600); it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// pem (an encrypted key, then the certificate) or pkcs12
    #[arg(long, value_name = "FORMAT", default_value = "pem", value_parser = form)]
    format: Form,
    /// The first line is the passphrase, 12 characters or more; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { paging } => {
            return page::print(context, ("/recovery-signers", Vec::new()), &paging, COLUMNS).await;
        }
        Verb::Create { key } => {
            let body = json!({"algorithm": key.as_str()});
            let made = client::connect(context)?.post("/recovery-signers", &body).await?.json()?;
            show::object(context, &made)?;
        }
        Verb::Export(wanted) => export(wanted, context).await?,
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("NUMBER", "generation"),
    ("SUBJECT", "subject"),
    ("KEY", "key"),
    ("EXPIRES", "not_after"),
    ("EXPORTED", "exported"),
    ("SHA-256", "sha256"),
];

async fn export(wanted: Export, context: &Context) -> Result<()> {
    let unwritable =
        |e| Error::invalid("unwritable-file", format!("cannot make {}", wanted.out.display())).because(e);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&wanted.out).map_err(unwritable)?;
    let written = async {
        let passphrase =
            input::passphrase(wanted.passphrase_file.as_deref(), "Passphrase to encrypt it under: ")?;
        let which = wanted.generation.map_or_else(|| "current".to_owned(), |number| number.to_string());
        let body = json!({"passphrase": passphrase.as_str(), "format": wanted.format.as_str()});
        let path = format!("/recovery-signers/{which}/export");
        let answer = client::connect(context)?.post(&path, &body).await?.json()?;
        std::io::Write::write_all(&mut file, &leaving(&answer, wanted.format)?)
            .and_then(|()| file.sync_all())
            .map_err(unwritable)
    }
    .await;
    if written.is_err() {
        let _ = std::fs::remove_file(&wanted.out);
    }
    written?;
    let out = wanted.out.display();
    let answer = json!({"file": out.to_string()});
    show::done(
        context,
        &answer,
        &format!("exported to {out}: keep it apart from this machine, and its passphrase apart from it"),
    )
}

/// What the file is to hold.
fn leaving(answer: &Value, form: Form) -> Result<Zeroizing<Vec<u8>>> {
    let broken = || Error::malformed("bad-answer", "the server's answer cannot be read");
    let text = answer[form.as_str()].as_str().ok_or_else(broken)?;
    match form {
        Form::Pem => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        Form::Pkcs12 => STANDARD.decode(text).map(Zeroizing::new).map_err(|_| broken()),
    }
}

fn form(text: &str) -> Result<Form> {
    text.parse()
}
