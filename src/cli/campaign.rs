//! `signet campaign`: the same operation for many devices, so many at a time.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::watch::{Watching, watch};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::id::CampaignName;

mod create;
mod report;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  signet campaign create emea-renewal --filter renewal=due \\\n      \
    --operation install --auth existing-lsc --at-once 200 --per-minute 100\n  \
    signet campaign show emea-renewal --watch")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a campaign and start it
    #[command(after_help = create::EXAMPLES)]
    Create(Box<create::Args>),
    /// List campaigns, newest first
    #[command(after_help = "Example:\n  signet campaign list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show how far a campaign has come
    #[command(after_help = "Examples:\n  signet campaign show emea-renewal\n  \
        signet campaign show emea-renewal --watch 5\n\n\
        Watched, it is shown until the campaign ends.")]
    Show {
        /// Its name
        name: CampaignName,
        #[command(flatten)]
        watching: Watching,
    },
    /// Set no more operations for now; those that are open are watched on
    #[command(after_help = "Example:\n  signet campaign pause emea-renewal")]
    Pause {
        /// Its name
        name: CampaignName,
    },
    /// Go on with a campaign that is paused
    #[command(after_help = "Example:\n  signet campaign resume emea-renewal")]
    Resume {
        /// Its name
        name: CampaignName,
    },
    /// Stop a campaign for good: what is set and whose device has not come is taken back
    #[command(after_help = "Example:\n  signet campaign stop emea-renewal --yes")]
    Stop {
        /// Its name
        name: CampaignName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What came of a campaign: by region, by reason, how long devices took, and who failed
    #[command(after_help = "Examples:\n  signet campaign report emea-renewal\n  \
        signet campaign report emea-renewal --output json")]
    Report {
        /// Its name
        name: CampaignName,
    },
    /// The devices of a campaign: all, or those at one step
    #[command(after_help = "Examples:\n  signet campaign devices emea-renewal --step failed\n  \
        signet campaign devices emea-renewal --step late --output csv > late.csv")]
    Devices {
        /// Its name
        name: CampaignName,
        /// Only at this step: waiting, open, done, failed, late, skipped, withdrawn
        #[arg(long)]
        step: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}

const COLUMNS: &[show::Column] = &[
    ("NAME", "name"),
    ("STATE", "state"),
    ("OPERATION", "operation"),
    ("DEVICES", "counts.devices"),
    ("DONE", "counts.done"),
    ("OPEN", "counts.open"),
    ("FAILED", "counts.failed"),
    ("LATE", "counts.late"),
    ("CREATED", "created_at"),
];

/// What is shown of its devices.
pub(super) const DEVICES: &[show::Column] =
    &[("NAME", "name"), ("REGION", "region"), ("STEP", "step"), ("REASON", "reason"), ("AT", "at")];

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Create(args) => create::run(*args, context).await,
        Verb::List { paging } => page::print(context, ("/campaigns", Vec::new()), &paging, COLUMNS).await,
        Verb::Show { name, watching } => shown(&name, &watching, context).await,
        Verb::Pause { name } => said(&name, "pause", "paused", context).await,
        Verb::Resume { name } => said(&name, "resume", "resumed", context).await,
        Verb::Stop { name, yes } => {
            let question =
                format!("Stop the campaign {name} for good, and take back what is pending? [y/N] ");
            if !yes && !input::confirm(&question)? {
                eprintln!("signet: the campaign goes on");
                return Ok(ExitCode::Failed);
            }
            said(&name, "stop", "stopped", context).await
        }
        Verb::Report { name } => report::run(&name, context).await,
        Verb::Devices { name, step, paging } => {
            let path = format!("/campaigns/{name}/devices");
            page::print(context, (&path, page::given(vec![("step", step)])), &paging, DEVICES).await
        }
    }
}

async fn shown(name: &CampaignName, watching: &Watching, context: &Context) -> Result<ExitCode> {
    let api = client::connect(context)?;
    let path = format!("/campaigns/{name}");
    if context.is_json() {
        show::json(&api.get(&path, &[]).await?.json()?)?;
        return Ok(ExitCode::Done);
    }
    watch(context, watching, async || {
        let campaign = api.get(&path, &[]).await?.json()?;
        Ok((picture(&campaign), !campaign["ended_at"].is_null()))
    })
    .await?;
    Ok(ExitCode::Done)
}

async fn said(name: &CampaignName, word: &str, past: &str, context: &Context) -> Result<ExitCode> {
    let path = format!("/campaigns/{name}/{word}");
    let campaign = client::connect(context)?.post(&path, &json!({})).await?.json()?;
    show::done(context, &campaign, &format!("{past} {name}: {}", sums(&campaign)))?;
    Ok(ExitCode::Done)
}

/// The width of a bar.
const BAR: u64 = 40;

fn picture(campaign: &Value) -> String {
    let text = |field: &str| show::text(show::inner(campaign, field));
    let count = |field: &str| campaign["counts"][field].as_u64().unwrap_or_default();
    let (all, waiting, open) = (count("devices"), count("waiting"), count("open"));
    let over = (all - waiting - open) * BAR / all.max(1);
    let bar: String = (0..BAR).map(|at| if at < over { '#' } else { '.' }).collect();
    let filter: Vec<String> = campaign["filter"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", show::text(value)))
        .collect();
    let mut out = format!("{}  {}", text("name"), text("state"));
    if campaign["gathering"] == true {
        out += ", its devices are being gathered";
    }
    if !campaign["said"].is_null() {
        out += &format!(" ({})", text("said"));
    }
    out += &format!(
        "\n{} by {}, {}, for {}\nat most {} at once, {} a minute",
        text("operation"),
        text("authentication"),
        text("key"),
        filter.join(" "),
        text("at_once"),
        text("per_minute")
    );
    if campaign["hours"].as_array().is_some_and(|hours| !hours.is_empty()) {
        out += &format!("; {}", text("hours"));
    }
    out + &format!("\n[{bar}] {}\n", sums(campaign))
}

/// How far it has come, in a line.
pub(super) fn sums(campaign: &Value) -> String {
    let count = |field: &str| campaign["counts"][field].as_u64().unwrap_or_default();
    let mut line = format!("{} of {} done", count("done"), count("devices"));
    for (field, word) in [
        ("failed", "failed"),
        ("late", "late"),
        ("open", "open"),
        ("waiting", "to come"),
        ("skipped", "left out"),
        ("withdrawn", "withdrawn"),
    ] {
        if count(field) > 0 {
            line += &format!(", {} {word}", count(field));
        }
    }
    line
}
