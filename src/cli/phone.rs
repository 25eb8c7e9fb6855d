//! `signet phone`: simulated phones.

use clap::Subcommand;

use crate::cli::{Context, ExitCode};
use crate::error::Result;

mod keep;
mod manufacturer;
mod said;
mod simulate;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet phone simulate --count 25 --lists 127.0.0.1:6970 \\\n      \
    --capf 127.0.0.1:3804 --string 1234")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Boot simulated phones: lists, CAPF, TVS, signed configuration, alarms
    ///
    /// A phone accepts a list as a phone of the field does: the first on trust, later ones if their signer is
    /// known or TVS vouches for it. It proves itself to CAPF by all that it has: its string, its LSC, or its MIC.
    /// With --boots it boots again and keeps what it has; with --keep it keeps it between runs too.
    #[command(after_help = "Examples:\n  signet phone simulate --lists 127.0.0.1:6970 --boots 2\n  \
        signet phone simulate --count 10000 --capf 127.0.0.1:3804 --at-once 64\n  \
        signet phone simulate --capf 127.0.0.1:3804 --string 1234 --keep phones.json\n  \
        signet phone simulate --capf 127.0.0.1:3804 --manufacturer maker")]
    Simulate(Box<simulate::Args>),
    /// Make a manufacturer's CA that gives simulated phones their MICs
    ///
    /// Writes manufacturer.pem, the certificate, and manufacturer.key into a folder. Copy the certificate to
    /// policies/manufacturing-roots/ of a data folder that is for tests alone, and run signet profile reload: from
    /// then on whoever has the key makes phones that the server believes.
    #[command(after_help = "Example:\n  signet phone manufacturer maker\n  \
        signet phone simulate --capf 127.0.0.1:3804 --manufacturer maker")]
    Manufacturer(manufacturer::Args),
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Simulate(args) => simulate::run(*args, context).await,
        Verb::Manufacturer(args) => manufacturer::run(&args, context),
    }
}
