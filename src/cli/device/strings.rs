//! Where generated authentication strings are written: a file of its owner alone.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::Value;

use crate::cli::{csv, show, usage};
use crate::error::{Error, Kind, Result};

const COLUMNS: &[show::Column] = &[("NAME", "name"), ("STRING", "string")];

/// Strings that are being written, each as soon as it is there: it is shown only once.
pub struct Strings {
    sheet: csv::Sheet<File>,
    file: File,
    count: u64,
}

impl Strings {
    /// A new file (0600); nothing that exists is overwritten. Errors: `unwritable-file`; `usage` without a name.
    pub fn create(path: Option<&Path>) -> Result<Self> {
        let path = path.ok_or_else(|| usage("name a file for the strings that are generated: --out FILE"))?;
        let unwritable = |e: std::io::Error| {
            let text = "cannot write the authentication strings: name a new file with --out";
            Error::invalid("unwritable-file", text).because(e)
        };
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritable)?;
        let copy = file.try_clone().map_err(unwritable)?;
        Ok(Self { sheet: csv::Sheet::new(copy, COLUMNS), file, count: 0 })
    }

    /// Writes those of an answer. Errors: `unwritable-file`.
    pub fn write(&mut self, strings: &[Value]) -> Result<()> {
        self.count += strings.len() as u64;
        if strings.is_empty() { Ok(()) } else { self.sheet.rows(strings) }
    }

    /// Ends it: all are on the disk. Returns how many. Errors: `unwritable-file`.
    pub fn close(self) -> Result<u64> {
        self.file.sync_all().map_err(|e| {
            Error::invalid("unwritable-file", "the authentication strings may not all be on the disk")
                .because(e)
        })?;
        Ok(self.count)
    }
}

/// Whether a request may have been done though it was not answered.
pub fn is_uncertain(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unreachable | Kind::Busy)
}

/// What is said of those whose strings were being generated when the answer failed to come.
pub fn unknown(error: &Error, which: &str) -> Error {
    let text = format!(
        "{}; what became of {which} is unknown, and so are their strings: look whether the server works, then do \
         it again for them with a new --out",
        error.detail()
    );
    Error::new(error.kind(), error.code(), text)
}
