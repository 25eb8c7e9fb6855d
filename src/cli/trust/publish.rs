//! `signet trust publish`.

use serde_json::{Value, json};

use crate::cli::trust::warn;
use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;
use crate::id::ClusterId;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  signet trust publish hq --dry-run\n  signet trust publish hq\n\n\
    The same content is the same release: then nothing new is written.")]
pub struct Args {
    /// The cluster
    cluster: ClusterId,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let path = format!("/clusters/{}/releases", args.cluster);
    let body = json!({"dry_run": args.dry_run});
    let answer = client::connect(context)?.post(&path, &body).await?.json()?;
    if context.is_json() {
        show::json(&answer)?;
        return Ok(ExitCode::Done);
    }
    for list in answer["items"].as_array().into_iter().flatten() {
        warn(list);
        println!("{}", heading(list, args.dry_run));
        for change in list["changes"].as_array().into_iter().flatten() {
            println!("  {}", show::text(change));
        }
    }
    Ok(ExitCode::Done)
}

fn heading(list: &Value, dry_run: bool) -> String {
    let (name, number) = (show::text(&list["list"]), show::text(&list["number"]));
    let entries = show::text(&list["entries"]);
    match (list["is_new"] == true, dry_run) {
        (true, true) => format!("{name}: release {number} would be new, {entries} entries"),
        (true, false) => {
            format!(
                "{name}: release {number} published, {entries} entries, {} bytes",
                show::text(&list["release"]["bytes"])
            )
        }
        (false, _) => format!("{name}: release {number} stands, nothing changed"),
    }
}
