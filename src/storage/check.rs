//! Whether records, indexes, counters and the audit log agree with each other.
//!
//! Both directions of an index are first compared as sums of fingerprints, which needs no memory;
//! only where they differ is each entry looked at.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::layout::MAX_KEY;
use super::report::Report;
use super::verify::verify_chain;
use crate::error::Result;
use crate::store::{AuditOrder, Envelope, Snapshot};

/// Looks at a record of a kind, as to decode it, with the index keys that its row lists (index and key, sorted,
/// without repeats); an error becomes a finding. Records come by rising kind and key.
pub type Look<'a> = dyn FnMut(u8, &Envelope, &[(u8, Vec<u8>)]) -> Result<()> + 'a;

/// Checks everything. Errors: `storage` where nothing can be read at all.
pub fn check(snapshot: &dyn Snapshot, look: &mut Look<'_>) -> Result<Report> {
    let mut report = verify_chain(snapshot)?;
    audit_orders(snapshot, &mut report);
    // Also kinds without a record may have index entries left.
    for kind in 0..=u8::MAX {
        if let Err(e) = kind_agrees(snapshot, kind, look, &mut report) {
            report.find(format!("kind {kind}: {e}"));
        }
    }
    let mut counters = 0;
    let read = snapshot.counters(&mut |kind, key, value| {
        counters += 1;
        if value < 0 {
            report.find(format!("counter {} of kind {kind} is {value}", hex(key)));
        }
        Ok(())
    });
    if let Err(e) = read {
        report.find(e.to_string());
    }
    report.count("counters", counters);
    Ok(report)
}

/// A number of entries and the sum of their fingerprints, the same in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u128,
}

impl Sum {
    fn add(&mut self, fingerprint: u128) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(fingerprint);
    }
}

fn fingerprint(index: u64, key: &[u8], record: &[u8]) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, index, key, record).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn kind_agrees(snapshot: &dyn Snapshot, kind: u8, look: &mut Look<'_>, report: &mut Report) -> Result<()> {
    let (mut listed, mut standing, mut records) = (Sum::default(), Sum::default(), 0);
    snapshot.records(kind, &mut |envelope, indexes| {
        records += 1;
        let indexes = distinct(indexes);
        for (index, key) in &indexes {
            listed.add(fingerprint((*index).into(), key, &envelope.key));
        }
        if let Err(e) = look(kind, &envelope, &indexes) {
            report.find(format!("record {} of kind {kind}: {e}", hex(&envelope.key)));
        }
        Ok(())
    })?;
    snapshot.index_entries(kind, &mut |index, key, record| {
        standing.add(fingerprint(index.into(), key, record));
        Ok(())
    })?;
    report.count("records", records);
    report.count("index entries", standing.count);
    if listed == standing { Ok(()) } else { name_differences(snapshot, kind, report) }
}

fn name_differences(snapshot: &dyn Snapshot, kind: u8, report: &mut Report) -> Result<()> {
    let (mut standing, mut holders) = (HashSet::new(), HashMap::new());
    snapshot.index_entries(kind, &mut |index, key, record| {
        standing.insert((index, key.to_vec(), record.to_vec()));
        holders.insert((index, key.to_vec()), record.to_vec());
        Ok(())
    })?;
    snapshot.records(kind, &mut |envelope, indexes| {
        for (index, key) in distinct(indexes) {
            let entry = (index, key, envelope.key.clone());
            if !standing.remove(&entry) {
                let (index, key, record) = entry;
                let text = absent(kind, index, &key, &record);
                let holder = holders.get(&(index, key)).filter(|holder| **holder != record);
                report.find(
                    holder.map_or(text.clone(), |holder| format!("{text}; it leads to {}", hex(holder))),
                );
            }
        }
        Ok(())
    })?;
    for (index, key, record) in standing {
        let (key, record) = (hex(&key), hex(&record));
        report.find(format!(
            "index {index} of kind {kind} leads from {key} to record {record}, which does not list it"
        ));
    }
    Ok(())
}

fn absent(kind: u8, index: u8, key: &[u8], record: &[u8]) -> String {
    format!("record {} of kind {kind} is missing in index {index} at {}", hex(record), hex(key))
}

fn distinct(mut indexes: Vec<(u8, Vec<u8>)>) -> Vec<(u8, Vec<u8>)> {
    indexes.sort();
    indexes.dedup();
    indexes
}

fn audit_orders(snapshot: &dyn Snapshot, report: &mut Report) {
    let (mut subjects, mut actions) = (Sum::default(), Sum::default());
    let read = snapshot.audit(0, &mut |place, entry| {
        subjects.add(fingerprint(place, cut(&entry.event.subject), &[]));
        actions.add(fingerprint(place, cut(&entry.event.action), &[]));
        Ok(())
    });
    if read.is_err() {
        // The chain has named it.
        return;
    }
    for (order, name, expected) in
        [(AuditOrder::Subject, "subject", subjects), (AuditOrder::Action, "action", actions)]
    {
        let mut found = Sum::default();
        let read = snapshot.audit_order(order, &mut |text, seq| {
            found.add(fingerprint(seq, text, &[]));
            Ok(())
        });
        match read {
            Err(e) => report.find(e.to_string()),
            Ok(()) if found != expected => report.find(format!(
                "the audit log's order by {name} has {} entries that do not match its {}",
                found.count, expected.count
            )),
            Ok(()) => {}
        }
    }
}

fn cut(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(MAX_KEY)]
}

fn hex(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(64);
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) {
        return shown.map(|b| char::from(*b)).collect();
    }
    shown.map(|b| format!("{b:02x}")).collect()
}
