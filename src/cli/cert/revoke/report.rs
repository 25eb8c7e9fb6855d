//! What is told of many revocations.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::cli::csv::Sheet;
use crate::cli::{Context, Output, show};
use crate::error::Result;

const COLUMNS: &[show::Column] = &[
    ("NAME", "name"),
    ("SERIAL", "serial"),
    ("CA", "ca"),
    ("SUBJECT", "subject"),
    ("DEVICE", "device"),
    ("PROFILE", "profile"),
    ("EXPIRES", "not_after"),
    ("OUTCOME", "outcome"),
    ("CODE", "code"),
    ("DETAIL", "detail"),
];
/// What people see of a dry run.
const PLANNED: &[show::Column] = &[
    ("SERIAL", "serial"),
    ("SUBJECT", "subject"),
    ("DEVICE", "device"),
    ("PROFILE", "profile"),
    ("EXPIRES", "not_after"),
    ("OUTCOME", "outcome"),
    ("DETAIL", "detail"),
];
/// What people see of what was not done.
const MISSED: &[show::Column] =
    &[("NAME", "name"), ("SERIAL", "serial"), ("SUBJECT", "subject"), ("CODE", "code"), ("DETAIL", "detail")];

/// The rows of a run: counted, and written or kept as the output wants them.
pub(super) struct Report {
    dry_run: bool,
    output: Output,
    sheet: Option<Sheet<std::io::Stdout>>,
    kept: Vec<Value>,
    revoked: u64,
    known: u64,
    pub refused: u64,
}

impl Report {
    pub(super) fn new(context: &Context, dry_run: bool) -> Self {
        let output = context.global.output;
        let sheet = (output == Output::Csv).then(|| Sheet::new(std::io::stdout(), COLUMNS));
        Self { dry_run, output, sheet, kept: Vec::new(), revoked: 0, known: 0, refused: 0 }
    }

    /// Takes rows as the server answered. Returns how many of them were done, and how many were refused.
    pub(super) fn take(&mut self, rows: Vec<Value>) -> Result<(u64, u64)> {
        let (mut done, mut refused) = (0, 0);
        for row in &rows {
            match row["outcome"].as_str() {
                Some("revoked" | "would-be-revoked") => self.revoked += 1,
                Some("known") => self.known += 1,
                _ => {
                    self.refused += 1;
                    refused += 1;
                    continue;
                }
            }
            done += 1;
        }
        match (&mut self.sheet, self.output, self.dry_run) {
            (Some(sheet), _, _) => sheet.rows(&rows)?,
            (None, Output::Text, false) => {
                self.kept.extend(rows.into_iter().filter(|row| row["outcome"] == "refused"));
            }
            (None, Output::Json | Output::Csv, _) | (None, Output::Text, true) => self.kept.extend(rows),
        }
        Ok((done, refused))
    }

    /// Prints what was not printed yet.
    pub(super) fn print(mut self, context: &Context) -> Result<()> {
        let (revoked, known, refused) = (self.revoked, self.known, self.refused);
        match self.output {
            Output::Csv => self.sheet.as_mut().map_or(Ok(()), |sheet| sheet.rows(&[])),
            Output::Json => show::json(&json!({"dry_run": self.dry_run, "revoked": revoked, "known": known,
                "refused": refused, "items": self.kept})),
            Output::Text => {
                if !self.kept.is_empty() {
                    let columns = if self.dry_run { PLANNED } else { MISSED };
                    show::list(context, &json!({"items": self.kept}), columns, "")?;
                }
                let verb = if self.dry_run { "would be revoked" } else { "revoked" };
                println!("{verb} {revoked}, revoked before {known}, refused {refused}");
                Ok(())
            }
        }
    }
}

/// What a run is about, for the question before it.
#[derive(Default)]
pub(super) struct Plan {
    by_profile: BTreeMap<String, u64>,
    devices: HashSet<String>,
    pub wanted: u64,
    known: u64,
    refused: u64,
}

impl Plan {
    pub(super) fn add(&mut self, row: &Value) {
        match row["outcome"].as_str() {
            Some("would-be-revoked") => {
                self.wanted += 1;
                *self.by_profile.entry(show::text(&row["profile"])).or_default() += 1;
                self.devices.extend(row["device"].as_str().map(str::to_owned));
            }
            Some("known") => self.known += 1,
            _ => self.refused += 1,
        }
    }

    /// In a sentence.
    pub(super) fn sentence(&self, reason: &str) -> String {
        let profiles: Vec<String> = self.by_profile.iter().map(|(name, n)| format!("{n} {name}")).collect();
        let devices = match self.devices.len() {
            0 => String::new(),
            n => format!(", of {n} devices"),
        };
        format!(
            "to be revoked ({reason}): {} ({}){devices}; revoked before: {}; refused: {}",
            self.wanted,
            profiles.join(", "),
            self.known,
            self.refused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_says_what_and_whose() {
        let mut plan = Plan::default();
        for (outcome, profile, device) in [
            ("would-be-revoked", "tls-server", None),
            ("would-be-revoked", "phone-lsc", Some("SEP1")),
            ("would-be-revoked", "phone-lsc", Some("SEP1")),
            ("known", "phone-lsc", Some("SEP2")),
            ("refused", "signet-tls", None),
        ] {
            plan.add(&json!({"outcome": outcome, "profile": profile, "device": device}));
        }
        assert_eq!(
            plan.sentence("superseded"),
            "to be revoked (superseded): 3 (2 phone-lsc, 1 tls-server), of 1 devices; revoked before: 1; refused: 1"
        );
    }
}
