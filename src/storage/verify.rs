//! Whether the audit log is what it was: its chain, and its chain against a head kept elsewhere.

use super::report::Report;
use crate::audit::{Entry, GENESIS, Head, Link};
use crate::error::Result;
use crate::store::Snapshot;

/// Finds altered, removed and reordered entries, and names them. Errors: `storage` where nothing
/// can be read at all.
pub fn verify_chain(snapshot: &dyn Snapshot) -> Result<Report> {
    let mut report = Report::default();
    let mut walk = Walk::begin();
    let read = snapshot.audit(0, &mut |place, entry| {
        walk.entry(place, &entry, &mut report);
        Ok(())
    });
    if let Err(e) = read {
        report.find(e.to_string());
        return Ok(report);
    }
    walk.end(snapshot.head()?, &mut report);
    Ok(report)
}

/// Compares the log with a head that was kept elsewhere: finds a cut tail and a rewritten log.
pub fn compare_head(snapshot: &dyn Snapshot, kept: Head) -> Result<Report> {
    let mut report = Report::default();
    if kept.seq == 0 {
        return Ok(report);
    }
    let mut found = None;
    let mut seen = 0;
    snapshot.audit(kept.seq, &mut |place, entry| {
        seen += 1;
        if place == kept.seq {
            found = Some(entry.hash);
        }
        Ok(())
    })?;
    match found {
        Some(hash) if hash == kept.hash => report.count("entries after the head", seen - 1),
        Some(_) => report.find(format!(
            "audit entry {} is not the one that the head was signed over: the log was rewritten",
            kept.seq
        )),
        None => report.find(format!(
            "the log was cut: the head was signed over entry {}, the log ends at {}",
            kept.seq,
            snapshot.head()?.seq
        )),
    }
    Ok(report)
}

/// Follows the audit log entry by entry.
pub(super) struct Walk {
    next: u64,
    previous: Link,
}

impl Walk {
    /// Before the first entry.
    pub(super) fn begin() -> Self {
        Self { next: 1, previous: GENESIS }
    }

    /// Holds the end of the log against its head.
    pub(super) fn end(&self, head: Head, report: &mut Report) {
        report.count("audit entries", self.next - 1);
        let last = Head { seq: self.next - 1, hash: self.previous };
        if head.seq > last.seq {
            report.find(format!("audit entries {} to {} are missing at the end", last.seq + 1, head.seq));
        } else if head != last {
            report.find(format!("the audit log ends at entry {}, its head says {}", last.seq, head.seq));
        }
    }

    /// Looks at the entry that stands at `place`.
    pub(super) fn entry(&mut self, place: u64, entry: &Entry, report: &mut Report) {
        if place > self.next {
            report.find(missing(self.next, place - 1));
        }
        if entry.seq != place {
            report.find(format!("audit entry {} stands in the place of {place}", entry.seq));
        } else if !entry.is_intact() {
            report.find(format!("audit entry {place} was altered: its hash is not that of its contents"));
        } else if place == self.next && entry.previous != self.previous {
            report.find(format!(
                "audit entry {place} does not follow the one before it: one of both was replaced"
            ));
        }
        self.next = place.saturating_add(1);
        self.previous = entry.hash;
    }
}

fn missing(from: u64, to: u64) -> String {
    if from == to {
        return format!("audit entry {from} is missing");
    }
    format!("audit entries {from} to {to} are missing")
}
