//! `signet campaign create`.

use serde_json::{Map, Value, json};

use crate::cli::device::words;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::device::campaign::Hours;
use crate::error::Result;
use crate::id::CampaignName;
use crate::outbound::Api;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet campaign create emea-renewal --filter renewal=due \\\n      \
    --filter region=EMEA --operation install --auth existing-lsc \\\n      \
    --key p-384/rsa-2048 --at-once 200 --per-minute 100 --within 7d --dry-run\n  \
    signet campaign create first-lsc --filter holds=none --operation install \\\n      \
    --auth existing-mic --hours EMEA:22-04+01:00 --hours \"*:02-05\"\n\n\
    Its devices are found once, when it is made; filters are those of signet device\n\
    list. They are counted and asked for before (--yes: not asked). A device that\n\
    did not finish so long after its operation was set (--within) is late.\n\
    --hours REGION:FROM-TO by the clock there, and how far that is ahead of UTC;\n\
    * is every region without hours of its own; others are reached at all times.";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name: lower-case letters, digits and hyphens
    name: CampaignName,
    /// Which devices, as region=EMEA; repeat for more: all must hold
    #[arg(long = "filter", required = true, value_name = "NAME=VALUE", value_parser = words::filter)]
    filters: Vec<(String, String)>,
    /// install, fetch or delete
    #[arg(long, value_parser = words::operation)]
    operation: String,
    /// existing-lsc, existing-mic or null-string
    #[arg(long, value_name = "HOW", default_value = "existing-lsc", value_parser = words::authentication)]
    auth: String,
    /// Which key, as rsa-2048; p-384/rsa-2048: EC, and RSA where it cannot
    #[arg(long, default_value = "rsa-2048", value_parser = words::key)]
    key: String,
    /// At most so many operations are open at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    at_once: u32,
    /// At most so many are set in any minute
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    per_minute: u32,
    /// When a region is reached, as EMEA:22-04+01:00; repeat for more
    #[arg(long, value_name = "REGION:FROM-TO")]
    hours: Vec<Hours>,
    /// How long a device has
    #[arg(long, default_value = "7d", value_name = "TIME", value_parser = input::duration)]
    within: String,
    /// Pause once so many failed or were late
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pause_after: Option<u32>,
    /// Only say which devices it would be about
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Looks which devices it is about, asks, and makes it.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let api = client::connect(context)?;
    let body = args.body();
    if args.dry_run || !args.yes {
        let found = preview(&api, &body).await?;
        if args.dry_run {
            show::done(context, &found, &counted(&found))?;
            return Ok(ExitCode::Done);
        }
        eprintln!("{}", counted(&found));
        if !input::confirm("Start the campaign? [y/N] ")? {
            eprintln!("signet: no campaign was made");
            return Ok(ExitCode::Failed);
        }
    }
    let made = api.post("/campaigns", &body).await?.json()?;
    let sentence = format!("started {}; see: signet campaign show {} --watch", args.name, args.name);
    show::done(context, &made, &sentence)?;
    Ok(ExitCode::Done)
}

impl Args {
    fn body(&self) -> Value {
        let filter: Map<String, Value> =
            self.filters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let hours: Vec<String> = self.hours.iter().map(ToString::to_string).collect();
        json!({"name": self.name.as_str(), "filter": filter, "operation": self.operation,
            "authentication": self.auth, "key": self.key, "at_once": self.at_once, "per_minute": self.per_minute,
            "hours": hours, "within": self.within, "pause_after": self.pause_after})
    }
}

async fn preview(api: &Api, body: &Value) -> Result<Value> {
    let mut body = body.clone();
    body["dry_run"] = true.into();
    api.post("/campaigns", &body).await?.json()
}

fn counted(found: &Value) -> String {
    let count = |field: &str| found[field].as_u64().unwrap_or_default();
    let more = if found["more"] == true { " or more" } else { "" };
    let mut line = format!("{}{more} devices", count("devices"));
    if count("busy") > 0 {
        line += &format!("; {} have an operation already and would be left out", count("busy"));
    }
    if count("in_hours") > 0 {
        line += &format!("; {} are reached in the hours of their region only", count("in_hours"));
    }
    line
}
