//! The lines of a CSV file that challenges are made from.

use serde_json::{Value, json};

use crate::cli::csv::reading::{self, Fault, Lines, bad};
use crate::error::Result;
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

/// Reads the file: a heading, then a challenge a line; `profile` and `ttl` are for lines without their own.
/// Lines that cannot be read are faults. Errors: `bad-csv` for the heading, or too many lines.
pub fn read(bytes: &[u8], profile: Option<&ProfileId>, ttl: &str) -> Result<(Vec<Row>, Vec<Fault>)> {
    let (mut reader, bytes) = reading::reader(bytes);
    let columns = reading::columns(reader.headers(), &COLUMNS, "subject")?;
    let (mut rows, mut faults, mut lines) = (Vec::new(), Vec::new(), Lines::new(bytes));
    for record in reader.records() {
        if rows.len() + faults.len() >= MOST {
            return Err(bad("has more than 100,000 lines: cut it in pieces"));
        }
        let line = lines.of(&record);
        let read = record.map_err(|e| Fault::unreadable(line, &e));
        match read.and_then(|r| row(line, &columns, &r, profile, ttl)) {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    if rows.is_empty() && faults.is_empty() {
        return Err(bad("has no line below its heading"));
    }
    Ok((rows, faults))
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
