//! `signet device list`: once, or watched.

use serde_json::Value;

use super::words;
use crate::cli::page::{self, Paging};
use crate::cli::watch::{Watching, watch};
use crate::cli::{Context, ExitCode, Output, client, show, usage};
use crate::error::Result;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet device list --search 0011 --state failed\n  \
    signet device list --filter region=EMEA --filter renewal=due\n  \
    signet device list --filter lsc_key=rsa-1024 --output csv > weak.csv\n  \
    signet device list --state pending --watch\n\n\
    Filters: name (its beginning), q (words of it), model, region, profile, state,\n\
    reason, campaign, holds (lsc, mic, none), expires_after, expires_before,\n\
    expires_within (30d), renewal (due), lsc_key, mic_key, lsc_issuer, seen_after,\n\
    seen_before, locked (true). All that are given must hold.";

/// Rows of a picture, if not said.
const ROWS: u16 = 30;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    watching: Watching,
}

/// Which devices.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Selection {
    /// Words of the name that begin so: also a desk phone's MAC address
    #[arg(long, value_name = "WORD")]
    pub search: Option<String>,
    /// Only in this state: none, pending, issued, installed, deleted, fetched, failed, late
    #[arg(long)]
    pub state: Option<String>,
    /// A filter, as model=8845; repeat for more
    #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = words::filter)]
    pub filters: Vec<(String, String)>,
}

impl Selection {
    /// As the API takes it. Errors: `usage` for a filter that is given twice.
    pub fn pairs(&self) -> Result<Vec<(&str, String)>> {
        let short = [("q", &self.search), ("state", &self.state)];
        let short = short.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let long = self.filters.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let pairs: Vec<_> = short.chain(long).collect();
        let twice = (1..pairs.len()).find(|at| pairs[..*at].iter().any(|(name, _)| *name == pairs[*at].0));
        match twice {
            Some(at) => Err(usage(format!("the filter {} is given twice", pairs[at].0))),
            None => Ok(pairs),
        }
    }
}

const COLUMNS: &[show::Column] = &[
    ("NAME", "name"),
    ("MODEL", "model"),
    ("REGION", "region"),
    ("STATE", "state"),
    ("REASON", "reason"),
    ("OPERATION", "operation.operation"),
    ("LSC KEY", "lsc.key"),
    ("LSC EXPIRES", "lsc.not_after"),
    ("SEEN", "seen_at"),
];

/// Lists, once or again and again.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let pairs = args.selection.pairs()?;
    if args.watching.watch.is_none() {
        return page::print(context, ("/devices", pairs), &args.paging, COLUMNS).await;
    }
    if context.global.output != Output::Text {
        return Err(usage("--watch draws a table; without it: --output json or csv"));
    }
    let api = client::connect(context)?;
    let paging = Paging { limit: Some(args.paging.limit.unwrap_or(ROWS)), ..args.paging };
    watch(context, &args.watching, async || {
        let found = page::fetch(&api, "/devices", pairs.clone(), &paging).await?;
        Ok((picture(&found, context), false))
    })
    .await?;
    Ok(ExitCode::Done)
}

fn picture(found: &Value, context: &Context) -> String {
    let items = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let more = if found["next"].is_null() { "" } else { ", and more" };
    format!("{}\n{}: {} devices{more}\n", show::table(items, COLUMNS), context.clock.now(), items.len())
}
