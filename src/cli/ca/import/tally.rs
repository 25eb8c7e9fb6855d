//! What became of everything: counted, with the first findings by file and reason.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::sources::Place;
use crate::cli::progress::Progress;
use crate::cli::{Context, show};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::x509::crl::Crl;

/// How many findings are kept; the rest is counted.
const KEPT: usize = 1000;
/// How many findings people see.
const SHOWN: usize = 20;

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Sort {
    Certificate,
    Revocation,
}

#[derive(Default)]
struct Counts {
    read: u64,
    imported: u64,
    known: u64,
    skipped: u64,
    refused: u64,
}

/// One that was skipped or refused.
pub(super) struct Finding {
    file: String,
    number: usize,
    outcome: &'static str,
    code: String,
    reason: String,
}

impl Finding {
    pub(super) fn skipped(place: &Place, reason: &str) -> Self {
        Self::new(place, "skipped", "skipped", reason)
    }

    pub(super) fn refused(place: &Place, error: &Error) -> Self {
        Self::new(place, "refused", error.code(), error.detail())
    }

    fn new(place: &Place, outcome: &'static str, code: &str, reason: &str) -> Self {
        let file = place.file.display().to_string();
        Self { file, number: place.number, outcome, code: code.to_owned(), reason: reason.to_owned() }
    }

    fn json(&self) -> Value {
        json!({"file": self.file, "place": self.number, "outcome": self.outcome, "code": self.code,
            "reason": self.reason})
    }
}

/// All of it.
pub(super) struct Tally {
    strict: bool,
    clock: Clock,
    certificates: Counts,
    revocations: Counts,
    findings: Vec<Finding>,
    left_out: u64,
    warnings: Vec<String>,
    progress: Progress,
}

impl Tally {
    pub(super) fn new(strict: bool, clock: Clock) -> Self {
        Self {
            strict,
            clock,
            certificates: Counts::default(),
            revocations: Counts::default(),
            findings: Vec::new(),
            left_out: 0,
            warnings: Vec::new(),
            progress: Progress::new("read", None),
        }
    }

    pub(super) fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    /// A CRL that should have been followed by another may lack revocations.
    pub(super) fn warn_of_old(&mut self, crls: &[(PathBuf, Crl)]) {
        let now = self.clock.now();
        for (file, crl) in crls {
            let Some(end) = crl.next_update().filter(|end| *end < now) else { continue };
            let file = file.display();
            self.warn(&format!("{file} is out of date since {end}: what was revoked later is not on it"));
        }
    }

    pub(super) fn read(&mut self, sort: Sort) {
        self.counts(sort).read += 1;
        self.progress.add(1, 0);
    }

    pub(super) fn imported(&mut self, sort: Sort, count: u64) {
        self.counts(sort).imported += count;
    }

    /// What the server says became of a batch that was found at `places`. Errors: as [`Self::find`].
    pub(super) fn take(&mut self, sort: Sort, answer: &Value, places: &[Place]) -> Result<()> {
        let counts = self.counts(sort);
        counts.imported += answer["imported"].as_u64().unwrap_or_default();
        counts.known += answer["known"].as_u64().unwrap_or_default();
        for finding in answer["findings"].as_array().into_iter().flatten() {
            let index = finding["index"].as_u64().and_then(|i| usize::try_from(i).ok()).unwrap_or_default();
            let Some(place) = places.get(index) else { continue };
            let text = |name: &str| finding[name].as_str().unwrap_or_default();
            let outcome = if text("outcome") == "skipped" { "skipped" } else { "refused" };
            self.find(sort, Finding::new(place, outcome, text("code"), text("reason")))?;
        }
        Ok(())
    }

    /// Notes one that was skipped or refused. Errors: `import-stopped` for a refused one where that is to stop it.
    pub(super) fn find(&mut self, sort: Sort, finding: Finding) -> Result<()> {
        let refused = finding.outcome == "refused";
        let counts = self.counts(sort);
        *if refused { &mut counts.refused } else { &mut counts.skipped } += 1;
        if refused && self.strict {
            let Finding { file, number, reason, .. } = finding;
            let detail =
                format!("{file}, {number}: {reason}; nothing is active yet, and a repeated import goes on");
            return Err(Error::invalid("import-stopped", detail));
        }
        // What was refused is never crowded out by what was only skipped.
        if self.findings.len() == KEPT {
            self.left_out += 1;
            let skipped = self.findings.iter().position(|f| f.outcome == "skipped").filter(|_| refused);
            let Some(place) = skipped else { return Ok(()) };
            self.findings.swap_remove(place);
        }
        self.findings.push(finding);
        Ok(())
    }

    /// Prints it: one object for scripts, sentences for people.
    pub(super) fn report(&self, context: &Context, id: &CaId, end: &Value, dry_run: bool) -> Result<()> {
        self.progress.end();
        if context.is_json() {
            return show::json(&self.document(id, end, dry_run));
        }
        let said = if dry_run { "would be" } else { "is" };
        match end["crl"]["number"].as_u64() {
            Some(number) => {
                println!(
                    "{id} is one of our CAs; its CRL {number} lists {} revocations",
                    end["crl"]["entries"]
                );
            }
            None => println!(
                "{id} ({}) {said} brought in; nothing was changed",
                end["subject"].as_str().unwrap_or("-")
            ),
        }
        println!("certificates: {}", self.certificates);
        println!("revocations:  {}", self.revocations);
        self.tell_findings();
        Ok(())
    }

    fn tell_findings(&self) {
        for warning in &self.warnings {
            eprintln!("warning: {warning}");
        }
        let refused = || self.findings.iter().filter(|f| f.outcome == "refused");
        for finding in refused().take(SHOWN) {
            eprintln!("refused: {}, {}: {}", finding.file, finding.number, finding.reason);
        }
        if refused().count() > SHOWN {
            eprintln!("and more; --output json tells them");
        }
    }

    fn document(&self, id: &CaId, end: &Value, dry_run: bool) -> Value {
        json!({
            "id": id.as_str(),
            "state": if dry_run { "checked" } else { "active" },
            "certificates": self.certificates.json(),
            "revocations": self.revocations.json(),
            "crl": end["crl"],
            "warnings": self.warnings,
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "findings_left_out": self.left_out,
        })
    }

    fn counts(&mut self, sort: Sort) -> &mut Counts {
        match sort {
            Sort::Certificate => &mut self.certificates,
            Sort::Revocation => &mut self.revocations,
        }
    }
}

impl Counts {
    fn json(&self) -> Value {
        json!({"read": self.read, "imported": self.imported, "known": self.known, "skipped": self.skipped,
            "refused": self.refused})
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { read, imported, known, skipped, refused } = self;
        write!(
            f,
            "{read} read, {imported} taken in, {known} known already, {skipped} skipped, {refused} refused"
        )
    }
}
