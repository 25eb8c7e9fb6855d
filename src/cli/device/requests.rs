//! `signet device requests`: requests of devices that a CA elsewhere, offline, is to sign: out in bulk, and certificates in.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, show};
use crate::error::Result;

mod export;
mod import;
mod tar;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet device requests export requests/")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what waits for the CA elsewhere
    #[command(after_help = "Example:\n  signet device requests list --output csv")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Write every request that waits into a folder or one file: for OpenSSL a file each, for others CRMF and CSV
    #[command(after_help = "Examples:\n  signet device requests export requests/\n  \
        signet device requests export requests.tar\n  \
        signet device requests export - | gpg --encrypt -r ca > requests.tar.gpg\n\n\
        Of each device: NAME.pub.pem (its key), NAME.subject and NAME.cnf (for\n\
        openssl x509 -new -force_pubkey); of all: requests.crmf and requests.csv.")]
    Export {
        /// A folder that is new, or empty; a file *.tar with the same in it; - for that on standard output
        target: PathBuf,
    },
    /// Bring in certificates that the CA elsewhere signed; each is held against its request
    #[command(after_help = "Examples:\n  signet device requests import certificates/\n  \
        signet device requests import signed.p7b\n  \
        cat *.pem | signet device requests import -\n\n\
        Certificates of CAs, as a bundle has them, are passed over. Exit code 1 if any\n\
        was refused; the others are taken. At most 10,000 in a file of 16 MiB.")]
    Import {
        /// Files of PEM (many in each), DER or PKCS#7; folders of files *.pem, *.crt, *.cer, *.der, *.p7b, *.p7c; -
        #[arg(required = true)]
        from: Vec<PathBuf>,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { paging } => {
            page::print(context, ("/offline-requests", Vec::new()), &paging, COLUMNS).await
        }
        Verb::Export { target } => export::run(&target, context).await,
        Verb::Import { from } => import::run(&from, context).await,
    }
}

const COLUMNS: &[show::Column] = &[
    ("DEVICE", "device"),
    ("SUBJECT", "subject"),
    ("KEY", "key"),
    ("PROFILE", "profile"),
    ("ASKED", "asked_at"),
];
