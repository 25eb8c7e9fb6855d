//! `signet version`: the version, of the server too if one is named.

use serde_json::{Value, json};

use crate::cli::{Context, ExitCode, client, show};
use crate::error::{Kind, Result};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet version --data /var/lib/signet")]
pub struct Args {}

/// Runs the verb.
pub async fn run(_args: Args, context: &Context) -> Result<ExitCode> {
    let mut versions = json!({"client": env!("CARGO_PKG_VERSION")});
    if context.global.server.is_some() || context.global.data.is_some() {
        versions["server"] = match server(context).await {
            // A data folder stands in the environment also where nobody asks for its server.
            Err(e) if e.kind() == Kind::Unreachable && context.global.server.is_none() => {
                eprintln!("signet: the server was not reached: {}", e.detail());
                Value::Null
            }
            found => found?,
        };
    }
    show::object(context, &versions)?;
    Ok(ExitCode::Done)
}

async fn server(context: &Context) -> Result<Value> {
    let answer = client::connect(context)?.get("/version", &[]).await?.json()?;
    Ok(answer["version"].as_str().map_or(Value::Null, Value::from))
}
