//! The lines of a CSV file of devices.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value, json};

use crate::cli::csv::reading::{self, Fault, Lines, bad};
use crate::cli::device::words;
use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::records::{Authentication, KeyOrder};
use crate::error::{Error, Result};
use crate::id::ProfileId;

/// The most of a file that is read, and of its lines.
pub const LARGEST: u64 = 512 * 1024 * 1024;
const MOST: u64 = 1_000_000;

/// What an import takes, in the order of an export.
pub const COLUMNS: [&str; 9] =
    ["name", "model", "region", "profile", "operation", "auth", "string", "key", "deadline"];
/// What an export says besides; an import passes it over.
pub const STATE_COLUMNS: [&str; 13] = [
    "state",
    "reason",
    "changed_at",
    "locked_until",
    "seen_at",
    "seen_address",
    "lsc_serial",
    "lsc_key",
    "lsc_issuer",
    "lsc_not_after",
    "mic_key",
    "mic_issuer",
    "mic_not_after",
];

/// A device that is wanted so.
#[derive(Debug)]
pub struct Row {
    /// The line it stands on.
    pub line: u64,
    /// As the API takes it.
    pub body: Value,
    /// About how many bytes that is.
    pub size: usize,
}

/// What a look at every line found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many lines there are.
    pub lines: u64,
    /// Whether a line asks for an authentication string to be generated.
    pub generates: bool,
}

/// A file of devices, whose heading was read.
pub struct Sheet<'a> {
    bytes: &'a [u8],
    columns: Vec<&'static str>,
    profile: Option<&'a ProfileId>,
}

impl<'a> Sheet<'a> {
    /// Reads the heading; `profile` is for new devices whose line names none. Errors: `bad-csv`.
    pub fn open(bytes: &'a [u8], profile: Option<&'a ProfileId>) -> Result<Self> {
        let (mut reader, _) = reading::reader(bytes);
        let known: Vec<&'static str> = COLUMNS.iter().chain(&STATE_COLUMNS).copied().collect();
        let columns = reading::columns(reader.headers(), &known, "name")?;
        Ok(Self { bytes, columns, profile })
    }

    /// Looks at every line. What is wrong goes to `faults`: also a device that stands twice.
    /// Errors: `bad-csv` without a line, or with too many.
    pub fn check(&self, faults: &mut Vec<Fault>) -> Result<Checked> {
        let (mut checked, mut seen) = (Checked::default(), HashMap::new());
        for (_, row) in self.lines() {
            checked.lines += 1;
            if checked.lines > MOST {
                return Err(bad("has more than 1,000,000 lines: cut it in pieces"));
            }
            match row.and_then(|row| once(row, &mut seen)) {
                Ok(row) => checked.generates |= row.body["string"] == "generate",
                Err(fault) => faults.push(fault),
            }
        }
        if checked.lines == 0 {
            return Err(bad("has no line below its heading"));
        }
        Ok(checked)
    }

    /// Every line that can be read, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.lines().filter_map(|(_, row)| row.ok())
    }

    fn lines(&self) -> impl Iterator<Item = (u64, Result<Row, Fault>)> {
        let (reader, bytes) = reading::reader(self.bytes);
        let mut lines = Lines::new(bytes);
        reader.into_records().map(move |record| {
            let line = lines.of(&record);
            let read = record.map_err(|e| Fault::unreadable(line, &e));
            (line, read.and_then(|record| self.row(line, &record)))
        })
    }

    fn row(&self, line: u64, record: &csv::StringRecord) -> Result<Row, Fault> {
        let fault = |field: &str, e: &Error| Fault {
            line,
            field: field.to_owned(),
            code: e.code().to_owned(),
            detail: e.detail().to_owned(),
        };
        let mut body = Map::new();
        for (column, cell) in self.columns.iter().zip(record) {
            let cell = plain(cell);
            if let Some(field) = field(column).filter(|_| !cell.is_empty()) {
                check(column, cell).map_err(|e| fault(column, &e))?;
                body.insert(field.to_owned(), cell.into());
            }
        }
        if !body.contains_key("name") {
            return Err(fault("name", &Error::invalid("missing-field", "a name is needed")));
        }
        if let Some(profile) = self.profile {
            body.entry("profile").or_insert_with(|| json!(profile.as_str()));
        }
        whole(&body).map_err(|(column, e)| fault(column, &e))?;
        let body = Value::Object(body);
        let size = body.to_string().len() + 1;
        Ok(Row { line, body, size })
    }
}

/// The field of the API that a column is for; none for what is passed over.
fn field(column: &str) -> Option<&str> {
    match column {
        "auth" => Some("authentication"),
        other => COLUMNS.contains(&other).then_some(other),
    }
}

/// Without the apostrophe that our own sheets put before what a spreadsheet would take for a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell)
}

