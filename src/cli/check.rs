//! `signet check`: is everything consistent.

use serde_json::json;

use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet check --data /var/lib/signet && echo consistent\n\n\
    Asks the running server; reads the store itself if none runs on DIR.")]
pub struct Args {}

/// Runs the verb.
pub async fn run(_args: Args, context: &Context) -> Result<ExitCode> {
    let report = match client::look_if_running(context, "/check", &json!({})).await? {
        Some(report) => report,
        None => crate::server::offline::check(&context.data()?).await?,
    };
    show::report(context, &report, "ok")
}
