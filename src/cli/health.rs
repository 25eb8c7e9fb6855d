//! `signet health`: what an operator should look at.

use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet health --data ./signet")]
pub struct Args {}

const COLUMNS: &[show::Column] = &[("CHECK", "name"), ("STATUS", "status"), ("DETAIL", "detail")];

/// Shows the checks. Exit 1 if one of them is degraded.
pub async fn run(_: Args, context: &Context) -> Result<ExitCode> {
    let health = client::connect(context)?.get("/health", &[]).await?.json()?;
    if context.is_json() {
        show::json(&health)?;
    } else {
        let checks = health["checks"].as_array().cloned().unwrap_or_default();
        print!("{}", show::table(&checks, COLUMNS));
    }
    Ok(if health["status"] == "ok" { ExitCode::Done } else { ExitCode::Failed })
}
