//! Lists as CSV (RFC 4180), for spreadsheets and scripts.

use std::io::Write;

use serde_json::Value;

use crate::cli::show::{self, Column};
use crate::error::{Error, Result};

pub mod reading;

/// A sheet that is being written: one line a thing, under the names of the fields of the API.
pub struct Sheet<W: Write> {
    writer: csv::Writer<W>,
    fields: Vec<String>,
    begun: bool,
}

impl<W: Write> Sheet<W> {
    /// A sheet whose first columns are these; the other fields of its first rows follow by name.
    pub fn new(out: W, columns: &[Column]) -> Self {
        let fields = columns.iter().map(|(_, field)| (*field).to_owned()).collect();
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        Self { writer, fields, begun: false }
    }

    /// Writes rows; before the first ones the heading.
    pub fn rows(&mut self, items: &[Value]) -> Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.add_fields(items);
            self.writer.write_record(&self.fields).map_err(unwritable)?;
        }
        for item in items {
            let cells = self.fields.iter().map(|field| cell(show::inner(item, field)));
            self.writer.write_record(cells).map_err(unwritable)?;
        }
        self.writer.flush().map_err(unwritable)
    }

    fn add_fields(&mut self, items: &[Value]) {
        for (name, value) in items.iter().filter_map(Value::as_object).flatten() {
            let shown = self.fields.iter().any(|f| f.split('.').next() == Some(name));
            if !shown && !value.is_object() {
                self.fields.push(name.clone());
            }
        }
    }
}

/// A value as a cell. What a spreadsheet would take for a formula is led by an apostrophe: names come from devices.
fn cell(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    let text = show::text(value);
    if value.is_string() && text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

fn unwritable(e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::invalid("unwritable-file", "cannot write the result").because(e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// ADMINJSON-53
    #[test]
    fn a_sheet_has_one_heading_every_field_and_no_formula() {
        let mut out = Vec::new();
        let mut sheet = Sheet::new(&mut out, &[("NAME", "name"), ("N", "crl.number")]);
        let item =
            json!({"name": "=cmd()", "crl": {"number": 7}, "sans": ["dns:a", "dns:b"], "id": "x,\"y\""});
        sheet.rows(&[item]).unwrap();
        sheet.rows(&[json!({"name": null, "crl": {"number": -1}, "sans": [], "id": "z\nz"})]).unwrap();
        drop(sheet);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name,crl.number,id,sans\r\n'=cmd(),7,\"x,\"\"y\"\"\",\"dns:a, dns:b\"\r\n,-1,z\u{fffd}z,\r\n"
        );
    }
}
