//! `signet campaign report`: what came of it.

use serde_json::{Value, json};

use super::{DEVICES, sums};
use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;
use crate::id::CampaignName;
use crate::outbound::Api;

/// So many devices that failed are named.
const NAMED: u16 = 20;

const REGIONS: &[show::Column] = &[
    ("REGION", "region"),
    ("DEVICES", "counts.devices"),
    ("DONE", "counts.done"),
    ("FAILED", "counts.failed"),
    ("LATE", "counts.late"),
    ("LEFT OUT", "counts.skipped"),
    ("TO COME", "counts.waiting"),
];

/// Prints the report.
pub async fn run(name: &CampaignName, context: &Context) -> Result<ExitCode> {
    let api = client::connect(context)?;
    let report = api.get(&format!("/campaigns/{name}/report"), &[]).await?.json()?;
    if context.is_json() {
        show::json(&report)?;
        return Ok(ExitCode::Done);
    }
    print!("{}", text(&report));
    for step in ["failed", "late"] {
        if report["campaign"]["counts"][step].as_u64().unwrap_or_default() > 0 {
            print!("{}", named(&api, name, step).await?);
        }
    }
    Ok(ExitCode::Done)
}

fn text(report: &Value) -> String {
    let campaign = &report["campaign"];
    let mut out = format!(
        "{}  {}: {}\n",
        show::text(&campaign["name"]),
        show::text(&campaign["state"]),
        sums(campaign)
    );
    let seconds = |field: &str| report[field].as_f64();
    if let Some(took) = seconds("took_seconds") {
        let began = show::text(&campaign["began_at"]);
        let done = campaign["counts"]["done"].as_f64().unwrap_or_default();
        let rate = done * 60.0 / took.max(1.0);
        out += &format!("began {began}, took {}: {rate:.1} done a minute\n", span(took));
    }
    if let (Some(mean), Some(longest)) = (seconds("mean_seconds"), seconds("longest_seconds")) {
        out += &format!("a device took {} on average, {} at the longest\n", span(mean), span(longest));
    }
    for (field, columns) in [("regions", REGIONS), ("reasons", &[("REASON", "reason"), ("DEVICES", "count")])]
    {
        let rows = report[field].as_array().map(Vec::as_slice).unwrap_or_default();
        if !rows.is_empty() {
            out += &format!("\n{}", show::table(&rows.iter().map(with_name).collect::<Vec<_>>(), columns));
        }
    }
    out
}

/// A region without a name.
fn with_name(row: &Value) -> Value {
    let mut row = row.clone();
    if row["region"] == "" {
        row["region"] = json!("(none)");
    }
    row
}

async fn named(api: &Api, name: &CampaignName, step: &str) -> Result<String> {
    let paging = Paging { limit: Some(NAMED), cursor: None };
    let path = format!("/campaigns/{name}/devices");
    let found = page::fetch(api, &path, vec![("step", step.to_owned())], &paging).await?;
    let rows = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let more = if found["next"].is_null() {
        String::new()
    } else {
        format!("more: signet campaign devices {name} --step {step}\n")
    };
    Ok(format!("\n{}{more}", show::table(rows, DEVICES)))
}

/// A span of time for people.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_how_fast_and_why_not() {
        let counts = json!({"devices": 10, "done": 8, "failed": 2});
        let report = json!({"campaign": {"name": "spring", "state": "done", "counts": counts,
            "began_at": "2026-11-22T00:00:00Z"}, "took_seconds": 240, "mean_seconds": 4.25, "longest_seconds": 130.0,
            "regions": [{"region": "", "counts": counts}], "reasons": [{"reason": "invalid-mic", "count": 2}]});
        let text = text(&report);
        for part in [
            "8 of 10 done, 2 failed",
            "took 4 min: 2.0 done a minute",
            "4.2 s on average, 2 min at",
            "(none)",
            "invalid-mic",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