/// What can be seen without the server.
fn check(column: &str, cell: &str) -> Result<()> {
    match column {
        "name" => cell.parse::<DeviceName>().map(drop),
        "profile" => cell.parse::<ProfileId>().map(drop),
        "operation" => words::operation(cell).map(drop),
        "auth" => cell.parse::<Authentication>().map(drop),
        "string" => words::string(cell).map(drop),
        "key" => cell.parse::<KeyOrder>().map(drop),
        "deadline" => Timestamp::parse(cell).map(drop),
        _ => Ok(()),
    }
}

/// What belongs together: how an operation is done is only said with it.
fn whole(body: &Map<String, Value>) -> Result<(), (&'static str, Error)> {
    let given = |field: &str| body.get(field).and_then(Value::as_str);
    let is_set = given("operation").is_some_and(|operation| operation != "none");
    for (column, field) in
        [("auth", "authentication"), ("string", "string"), ("key", "key"), ("deadline", "deadline")]
    {
        if !is_set && given(field).is_some() {
            let rule = format!("{column} goes with an operation: install, fetch or delete");
            return Err((column, Error::invalid("missing-field", rule)));
        }
    }
    if given("string").is_some() && given("authentication").is_some_and(|how| how != "string") {
        let rule = "a string goes with the authentication \"string\"";
        return Err(("string", Error::invalid("invalid-authentication", rule)));
    }
    Ok(())
}

/// A device stands once in a file: of two lines the later would undo the first.
fn once(row: Row, seen: &mut HashMap<String, u64>) -> Result<Row, Fault> {
    let name = row.body["name"].as_str().unwrap_or_default().to_ascii_uppercase();
    match seen.entry(name) {
        Entry::Vacant(place) => {
            place.insert(row.line);
            Ok(row)
        }
        Entry::Occupied(first) => Err(Fault {
            line: row.line,
            field: "name".to_owned(),
            code: "duplicate-device".to_owned(),
            detail: format!("the device stands on line {} too", first.get()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        Sheet::open(text.as_bytes(), None).unwrap().check(&mut faults).unwrap();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_become_what_the_api_takes_in_any_order_of_columns() {
        let text = "\u{feff}Region,NAME,operation,auth,key,state,deadline\r\n\
                    EMEA,SEP0123456789AB,install,existing-mic,p-384/rsa-2048,failed,2027-01-01T00:00:00Z\r\n\
                    \r\n'-lab,CSFjdoe,,,,,\r\n";
        let profile = "phone-lsc".parse().unwrap();
        let sheet = Sheet::open(text.as_bytes(), Some(&profile)).unwrap();
        let mut faults = Vec::new();
        let checked = sheet.check(&mut faults).unwrap();
        assert_eq!((checked.lines, checked.generates, faults.len()), (2, false, 0));
        let rows: Vec<Row> = sheet.rows().collect();
        let first = json!({"name": "SEP0123456789AB", "region": "EMEA", "operation": "install",
            "authentication": "existing-mic", "key": "p-384/rsa-2048", "deadline": "2027-01-01T00:00:00Z",
            "profile": "phone-lsc"});
        assert_eq!((rows[0].line, &rows[0].body), (2, &first));
        let second = json!({"name": "CSFjdoe", "region": "-lab", "profile": "phone-lsc"});
        assert_eq!((rows[1].line, &rows[1].body), (4, &second));
    }

    #[test]
    fn every_faulty_line_is_named_with_its_column_and_rule() {
        let told = faults(
            "name,operation,auth,string,key,deadline\nSEP 1,,,,,\nSEPA,instal,,,,\nSEPB,install,string,12a4,,\n\
             SEPC,,,,rsa-2048,\nSEPD,install,existing-lsc,1234,,\nSEPE,install,,,rsa-2048/p-256,\n\
             SEPF,install,,,,tomorrow\nsepg,,,,,\nSEPG,,,,,\n,,,,,\nSEPH\n",
        );
        let begins = [
            "line 2, name: a device's name is",
            "line 3, operation: operation is one of",
            "line 4, string: ",
            "line 5, key: key goes with an operation",
            "line 6, string: a string goes with",
            "line 7, key: ",
            "line 8, deadline: not an RFC 3339 time",
            "line 10, name: the device stands on line 9 too",
            "line 11, name: a name is needed",
            "line 12: 1 fields where the heading has 6",
        ];
        assert_eq!(told.len(), begins.len(), "{told:#?}");
        for (told, begin) in told.iter().zip(begins) {
            assert!(told.starts_with(begin), "{told}");
        }
    }

    #[test]
    fn a_heading_names_known_columns_once() {
        for (text, why) in [
            ("", "names the column name"),
            ("SEP1\n", "SEP1"),
            ("name,colour\nSEP1,red\n", "colour"),
            ("name,Name\n", "twice"),
            ("model\n8845\n", "names the column name"),
        ] {
            let error = Sheet::open(text.as_bytes(), None).err().unwrap();
            assert!(error.code() == "bad-csv" && error.detail().contains(why), "{text:?}: {error}");
        }
        let error = Sheet::open(b"name\n", None).unwrap().check(&mut Vec::new()).unwrap_err();
        assert!(error.detail().contains("no line"), "{error}");
    }
}
