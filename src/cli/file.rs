//! `signet file`: configuration files of phones, signed, encrypted, verified and opened.

use clap::Subcommand;

use crate::cli::{Context, ExitCode};
use crate::error::Result;

mod batch;
mod changes;
mod read;
mod sign;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet file sign ./tftp --cluster hq --out ./signed")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Sign a file, or every file of a folder, by the cluster's key for that
    #[command(after_help = "Examples:\n  signet file sign ./tftp --cluster hq --out ./signed\n  \
        signet file sign ./tftp --cluster hq --out ./signed --encrypt\n  \
        signet file sign ./tftp --cluster hq --out ./signed --srst-certificate gw.pem\n  \
        signet file sign ./tftp --cluster hq --out ./signed --watch\n\n\
        With --encrypt each SEP….cnf.xml becomes SEP….cnf.xml.enc.sgn, which only the\n\
        device can open, and a plain .sgn beside it that says by which key.\n\
        --watch sees files that change; a server with --sign-from also sees when\n\
        another key signs, and when a device gets another certificate.")]
    Sign(sign::Args),
    /// Check who signed a file: by a trust list, as phones do, or by a certificate
    #[command(
        after_help = "Examples:\n  signet file verify SEP001122334455.cnf.xml.sgn --list ITLFile.tlv\n  \
        signet file verify dialplan.xml.sgn --certificate tftp.pem"
    )]
    Verify(read::Verify),
    /// Write the content of a signed file; an encrypted one needs the device's key
    #[command(after_help = "Examples:\n  signet file open ringlist.xml.sgn --out ringlist.xml\n  \
        signet file open SEP001122334455.cnf.xml.enc.sgn --key phone.key \\\n      \
        --out SEP001122334455.cnf.xml")]
    Open(read::Open),
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Sign(args) => sign::run(args, context).await,
        Verb::Verify(args) => read::verify(&args, context),
        Verb::Open(args) => read::open(&args, context),
    }
}
