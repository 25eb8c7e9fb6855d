//! `signet device export`: the CSV file that an import takes, with how the devices stand.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::list::Selection;
use super::rows::{COLUMNS, STATE_COLUMNS};
use crate::cli::page::{Pages, Paging};
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, csv, show, usage};
use crate::error::{Error, Result};

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Where to; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes them page by page.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    if context.is_json() {
        return Err(usage("an export is CSV; signet device list --output json is the other form"));
    }
    let api = client::connect(context)?;
    let out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(File::create(path).map_err(|e| {
            Error::invalid("unwritable-file", format!("cannot write {}", path.display())).because(e)
        })?),
        None => Box::new(std::io::stdout()),
    };
    let columns: Vec<show::Column> =
        COLUMNS.iter().chain(&STATE_COLUMNS).map(|column| (*column, *column)).collect();
    let mut sheet = csv::Sheet::new(out, &columns);
    let mut pages = Pages::new(&api, "/devices", args.selection.pairs()?, &Paging::default());
    let (mut count, mut progress) = (0, Progress::new("exported", None));
    while let Some(page) = pages.next().await? {
        let rows: Vec<Value> = page.iter().map(row).collect();
        sheet.rows(&rows)?;
        count += rows.len();
        progress.add(rows.len() as u64, 0);
    }
    progress.end();
    if args.out.is_some() {
        eprintln!("exported {count} devices");
    }
    Ok(ExitCode::Done)
}

/// A device as a line: what an import takes, and how it stands.
fn row(device: &Value) -> Value {
    let mut row = Map::new();
    let mut put =
        |column: &str, field: &str| row.insert(column.to_owned(), show::inner(device, field).clone());
    for column in
        ["name", "model", "region", "profile", "state", "reason", "locked_until", "seen_at", "seen_address"]
    {
        put(column, column);
    }
    for column in
        STATE_COLUMNS.iter().filter(|column| column.starts_with("lsc_") || column.starts_with("mic_"))
    {
        put(column, &column.replacen('_', ".", 1));
    }
    put("changed_at", "operation.changed_at");
    // Only what may still happen is to be imported again; a string is nobody's to be read.
    // What a campaign set is the campaign's: as an operator's own it would be another operation.
    let is_open = matches!(device["state"].as_str(), Some("pending" | "issued"));
    if is_open && device["operation"]["campaign"].is_null() {
        put("operation", "operation.operation");
        put("auth", "operation.authentication");
        put("key", "operation.key");
        put("deadline", "operation.deadline");
    }
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_pending_is_exported_so_that_it_is_imported_unchanged() {
        let mut device = json!({"name": "SEP1", "model": "8845", "region": null, "profile": "phone-lsc",
            "state": "pending", "reason": null, "lsc": {"key": "rsa-2048", "not_after": "2027-01-01T00:00:00Z"},
            "mic": null, "operation": {"operation": "install", "authentication": "string", "key": "p-256",
                "deadline": null, "changed_at": "2026-11-22T00:00:00Z"}});
        let line = row(&device);
        assert_eq!(
            (&line["operation"], &line["auth"], &line["key"]),
            (&json!("install"), &json!("string"), &json!("p-256"))
        );
        assert_eq!(
            (&line["lsc_key"], &line["lsc_not_after"]),
            (&json!("rsa-2048"), &json!("2027-01-01T00:00:00Z"))
        );
        assert!(line.get("string").is_none() && line["mic_key"].is_null());
        device["state"] = "failed".into();
        assert!(row(&device).get("operation").is_none());
    }
}
