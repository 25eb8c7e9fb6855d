//! Where new challenges are written: CSV, to a file of their own or to standard output.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::challenge::rows::Row;
use crate::cli::{csv, show};
use crate::error::{Error, Result};

const COLUMNS: &[show::Column] = &[
    ("LINE", "line"),
    ("PROFILE", "profile"),
    ("SUBJECT", "subject"),
    ("SAN", "san"),
    ("CHALLENGE", "challenge"),
    ("EXPIRES", "expires"),
    ("ID", "id"),
];

/// Challenges that are being written.
pub enum Sheet {
    /// Lines, as soon as there are any.
    Csv { sheet: Box<csv::Sheet<Box<dyn Write>>>, file: Option<File> },
    /// One document at the end, on standard output.
    Json(Vec<Value>),
}

impl Sheet {
    /// A new file (0600) of CSV, or standard output; nothing that exists is overwritten. Errors: `unwritable-file`.
    pub fn open(file: Option<&Path>, json: bool) -> Result<Self> {
        let Some(path) = file else {
            let csv = || Self::Csv { sheet: sheet(Box::new(std::io::stdout())), file: None };
            return Ok(if json { Self::Json(Vec::new()) } else { csv() });
        };
        let unwritable = |e: std::io::Error| {
            Error::invalid("unwritable-file", "cannot write the challenges: name a new file with --out")
                .because(e)
        };
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritable)?;
        let copy = file.try_clone().map_err(unwritable)?;
        Ok(Self::Csv { sheet: sheet(Box::new(copy)), file: Some(file) })
    }

    /// Writes the challenges that were made for these lines.
    pub fn write(&mut self, rows: &[Row], made: &[Value]) -> Result<()> {
        let items: Vec<Value> = rows.iter().zip(made).map(|(row, challenge)| item(row, challenge)).collect();
        match self {
            Self::Csv { sheet, .. } => sheet.rows(&items),
            Self::Json(all) => {
                all.extend(items);
                Ok(())
            }
        }
    }

    /// Ends it: everything is on the disk, or on standard output.
    pub fn close(self) -> Result<()> {
        match self {
            Self::Json(items) => show::json(&json!({"items": items})),
            Self::Csv { file: None, .. } => Ok(()),
            Self::Csv { file: Some(file), .. } => file.sync_all().map_err(|e| {
                Error::invalid("unwritable-file", "the challenges may not all be on the disk").because(e)
            }),
        }
    }
}

/// The names in one cell, as an import takes them.
fn item(row: &Row, challenge: &Value) -> Value {
    let sans = challenge["sans"].as_array().into_iter().flatten().filter_map(Value::as_str);
    json!({
        "line": row.line,
        "profile": challenge["profile"],
        "subject": challenge["subject"],
        "san": sans.collect::<Vec<_>>().join(";"),
        "challenge": challenge["challenge"],
        "expires": challenge["expires"],
        "id": challenge["id"],
    })
}

fn sheet(out: Box<dyn Write>) -> Box<csv::Sheet<Box<dyn Write>>> {
    Box::new(csv::Sheet::new(out, COLUMNS))
}
