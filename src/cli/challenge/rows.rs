//! The lines of a CSV file that challenges are made from.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::id::ProfileId;

/// The most of a file that is read, and of its lines.
pub const LARGEST: u64 = 16 * 1024 * 1024;
const MOST: usize = 100_000;
const COLUMNS: [&str; 4] = ["subject", "san", "profile", "ttl"];

/// One challenge that is wanted.
#[derive(Debug)]
pub struct Row {
    /// The line it stands on.
    pub line: u64,
    /// As the API takes it.
    pub body: Value,
    /// About how many bytes that is.
    pub size: usize,
}

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

/// Reads the file: a heading, then a challenge a line; `profile` and `ttl` are for lines without their own.
/// Lines that cannot be read are faults. Errors: `bad-csv` for the heading, or too many lines.
pub fn read(bytes: &[u8], profile: Option<&ProfileId>, ttl: &str) -> Result<(Vec<Row>, Vec<Fault>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = columns(reader.headers().map_err(|e| bad(&format!("cannot be read as CSV: {e}")))?)?;
    let (mut rows, mut faults, mut lines) = (Vec::new(), Vec::new(), Lines { bytes, at: 0, line: 1 });
    for record in reader.records() {
        if rows.len() + faults.len() >= MOST {
            return Err(bad("has more than 100,000 lines: cut it in pieces"));
        }
        let place = record.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position);
        let line = lines.of(place);
        match record.map_err(|e| unreadable(line, &e)).and_then(|r| row(line, &columns, &r, profile, ttl)) {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    if rows.is_empty() && faults.is_empty() {
        return Err(bad("has no line below its heading"));
    }
    Ok((rows, faults))
}

/// Finds lines: the reader counts a line that ends with CR LF too late, and blank ones not at all.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record, which comes after all that were asked for before.
    fn of(&mut self, place: Option<&csv::Position>) -> u64 {
        let start = place.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(self.at);
        while self.at < self.bytes.len() && (self.at < start || matches!(self.bytes[self.at], b'\r' | b'\n'))
        {
            self.line += u64::from(self.bytes[self.at] == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn columns(heading: &csv::StringRecord) -> Result<Vec<&'static str>> {
    let known = |name: &str| COLUMNS.iter().copied().find(|column| name.eq_ignore_ascii_case(column));
    let mut found = Vec::new();
    for name in heading {
        match known(name) {
            Some(column) if !found.contains(&column) => found.push(column),
            Some(column) => return Err(bad(&format!("names the column {column} twice"))),
            None => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(bad(&format!("has a column {name:?}; its columns are {}", COLUMNS.join(", "))));
            }
        }
    }
    if !found.contains(&"subject") {
        return Err(bad("begins with a heading that names the column subject"));
    }
    Ok(found)
}

fn row(
    line: u64,
    columns: &[&str],
    record: &csv::StringRecord,
    profile: Option<&ProfileId>,
    ttl: &str,
) -> Result<Row, Fault> {
    let cell = |name: &str| {
        let place = columns.iter().position(|column| *column == name)?;
        record.get(place).filter(|text| !text.is_empty())
    };
    let missing = |field: &str, detail: &str| Fault {
        line,
        field: field.to_owned(),
        code: "missing-field".to_owned(),
        detail: detail.to_owned(),
    };
    let subject = cell("subject").ok_or_else(|| missing("subject", "a subject is needed"))?;
    let profile = cell("profile").or(profile.map(ProfileId::as_str));
    let profile =
        profile.ok_or_else(|| missing("profile", "name a profile here, or for all by --profile"))?;
    let sans: Vec<&str> =
        cell("san").unwrap_or_default().split(';').map(str::trim).filter(|s| !s.is_empty()).collect();
    let body =
        json!({"profile": profile, "subject": subject, "sans": sans, "ttl": cell("ttl").unwrap_or(ttl)});
    let size = body.to_string().len() + 1;
    Ok(Row { line, body, size })
}

fn unreadable(line: u64, error: &csv::Error) -> Fault {
    let detail = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the heading has {expected_len}: quote a field that holds a comma")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it cannot be read as CSV".to_owned(),
    };
    Fault { line, field: String::new(), code: "bad-csv".to_owned(), detail }
}

fn bad(why: &str) -> Error {
    Error::invalid("bad-csv", format!("the file {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Vec<Row>, Vec<Fault>)> {
        let profile = "scep-device".parse().unwrap();
        read(text.as_bytes(), Some(&profile), "1h")
    }

    #[test]
    fn lines_become_what_the_api_takes() {
        let text = "\u{feff}Subject,san,profile,ttl\r\n\"CN=gw1,O=Acme\", dns:gw1.example ; ip:10.0.0.1 ,,\r\n\
                    \r\nCN=gw2,,phone-lsc,7d\r\n";
        let (rows, faults) = of(text).unwrap();
        assert_eq!(faults, []);
        let first = json!({"profile": "scep-device", "subject": "CN=gw1,O=Acme",
            "sans": ["dns:gw1.example", "ip:10.0.0.1"], "ttl": "1h"});
        assert_eq!((rows[0].line, &rows[0].body), (2, &first));
        let second = json!({"profile": "phone-lsc", "subject": "CN=gw2", "sans": [], "ttl": "7d"});
        assert_eq!((rows[1].line, &rows[1].body), (4, &second));
    }

    #[test]
    fn a_faulty_line_is_named_and_the_others_are_read() {
        let (rows, faults) = of("subject,ttl\nCN=gw1,O=Acme,1h\n,1h\nCN=gw3,\n").unwrap();
        assert_eq!(rows.len(), 1);
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "line 2: 3 fields where the heading has 2: quote a field that holds a comma");
        assert_eq!(told[1], "line 3, subject: a subject is needed");
        let (_, faults) = read(b"subject\nCN=gw1\n\xff\xfe\n", None, "1h").unwrap();
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "line 2, profile: name a profile here, or for all by --profile");
        assert_eq!(told[1], "line 3: it is not UTF-8");
    }

    #[test]
    fn a_heading_is_needed_and_holds_known_columns_once() {
        for (text, why) in [
            ("", "subject"),
            ("CN=gw1\n", "CN=gw1"),
            ("subject,colour\nCN=gw1,red\n", "colour"),
            ("subject,Subject\nCN=gw1,x\n", "twice"),
            ("san\ndns:x\n", "subject"),
            ("subject\n", "no line"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.code() == "bad-csv" && error.detail().contains(why), "{text:?}: {error}");
        }
        let many = format!("subject\n{}", "CN=x\n".repeat(MOST + 1));
        assert!(of(&many).unwrap_err().detail().contains("100,000"));
    }
}
