//! `signet ca revoke`: a CA is revoked, after what that stops was told.

use std::path::PathBuf;

use serde_json::Value;

use super::exported;
use crate::cli::cert::revoke::How;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::id::CaId;
use crate::outbound::Api;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet ca revoke voice --reason ca-compromise --dry-run\n  \
    signet ca revoke voice --reason ca-compromise --parent-key rsa-root.key\n\n\
    Its certificate goes onto its parent's CRL at once, and from that moment\n\
    neither it nor a CA below it issues anything: every request is refused with\n\
    ca-revoked. Its own CRL and its OCSP answers go on. It cannot be undone. A\n\
    root is not revoked so: no CRL could say it.";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The CA
    id: CaId,
    #[command(flatten)]
    how: How,
    /// The parent's exported key, if it was removed from the server
    #[arg(long, value_name = "FILE")]
    parent_key: Option<PathBuf>,
    /// The first line is that key's passphrase; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Only say what it would stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let api = client::connect(context)?;
    if args.dry_run || !args.yes {
        let stops = preflight(&args, &api).await?;
        if args.dry_run {
            tell(&args.id, &stops, context)?;
            return Ok(ExitCode::Done);
        }
        eprintln!("{}", sentence(&args.id, &stops));
        if !input::confirm(&format!("Revoke the CA {}? It cannot be undone. [y/N] ", args.id))? {
            eprintln!("signet: nothing was revoked");
            return Ok(ExitCode::Failed);
        }
    }
    let mut body = args.how.body();
    if let Some((pem, passphrase)) = exported(args.parent_key.as_deref(), args.passphrase_file.as_deref())? {
        body["parent_key_pem"] = pem.into();
        body["parent_key_passphrase"] = passphrase.into();
    }
    let revoked = api.post(&format!("/cas/{}/revoke", args.id), &body).await?.json()?;
    show::done(context, &revoked, &done(&args.id, &revoked))?;
    Ok(ExitCode::Done)
}

async fn preflight(args: &Args, api: &Api) -> Result<Value> {
    let mut body = args.how.body();
    body["dry_run"] = true.into();
    api.post(&format!("/cas/{}/revoke", args.id), &body).await?.json()
}

fn tell(id: &CaId, stops: &Value, context: &Context) -> Result<()> {
    if context.is_json() {
        return show::json(stops);
    }
    println!("{}", sentence(id, stops));
    Ok(())
}

fn sentence(id: &CaId, answer: &Value) -> String {
    let stops = &answer["stops"];
    let live = stops["live"].as_array().into_iter().flatten();
    let live: Vec<String> =
        live.map(|l| format!("{} {}", show::text(&l["certificates"]), show::text(&l["profile"]))).collect();
    let live = if live.is_empty() { "none".to_owned() } else { live.join(", ") };
    let more = if stops["complete"] == true { "" } else { " at least" };
    let place = match answer["parent"].as_str() {
        Some(parent) => format!("it goes onto the CRL of {parent}"),
        None => "the owner of the external root above it must revoke it there".to_owned(),
    };
    let cas = show::text(&stops["cas"]);
    format!(
        "revoking {id}: {place}; CAs that issue nothing more: {cas}; live certificates below:{more} {live}"
    )
}

fn done(id: &CaId, revoked: &Value) -> String {
    match (revoked["parent"].as_str(), revoked["crl_number"].as_u64()) {
        (Some(parent), Some(number)) => format!("revoked {id}: it stands on the CRL {number} of {parent}"),
        _ => {
            format!("{id} issues nothing more; have the owner of the external root above it revoke it there")
        }
    }
}
