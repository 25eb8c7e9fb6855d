//! `signet device`: the inventory of phones and gateways, and what is to be done with each.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show, usage};
use crate::device::DeviceName;
use crate::error::Result;

mod bulk;
mod export;
mod import;
mod list;
mod report;
mod requests;
mod rows;
mod set;
mod strings;
mod trust;
pub mod words;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  signet device import phones.csv --dry-run\n  \
    signet device set SEP001122334455 --operation install --auth existing-mic\n  \
    signet device report")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List devices: all by name, or those that filters find
    #[command(after_help = list::EXAMPLES)]
    List(list::Args),
    /// Show one device: what it holds, and how far its operation has come
    #[command(after_help = "Example:\n  signet device show SEP001122334455")]
    Show {
        /// Its name
        name: DeviceName,
    },
    /// Add a device
    #[command(
        after_help = "Example:\n  signet device add SEP001122334455 --model 8845 --region EMEA \\\n      \
        --operation install --auth string --string generate\n\n\
        A string that is generated goes to standard output, once."
    )]
    Add(set::Add),
    /// Change devices, and say what is to be done with them: by name, or by filter
    #[command(after_help = set::EXAMPLES)]
    Set(Box<set::Set>),
    /// Delete devices from the inventory
    #[command(after_help = "Examples:\n  signet device delete SEP001122334455 --yes\n  \
        signet device delete SEP001122334455 --revoke\n\n\
        Its certificates stay valid unless --revoke is given.")]
    Delete(Delete),
    /// Add and change devices by the lines of a CSV file, all looked at before the first is sent
    #[command(after_help = import::EXAMPLES)]
    Import(import::Args),
    /// Write devices as the CSV file that an import takes, with how they stand
    #[command(after_help = "Examples:\n  signet device export --out phones.csv\n  \
        signet device export --filter state=failed > failed.csv\n\n\
        Authentication strings are never written. What an export says of a device, an\n\
        import passes over: an export that is imported changes nothing.")]
    Export(export::Args),
    /// Let authentication strings of a device be looked at again
    #[command(after_help = "Example:\n  signet device unlock SEP001122334455")]
    Unlock {
        /// Its name
        name: DeviceName,
    },
    /// What was done with a device, newest first
    #[command(after_help = "Example:\n  signet device history SEP001122334455 --limit 20")]
    History {
        /// Its name
        name: DeviceName,
        #[command(flatten)]
        paging: Paging,
    },
    /// What a CA elsewhere, offline, is to sign for devices: out in bulk, certificates in
    Requests(requests::Args),
    /// What there is of devices: by state, certificates by issuer, key and expiry, and what is wrong
    #[command(after_help = report::EXAMPLES)]
    Report(report::Args),
    /// Which trust lists a device holds, what it fetched, and what it told of them
    #[command(after_help = "Example:\n  signet device trust SEP001122334455")]
    Trust {
        /// Its name
        name: DeviceName,
    },
    /// List devices that refuse new trust lists, the longest first
    #[command(after_help = trust::STUCK)]
    Stuck(trust::Stuck),
    /// Hand on what a device told of its trust lists
    #[command(after_help = trust::ALARM)]
    Alarm(trust::Alarm),
}

#[derive(Debug, clap::Args)]
struct Delete {
    /// Their names
    #[arg(required = true)]
    names: Vec<DeviceName>,
    /// Revoke their LSCs too
    #[arg(long)]
    revoke: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List(args) => list::run(args, context).await,
        Verb::Show { name } => {
            let device = client::connect(context)?.get(&path(&name)?, &[]).await?.json()?;
            show::object(context, &if context.is_json() { device } else { flat(&device) })?;
            Ok(ExitCode::Done)
        }
        Verb::Add(args) => set::add(args, context).await,
        Verb::Set(args) => set::run(*args, context).await,
        Verb::Delete(args) => delete(args, context).await,
        Verb::Requests(args) => requests::run(args, context).await,
        Verb::Import(args) => import::run(args, context).await,
        Verb::Export(args) => export::run(args, context).await,
        Verb::Unlock { name } => {
            let unlock = format!("{}/unlock", path(&name)?);
            let device = client::connect(context)?.post(&unlock, &json!({})).await?.json()?;
            show::done(context, &device, &format!("unlocked {name}: its strings are looked at again"))?;
            Ok(ExitCode::Done)
        }
        Verb::History { name, paging } => {
            let history = format!("{}/history", path(&name)?);
            page::print(context, (&history, Vec::new()), &paging, STEPS).await
        }
        Verb::Report(args) => report::run(args, context).await,
        Verb::Trust { name } => trust::show(&path(&name)?, context).await,
        Verb::Stuck(args) => trust::stuck(args, context).await,
        Verb::Alarm(args) => trust::alarm(&path(&args.name)?, &args, context).await,
    }
}

const STEPS: &[show::Column] = &[
    ("AT", "at"),
    ("STEP", "step"),
    ("ACTION", "action"),
    ("REASON", "reason"),
    ("BY", "by"),
    ("ADDRESS", "address"),
    ("SERIAL", "serial"),
];

async fn delete(args: Delete, context: &Context) -> Result<ExitCode> {
    let what = if args.revoke { " and revoke their LSCs" } else { "" };
    let question = format!("Delete {} devices{what}? [y/N] ", args.names.len());
    if !args.yes && !input::confirm(&question)? {
        eprintln!("signet: nothing was deleted");
        return Ok(ExitCode::Failed);
    }
    let api = client::connect(context)?;
    let query = if args.revoke { "?revoke=true" } else { "" };
    for name in &args.names {
        api.delete(&format!("{}{query}", path(name)?)).await?;
        if !context.is_json() {
            println!("deleted {name}");
        }
    }
    if context.is_json() {
        let names: Vec<&str> = args.names.iter().map(DeviceName::as_str).collect();
        show::json(&json!({"deleted": names, "revoked": args.revoke}))?;
    }
    Ok(ExitCode::Done)
}

/// Where a device is. Errors: `usage` for a name that a path would take for a folder.
fn path(name: &DeviceName) -> Result<String> {
    if name.as_str().bytes().all(|byte| byte == b'.') {
        return Err(usage("a device's name that is dots alone is found by its list only"));
    }
    Ok(format!("/devices/{name}"))
}

/// The fields of inner objects beside the others, as `lsc key`.
fn flat(device: &Value) -> Value {
    let mut fields = serde_json::Map::new();
    for (name, value) in device.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(inner) => fields.extend(inner.iter().map(|(part, value)| {
                let whole = if part == name { part.clone() } else { format!("{name} {part}") };
                (whole, value.clone())
            })),
            None => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(fields)
}
