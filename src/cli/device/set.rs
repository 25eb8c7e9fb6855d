//! `signet device add` and `set`: facts of a device, and what is to be done with it.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use zeroize::Zeroize;

use super::{bulk, path, words};
use crate::cli::{Context, ExitCode, client, show, usage};
use crate::device::DeviceName;
use crate::error::Result;
use crate::id::ProfileId;

/// The examples of `set`.
pub const EXAMPLES: &str = "Examples:\n  \
    signet device set SEP001122334455 --operation install --auth string \\\n      --string generate\n  \
    signet device set SEP001122334455 --region EMEA --operation none\n  \
    signet device set --filter region=EMEA --filter renewal=due \\\n      \
    --operation install --auth existing-lsc --deadline 7d --dry-run\n\n\
    By filter (those of signet device list) operations alone are set: the devices\n\
    are counted and asked for before (--yes: not asked). Strings that are generated\n\
    for many go to the file that --out names. To set operations a few at a time:\n\
    signet campaign create.";

/// Arguments of `add`.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Its name, as SEP001122334455
    name: DeviceName,
    #[command(flatten)]
    facts: Facts,
    #[command(flatten)]
    operation: Operation,
}

/// Arguments of `set`.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// Their names
    names: Vec<DeviceName>,
    /// Those that filters find, as model=8845; repeat for more
    #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = words::filter, conflicts_with = "names")]
    filters: Vec<(String, String)>,
    #[command(flatten)]
    facts: Facts,
    #[command(flatten)]
    operation: Operation,
    /// Only say what would be done
    #[arg(long, requires = "filters")]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// A new file (mode 0600) for the authentication strings that are generated
    #[arg(long, value_name = "FILE", requires = "filters")]
    out: Option<PathBuf>,
}

/// What is said of a device.
#[derive(Debug, clap::Args)]
struct Facts {
    /// Its model, as 8845; "" takes it away
    #[arg(long)]
    model: Option<String>,
    /// Its region; "" takes it away
    #[arg(long)]
    region: Option<String>,
    /// By which profile it gets its certificates
    #[arg(long)]
    profile: Option<ProfileId>,
}

/// What is to be done with a device.
#[derive(Debug, clap::Args)]
struct Operation {
    /// install, fetch, delete, or none: what is pending is taken back
    #[arg(long, value_parser = words::operation)]
    operation: Option<String>,
    /// string, null-string, existing-lsc or existing-mic
    #[arg(long, value_name = "HOW", value_parser = words::authentication, requires = "operation")]
    auth: Option<String>,
    /// 4 to 10 digits, or generate: then it is shown once
    #[arg(long, value_parser = words::string, requires = "operation")]
    string: Option<String>,
    /// Which key, as rsa-2048; p-384/rsa-2048: EC, and RSA where it cannot
    #[arg(long, value_parser = words::key, requires = "operation")]
    key: Option<String>,
    /// Not after this time, as 2027-01-01T00:00:00Z, or within 7d
    #[arg(long, value_name = "TIME", requires = "operation")]
    deadline: Option<String>,
}

impl Facts {
    fn put(&self, body: &mut Map<String, Value>) {
        let profile = self.profile.as_ref().map(ToString::to_string);
        put(body, &[("model", &self.model), ("region", &self.region), ("profile", &profile)]);
    }
}

impl Operation {
    fn put(&self, body: &mut Map<String, Value>) {
        put(
            body,
            &[
                ("operation", &self.operation),
                ("authentication", &self.auth),
                ("string", &self.string),
                ("key", &self.key),
                ("deadline", &self.deadline),
            ],
        );
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.string.zeroize();
    }
}

fn put(body: &mut Map<String, Value>, given: &[(&str, &Option<String>)]) {
    let given = given.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.as_deref()?.into())));
    body.extend(given);
}

/// Runs `add`.
pub async fn add(args: Add, context: &Context) -> Result<ExitCode> {
    let mut body = Map::from_iter([("name".to_owned(), json!(args.name.as_str()))]);
    args.facts.put(&mut body);
    args.operation.put(&mut body);
    let made = client::connect(context)?.post("/devices", &Value::Object(body)).await?.json()?;
    told(&made, &format!("added {}", args.name), context)?;
    Ok(ExitCode::Done)
}

/// Runs `set`.
pub async fn run(args: Set, context: &Context) -> Result<ExitCode> {
    let (mut facts, mut operation) = (Map::new(), Map::new());
    args.facts.put(&mut facts);
    args.operation.put(&mut operation);
    if !args.filters.is_empty() {
        if !facts.is_empty() || operation.is_empty() {
            return Err(usage(
                "by a filter, operations are set: --operation; other facts by name or by an import",
            ));
        }
        let work =
            bulk::Work { context, operation, dry_run: args.dry_run, yes: args.yes, out: args.out.clone() };
        return work.run(&args.filters).await;
    }
    facts.extend(operation);
    if args.names.is_empty() || facts.is_empty() {
        return Err(usage(
            "name devices (or --filter NAME=VALUE) and what is to change: --operation install",
        ));
    }
    let (api, body) = (client::connect(context)?, Value::Object(facts));
    let mut all = Vec::new();
    for name in &args.names {
        let made = api.patch(&path(name)?, &body).await?.json()?;
        if args.names.len() == 1 || !context.is_json() {
            told(&made, &format!("changed {name}"), context)?;
        } else {
            all.push(made);
        }
    }
    if !all.is_empty() {
        show::json(&json!({"items": all}))?;
    }
    Ok(ExitCode::Done)
}

/// A string that was generated goes to standard output, what else is said to standard error.
fn told(made: &Value, sentence: &str, context: &Context) -> Result<()> {
    match made["string"].as_str() {
        Some(string) if !context.is_json() => {
            eprintln!("{sentence}; its authentication string, shown this once:");
            println!("{string}");
            Ok(())
        }
        Some(_) | None => show::done(context, made, sentence),
    }
}
