//! CSV files that the user names: where each record stands, and what is wrong with it.

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line.
    pub line: u64,
    /// The field, if it is about one.
    pub field: String,
    /// Stable, for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

impl Fault {
    /// For scripts.
    pub fn json(&self) -> Value {
        json!({"line": self.line, "field": self.field, "code": self.code, "detail": self.detail})
    }

    /// A record that cannot be read as one.
    pub fn unreadable(line: u64, error: &csv::Error) -> Self {
        let detail = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} fields where the heading has {expected_len}: quote a field that holds a comma")
            }
            csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
            _ => "it cannot be read as CSV".to_owned(),
        };
        Self { line, field: String::new(), code: "bad-csv".to_owned(), detail }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// Finds lines: the reader counts a line that ends with CR LF too late, and blank ones not at all.
pub struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// Of what the reader reads, from its beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line of a record, which comes after all that were asked for before.
    pub fn of(&mut self, record: &csv::Result<csv::StringRecord>) -> u64 {
        let place = record.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position);
        let start = place.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(self.at);
        while self.at < self.bytes.len() && (self.at < start || matches!(self.bytes[self.at], b'\r' | b'\n'))
        {
            self.line += u64::from(self.bytes[self.at] == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// A reader of a file with a heading, and the file without its byte order mark. Spaces around fields do not count.
pub fn reader(bytes: &[u8]) -> (csv::Reader<&[u8]>, &[u8]) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    (csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes), bytes)
}

/// The columns that a heading names, of those that are `known`, each once, in any case. Errors: `bad-csv` for another, for
/// one named twice, and without the one that is `needed`.
pub fn columns(
    heading: csv::Result<&csv::StringRecord>,
    known: &[&'static str],
    needed: &str,
) -> Result<Vec<&'static str>> {
    let heading = heading.map_err(|e| bad(&format!("cannot be read as CSV: {e}")))?;
    let mut found = Vec::new();
    for name in heading {
        match known.iter().copied().find(|column| name.eq_ignore_ascii_case(column)) {
            Some(column) if !found.contains(&column) => found.push(column),
            Some(column) => return Err(bad(&format!("names the column {column} twice"))),
            None => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(bad(&format!("has a column {name:?}; its columns are {}", known.join(", "))));
            }
        }
    }
    if !found.contains(&needed) {
        return Err(bad(&format!("begins with a heading that names the column {needed}")));
    }
    Ok(found)
}

/// A file that cannot be taken as a whole: `bad-csv`.
pub fn bad(why: &str) -> Error {
    Error::invalid("bad-csv", format!("the file {why}"))
}
