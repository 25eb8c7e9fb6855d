//! `signet trust`: the lists that phones live by.

use clap::Subcommand;
use serde_json::Value;

use crate::cli::{Context, ExitCode};
use crate::error::Result;

mod anchor;
mod cluster;
mod file;
mod publish;
mod recovery;
mod release;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  signet trust cluster create hq --with-tvs --with-tftp\n  \
    signet trust publish hq --dry-run\n  signet trust publish hq")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Clusters of call control: each has lists of its own
    Cluster(cluster::Args),
    /// The certificates that a cluster trusts, and for what
    Anchor(anchor::Args),
    /// Publish the lists of a cluster, or show what that would change
    Publish(publish::Args),
    /// Lists that are published, or were
    Release(release::Args),
    /// CTL and ITL files: parse, verify, take over
    List(file::Args),
    /// The recovery signer: by it phones follow when every other certificate changed
    Recovery(recovery::Args),
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Cluster(args) => cluster::run(args, context).await,
        Verb::Anchor(args) => anchor::run(args, context).await,
        Verb::Publish(args) => publish::run(args, context).await,
        Verb::Release(args) => release::run(args, context).await,
        Verb::List(args) => file::run(args, context).await,
        Verb::Recovery(args) => recovery::run(args, context).await,
    }
}

/// Says on standard error what an operator should know.
fn warn(answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        let detail: String = crate::cli::show::text(&warning["detail"]);
        eprintln!("warning: {detail}");
    }
}
