//! `signet profile`: the profiles in force.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::ca::profile::ProfileSet;
use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::refused::device::DeviceSet;
use crate::enrol::source::Sources;
use crate::error::Result;
use crate::id::{CaId, ProfileId};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet profile check --policies ./policies")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the profiles in force
    #[command(after_help = "Example:\n  signet profile list")]
    List {
        /// Only those that issue by this CA
        #[arg(long = "by", value_name = "CA")]
        ca: Option<CaId>,
    },
    /// Show one profile with its file
    #[command(after_help = "Example:\n  signet profile show scep-device")]
    Show {
        /// Its name
        id: ProfileId,
    },
    /// Validate a policies folder without loading it; needs no server
    #[command(after_help = "Example:\n  signet profile check --policies ./policies")]
    Check {
        /// The folder that holds profiles/*.toml; without it: DIR/policies
        #[arg(long, value_name = "DIR")]
        policies: Option<PathBuf>,
    },
    /// Put the files as they are now in force, as a whole or not at all
    #[command(after_help = "Example:\n  signet profile check && signet profile reload")]
    Reload,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { ca } => {
            let filters = page::given(vec![("ca", ca.map(|ca| ca.to_string()))]);
            page::print(context, ("/profiles", filters), &Paging::default(), COLUMNS).await
        }
        Verb::Show { id } => {
            show::object(
                context,
                &client::connect(context)?.get(&format!("/profiles/{id}"), &[]).await?.json()?,
            )?;
            Ok(ExitCode::Done)
        }
        Verb::Check { policies } => {
            let policies = policies.map_or_else(|| context.data().map(|d| d.join("policies")), Ok)?;
            check(&policies, context)
        }
        Verb::Reload => {
            let answer = client::connect(context)?.post("/profiles/reload", &json!({})).await?.json()?;
            show::object(context, &answer)?;
            Ok(ExitCode::Done)
        }
    }
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("ENABLED", "enabled"),
    ("CA", "ca"),
    ("APPROVAL", "approval"),
    ("CHALLENGES", "challenge_source"),
    ("KEYS", "keys"),
    ("DAYS", "validity_days"),
    ("SCEP", "scep"),
];

fn check(policies: &std::path::Path, context: &Context) -> Result<ExitCode> {
    let mut faults = Vec::new();
    let profiles = ProfileSet::load(policies).and_then(|set| {
        OfflineLists::load(policies, &set)?;
        Ok(set)
    });
    let profiles = profiles.map_err(|found| faults.extend(found));
    let devices = DeviceSet::load(policies).map_err(|found| faults.extend(found));
    if let (Ok(profiles), Ok(devices)) = (profiles, devices) {
        return good(&profiles, &devices, context);
    }
    if context.is_json() {
        let faults: Vec<_> = faults
            .iter()
            .map(|f| json!({"where": f.field(), "reason": f.detail(), "code": f.code()}))
            .collect();
        show::json(&json!({"faults": faults}))?;
    } else {
        faults.iter().for_each(|fault| eprintln!("{fault}"));
    }
    Ok(ExitCode::Failed)
}

/// The files that profiles refer to are looked at too, but another machine or user may well not have them.
fn good(set: &ProfileSet, devices: &DeviceSet, context: &Context) -> Result<ExitCode> {
    let missing = Sources::check(set).err().unwrap_or_default();
    let (profiles, devices) = (set.all().len(), devices.count());
    if context.is_json() {
        let warnings: Vec<_> = missing.iter().map(ToString::to_string).collect();
        show::json(&json!({"profiles": profiles, "devices": devices, "faults": [], "warnings": warnings}))?;
    } else {
        missing.iter().for_each(|warning| eprintln!("for this user, on this machine: {warning}"));
        println!("{profiles} profiles, {devices} devices, no faults");
    }
    Ok(ExitCode::Done)
}
