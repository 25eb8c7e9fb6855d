//! Where the requests of a bulk run come from: a folder, or the rows of a CSV file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::usage;
use crate::error::{Error, Result};

/// Requests of one run.
const MOST: usize = 1_000_000;
/// What a request's file ends in.
const ENDINGS: [&str; 5] = ["csr", "pem", "req", "p10", "der"];

/// One request that is wanted.
#[derive(Debug)]
pub struct Wanted {
    /// What its certificate's file is called.
    pub name: String,
    /// The request's file.
    pub csr: PathBuf,
    /// Its own profile.
    pub profile: Option<String>,
    /// Not later than this.
    pub not_after: Option<String>,
}

/// The requests in a folder, by name, or in a CSV file, in its order. Errors: `unreadable-file`, `usage` for a CSV
/// whose columns are others or whose names are no names of files, with the line.
pub fn read(from: &Path) -> Result<Vec<Wanted>> {
    let found = if from.is_dir() { folder(from)? } else { sheet(from)? };
    if found.len() > MOST {
        return Err(usage(format!("one run takes {MOST} requests at most")));
    }
    let mut names = HashSet::new();
    if let Some(twice) = found.iter().find(|one| !names.insert(one.name.to_lowercase())) {
        return Err(usage(format!("two requests are called {}: name them apart", twice.name)));
    }
    Ok(found)
}

fn folder(from: &Path) -> Result<Vec<Wanted>> {
    let entries = std::fs::read_dir(from).map_err(|e| unreadable(from, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(from, e))?.path();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let Some(name) = path.file_stem().and_then(|n| n.to_str()) else { continue };
        if path.is_file() && ending.is_some_and(|e| ENDINGS.contains(&e.as_str())) {
            found.push(Wanted { name: name.to_owned(), csr: path, profile: None, not_after: None });
        }
    }
    if found.is_empty() {
        return Err(usage(format!("{} holds no file that ends in .{}", from.display(), ENDINGS.join(", ."))));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    csr: String,
    name: Option<String>,
    profile: Option<String>,
    not_after: Option<String>,
}

fn sheet(from: &Path) -> Result<Vec<Wanted>> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(from).map_err(|e| unreadable(from, e))?;
    let folder = from.parent().unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for (number, row) in reader.deserialize::<Row>().enumerate().take(MOST + 1) {
        let line = number + 2;
        let row = row.map_err(|e| {
            usage(format!("{}: {e}; its columns are csr, name, profile, not_after", from.display()))
        })?;
        found.push(
            wanted(row, folder).map_err(|why| usage(format!("{}, line {line}: {why}", from.display())))?,
        );
    }
    Ok(found)
}

fn wanted(row: Row, folder: &Path) -> std::result::Result<Wanted, String> {
    if row.csr.is_empty() {
        return Err("csr is needed: the request's file".to_owned());
    }
    let csr = folder.join(&row.csr);
    let stem = || csr.file_stem().and_then(|n| n.to_str()).map(str::to_owned);
    let name = row.name.filter(|n| !n.is_empty()).or_else(stem).unwrap_or_default();
    if name.is_empty()
        || name.starts_with('.')
        || name.contains(['/', '\\'])
        || name.contains(char::is_control)
    {
        return Err(format!("name is the name of a file without a path, not {name:?}"));
    }
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    Ok(Wanted { name, csr, profile: given(row.profile), not_after: given(row.not_after) })
}

fn unreadable(file: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::invalid("unreadable-file", format!("cannot read {}", file.display())).because(e)
}
