//! `signet device report`: what there is of devices, and what is wrong.

use serde_json::{Value, json};

use crate::cli::csv::Sheet;
use crate::cli::page::{Pages, Paging};
use crate::cli::{Context, ExitCode, Output, client, show};
use crate::error::Result;
use crate::outbound::Api;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet device report\n  signet device report --fips\n  \
    signet device report --failed --output csv > failed.csv\n\n\
    --fips names LSCs and MICs with keys under 2048 bits, which FIPS mode refuses;\n\
    the exit code is 1 if there are any. With --output csv, a report without a list\n\
    is the map of certificates by issuer and key. It is counted once a minute.";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List certificates whose key is under 2048 bits
    #[arg(long, conflicts_with_all = ["stale", "failed"])]
    fips: bool,
    /// List LSCs past their renewal point
    #[arg(long, conflicts_with = "failed")]
    stale: bool,
    /// List devices whose operation failed or is late, and why
    #[arg(long)]
    failed: bool,
}

const FOUND: &[show::Column] = &[
    ("NAME", "name"),
    ("MODEL", "model"),
    ("REGION", "region"),
    ("WHAT", "what"),
    ("KEY OR REASON", "detail"),
    ("ISSUER", "issuer"),
    ("AT", "at"),
];
const MAP: &[show::Column] = &[
    ("SORT", "sort"),
    ("ISSUER", "issuer"),
    ("KEY", "key"),
    ("DEVICES", "count"),
    ("FIRST EXPIRES", "first_expires"),
];

/// Reports.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let api = client::connect(context)?;
    let sort = match (args.fips, args.stale, args.failed) {
        (true, _, _) => Some("weak"),
        (_, true, _) => Some("stale"),
        (_, _, true) => Some("failed"),
        (false, false, false) => None,
    };
    match sort {
        Some(sort) => {
            let found = list(&api, sort, context).await?;
            Ok(if args.fips && found > 0 { ExitCode::Failed } else { ExitCode::Done })
        }
        None => {
            let report = api.get("/device-report", &[]).await?.json()?;
            match context.global.output {
                Output::Json => show::json(&report)?,
                Output::Csv => Sheet::new(std::io::stdout(), MAP).rows(&map(&report))?,
                Output::Text => print!("{}", text(&report)),
            }
            Ok(ExitCode::Done)
        }
    }
}

/// A table for people ends here: who wants to read on takes a file.
const MOST_SHOWN: usize = 1000;

/// Every finding of a sort, page by page. Returns how many.
async fn list(api: &Api, sort: &str, context: &Context) -> Result<usize> {
    let filters = vec![("sort", sort.to_owned())];
    let mut pages = Pages::new(api, "/device-findings", filters, &Paging::default());
    let (mut sheet, mut found, mut count) = (Sheet::new(std::io::stdout(), FOUND), Vec::new(), 0);
    while let Some(page) = pages.next().await? {
        count += page.len();
        match context.global.output {
            Output::Csv => sheet.rows(&page)?,
            Output::Json => found.extend(page),
            Output::Text => found.extend(page.into_iter().take(MOST_SHOWN.saturating_sub(found.len()))),
        }
    }
    match context.global.output {
        Output::Csv => {}
        Output::Json => show::json(&json!({"sort": sort, "count": count, "items": found}))?,
        Output::Text => {
            if count > 0 {
                print!("{}", show::table(&found, FOUND));
            }
            if count > found.len() {
                println!("… and {} more: --output csv names all", count - found.len());
            }
            println!("{}", verdict(sort, count));
        }
    }
    Ok(count)
}

fn verdict(sort: &str, count: usize) -> String {
    match (sort, count) {
        ("weak", 0) => "no certificate has a key under 2048 bits: FIPS mode refuses none".to_owned(),
        ("weak", n) => format!("{n} certificates have keys under 2048 bits: FIPS mode refuses them"),
        ("stale", n) => format!("{n} LSCs are past their renewal point"),
        (_, n) => format!("{n} devices failed or are late"),
    }
}

/// The map of certificates, LSCs first.
fn map(report: &Value) -> Vec<Value> {
    let of = |sort: &'static str| {
        report[sort]["map"].as_array().into_iter().flatten().map(move |cell| {
            let mut cell = cell.clone();
            cell["sort"] = sort.into();
            cell
        })
    };
    of("lsc").chain(of("mic")).collect()
}

fn text(report: &Value) -> String {
    let mut out = format!("{} devices at {}\n\n", report["devices"], show::text(&report["made_at"]));
    for (heading, field) in [("STATE", "states"), ("REASON", "reasons")] {
        let rows = counted(&report[field]);
        if !rows.is_empty() {
            out += &show::table(&rows, &[(heading, "name"), ("DEVICES", "count")]);
            out.push('\n');
        }
    }
    let expiry: Vec<Value> = ["expired", "within_7d", "within_30d", "within_90d", "within_1y", "later"]
        .iter()
        .map(|span| {
            let of = |sort: &str| report[sort]["expiry"][span].clone();
            json!({"span": span.replace('_', " "), "lsc": of("lsc"), "mic": of("mic")})
        })
        .collect();
    out += &show::table(&expiry, &[("EXPIRES", "span"), ("LSC", "lsc"), ("MIC", "mic")]);
    let cells = map(report);
    if !cells.is_empty() {
        out.push('\n');
        out += &show::table(&cells, MAP);
    }
    let count = |field: &str| show::text(&report[field]["count"]);
    out + &format!(
        "\nkeys under 2048 bits {} (--fips), LSCs past renewal {} (--stale), failed or late {} (--failed)\n",
        count("weak"),
        count("stale"),
        count("failed")
    )
}

/// Names with their counts, the most first.
fn counted(of: &Value) -> Vec<Value> {
    let mut rows: Vec<Value> = of
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, count)| json!({"name": name, "count": count}))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row["count"].as_u64()));
    rows
}
