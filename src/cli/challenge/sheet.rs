//! Where new challenges are written: CSV, to a file of their own or to standard output.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::challenge::rows::Row;
use crate::cli::show;
use crate::error::{Error, Result};

/// A sheet of challenges that is being written.
pub struct Sheet {
    file: Option<File>,
    /// For `--output json`: one document at the end.
    items: Option<Vec<Value>>,
}

impl Sheet {
    /// A new file (0600), or standard output; nothing that exists is overwritten. Errors: `unwritable-file`.
    pub fn open(file: Option<&Path>, json: bool) -> Result<Self> {
        let new = |path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map(new).transpose().map_err(|e| {
            Error::invalid("unwritable-file", "cannot write the challenges: name a new file with --out")
                .because(e)
        })?;
        let mut sheet = Self { file, items: json.then(Vec::new) };
        if sheet.items.is_none() {
            sheet.put(&line(&["line", "profile", "subject", "san", "challenge", "expires", "id"])?)?;
        }
        Ok(sheet)
    }

    /// Writes the challenges that were made for these lines.
    pub fn write(&mut self, rows: &[Row], made: &[Value]) -> Result<()> {
        for (row, challenge) in rows.iter().zip(made) {
            if let Some(items) = &mut self.items {
                let mut item = challenge.clone();
                item["line"] = json!(row.line);
                items.push(item);
                continue;
            }
            let text = |name: &str| challenge[name].as_str().unwrap_or_default().to_owned();
            let sans: Vec<_> =
                challenge["sans"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let cells = [
                row.line.to_string(),
                text("profile"),
                text("subject"),
                sans.join(";"),
                text("challenge"),
                text("expires"),
                text("id"),
            ];
            self.put(&line(&cells.each_ref().map(|cell| harmless(cell)))?)?;
        }
        Ok(())
    }

    /// Ends it: everything is on the disk, or on standard output.
    pub fn close(mut self) -> Result<()> {
        if let Some(items) = self.items.take() {
            let document = json!({"items": items});
            match &self.file {
                None => return show::json(&document),
                Some(_) => self.put(format!("{document:#}\n").as_bytes())?,
            }
        }
        self.file.map_or(Ok(()), |file| file.sync_all()).map_err(unwritable)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()),
        }
        .map_err(unwritable)
    }
}

fn line<T: AsRef<str>>(cells: &[T]) -> Result<Zeroizing<Vec<u8>>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(cells.iter().map(|cell| cell.as_ref().as_bytes()));
    written.map_err(|e| Error::internal("cannot write CSV").because(e))?;
    let bytes = writer.into_inner().map_err(|_| Error::internal("cannot write CSV"))?;
    Ok(Zeroizing::new(bytes))
}

/// What a spreadsheet would take for a formula is text (ADMINJSON-53).
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn unwritable(e: std::io::Error) -> Error {
    Error::invalid("unwritable-file", "cannot write the challenges").because(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adminjson_53_no_cell_is_a_formula() {
        for (cell, expected) in
            [("=cmd()", "'=cmd()"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("CN=x", "CN=x")]
        {
            assert_eq!(harmless(cell), expected);
        }
        assert_eq!(*line(&["a,b", "c\"d"]).unwrap(), b"\"a,b\",\"c\"\"d\"\n");
    }
}
