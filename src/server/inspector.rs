//! Looks into the store as a whole: for `audit verify` and `check`.

use std::sync::Arc;

use crate::admin::Inspector;
use crate::admin::api::audit::{AuditFinding, SignedHead, Verified};
use crate::admin::api::check::Checked;
use crate::error::{Error, Result};
use crate::server::heads;
use crate::storage::{Report, check::check, verify};
use crate::store::Db;
use crate::x509::key::PublicKey;

mod records;

use self::records::Records;

/// Looks into a store whose heads `key` signs.
pub struct StoreInspector {
    db: Db,
    key: PublicKey,
    fault: Arc<heads::Fault>,
    runtime: tokio::runtime::Handle,
}

impl StoreInspector {
    /// Made inside the runtime that the store's reads are driven by.
    pub fn new(db: Db, key: PublicKey) -> Self {
        Self { db, key, fault: Arc::default(), runtime: tokio::runtime::Handle::current() }
    }

    /// The same, telling what the server finds against the log.
    #[must_use]
    pub fn with_fault(self, fault: Arc<heads::Fault>) -> Self {
        Self { fault, ..self }
    }

    /// The kept head, then the chain: a log that was cut before `head` is named as cut.
    fn verify_against(&self, head: Option<&SignedHead>) -> Result<Report> {
        let snapshot = self.db.raw().snapshot()?;
        let mut report = verify::verify_chain(&*snapshot)?;
        if let Some(signed) = head {
            match heads::verify(signed, &self.key) {
                Ok(kept) => report.append(verify::compare_head(&*snapshot, kept)?),
                Err(e) => report.find(format!("the given head does not hold: {}", e.detail())),
            }
        }
        Ok(report)
    }
}

impl Inspector for StoreInspector {
    fn verify(&self, head: Option<SignedHead>) -> Result<Verified> {
        let report = self.verify_against(head.as_ref())?;
        let entries = report.counts.get("audit entries").copied().unwrap_or_default();
        let intact = report.is_clean();
        let findings = report
            .findings
            .into_iter()
            .map(|problem| AuditFinding { seq: place(&problem), problem })
            .collect();
        Ok(Verified { entries, intact, findings })
    }

    fn check(&self) -> Result<Checked> {
        let snapshot = self.db.raw().snapshot()?;
        let mut records = Records::begin(&*snapshot)?;
        let mut report =
            check(&*snapshot, &mut |kind, envelope, listed| records.look(kind, envelope, listed))?;
        records.end(&*snapshot, &mut report)?;
        let records = report.counts.get("records").copied().unwrap_or_default();
        Ok(Checked { records, ok: report.is_clean(), findings: report.findings })
    }

    fn head(&self) -> Result<SignedHead> {
        let newest = self.runtime.block_on(heads::newest(&self.db))?;
        newest.ok_or_else(|| Error::not_found("signed head", "yet"))
    }

    fn fault(&self) -> Option<String> {
        self.fault.reason()
    }
}

/// The first number in a finding that names entries.
fn place(problem: &str) -> Option<u64> {
    let words = problem.split_once("audit entr").map(|(_, rest)| rest)?;
    words.split(|c: char| !c.is_ascii_digit()).find(|w| !w.is_empty())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_given_its_place() {
        assert_eq!(place("audit entry 12 is missing"), Some(12));
        assert_eq!(place("audit entries 3 to 5 are missing"), Some(3));
        assert_eq!(place("the log was cut"), None);
    }
}
