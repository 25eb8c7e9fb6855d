//! What a check found.

use std::collections::BTreeMap;

const MAX_FINDINGS: usize = 100;

/// Findings (none: all is well) and how much was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, in words; at most 100.
    pub findings: Vec<String>,
    /// How many findings there were beyond those.
    pub further: u64,
    /// How much was looked at, by name.
    pub counts: BTreeMap<String, u64>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds a finding.
    pub fn find(&mut self, finding: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding.into());
        } else {
            self.further += 1;
        }
    }

    /// Counts `more` of what was looked at.
    pub fn count(&mut self, what: &str, more: u64) {
        *self.counts.entry(what.to_owned()).or_default() += more;
    }

    /// Takes over everything of another report.
    pub fn append(&mut self, other: Self) {
        for finding in other.findings {
            self.find(finding);
        }
        self.further += other.further;
        for (what, count) in other.counts {
            self.count(&what, count);
        }
    }
}
