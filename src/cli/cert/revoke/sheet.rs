//! The CSV file of a bulk revocation: serial numbers or fingerprints.

use std::path::Path;

use csv::StringRecord;

use crate::cli::usage;
use crate::error::{Error, Result};

/// Certificates of one run.
const MOST: usize = 1_000_000;

/// The certificates that a file names, as the API takes them. Errors: `unreadable-file`; `usage` without a column that
/// names them, or for a row that names none, with its line.
pub(super) fn read(file: &Path) -> Result<Vec<String>> {
    let unreadable = |e: csv::Error| {
        Error::invalid("unreadable-file", format!("cannot read {}", file.display())).because(e)
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(unreadable)?;
    let columns = Columns::of(reader.headers().map_err(unreadable)?)
        .ok_or_else(|| usage(format!("{} has neither a column serial nor fingerprint", file.display())))?;
    let mut names = Vec::new();
    for (number, row) in reader.records().enumerate() {
        let place = format!("{}, line {}", file.display(), number + 2);
        let row = row.map_err(|e| usage(format!("{place}: {e}")))?;
        names.push(columns.name(&row).ok_or_else(|| usage(format!("{place}: no serial number")))?);
        if names.len() > MOST {
            return Err(usage(format!("one run takes {MOST} certificates at most")));
        }
    }
    Ok(names)
}

/// Where the names stand.
struct Columns {
    serial: Option<usize>,
    ca: Option<usize>,
    fingerprint: Option<usize>,
}

impl Columns {
    fn of(headers: &StringRecord) -> Option<Self> {
        // Spreadsheets write a byte order mark.
        let is = |header: &str, name: &str| header.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
        let place = |name: &str| headers.iter().position(|header| is(header, name));
        let columns = Self {
            serial: place("serial"),
            ca: place("ca"),
            fingerprint: place("fingerprint").or_else(|| place("fingerprint_sha256")),
        };
        (columns.serial.is_some() || columns.fingerprint.is_some()).then_some(columns)
    }

    fn name(&self, row: &StringRecord) -> Option<String> {
        let cell = |place: Option<usize>| place.and_then(|p| row.get(p)).filter(|text| !text.is_empty());
        match (cell(self.serial), cell(self.ca)) {
            (Some(serial), Some(ca)) if !serial.contains('.') => Some(format!("{ca}.{serial}")),
            (Some(serial), _) => Some(serial.to_owned()),
            (None, _) => cell(self.fingerprint).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn certificates_are_named_by_serial_ca_or_fingerprint() {
        let listed =
            "\u{feff}serial,subject,ca\r\n3F0A,\"CN=a, b\",old-ca\r\nnew-ca.02,,old-ca\r\n 04 ,,\r\n";
        assert_eq!(names(listed).unwrap(), ["old-ca.3F0A", "new-ca.02", "04"]);
        assert_eq!(names("Fingerprint,Serial\nAB:CD,\n,07\n").unwrap(), ["AB:CD", "07"]);
        assert_eq!(names("serial\n").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_names_none_is_refused_with_the_line() {
        assert!(names("subject\nCN=a\n").unwrap_err().detail().contains("neither a column serial"));
        assert!(names("serial,ca\n01,x\n,x\n").unwrap_err().detail().contains("line 3: no serial number"));
        assert!(names("serial,ca\n01\n").unwrap_err().detail().contains("line 2"));
    }
}
