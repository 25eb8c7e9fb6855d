//! The audit log: its chain, its listings, and what tampering underneath it is found.

use signet::audit::{Entry, Head};
use signet::storage::engine::{Batch, Space};
use signet::storage::verify::{compare_head, verify_chain};
use signet::store::AuditFilter;

use super::*;

over_every_engine!(
    entries_are_chained_and_listed_newest_first,
    an_altered_entry_is_named,
    an_entry_altered_with_its_hash_is_named,
    a_removed_entry_is_named,
    swapped_entries_are_named,
    an_unreadable_entry_is_named,
    a_cut_tail_is_found,
    a_full_rewrite_is_found_by_a_kept_head,
    very_long_texts_are_listed_exactly,
);

async fn logged(engine: EngineKind, entries: u64) -> Fixture {
    let f = Fixture::new(engine);
    for n in 1..=entries {
        log(&f, if n % 2 == 0 { "thing.make" } else { "thing.break" }, &format!("thing:{}", n % 3)).await;
    }
    f
}

async fn log(f: &Fixture, action: &str, subject: &str) -> Head {
    let mut unit = Unit::new();
    unit.event(event(action, subject));
    f.store.commit(unit).await.unwrap().head
}

fn findings(f: &Fixture) -> Vec<String> {
    verify_chain(&*f.store.snapshot().unwrap()).unwrap().findings
}

async fn entry(f: &Fixture, seq: u64) -> Entry {
    let filter = AuditFilter { before: Some(seq + 1), limit: 1, ..Default::default() };
    f.store.audit(filter).await.unwrap().remove(0)
}

/// Writes audit rows through the engine underneath; none removes the row.
async fn tampered(f: Fixture, rows: Vec<(u64, Option<Vec<u8>>)>) -> Fixture {
    f.underneath(|engine| {
        let mut batch = Batch::new();
        for (seq, row) in rows {
            match row {
                Some(row) => batch.put(Space::Audit, seq.to_be_bytes().to_vec(), row),
                None => batch.delete(Space::Audit, seq.to_be_bytes().to_vec()),
            }
        }
        engine.write(batch).unwrap();
    })
    .await
}

fn bytes(entry: &Entry) -> Option<Vec<u8>> {
    Some(postcard::to_stdvec(entry).unwrap())
}

async fn entries_are_chained_and_listed_newest_first(engine: EngineKind) {
    let f = logged(engine, 9).await;
    let list = |filter: AuditFilter| async { f.store.audit(filter).await.unwrap() };
    let seqs = |entries: &[Entry]| entries.iter().map(|e| e.seq).collect::<Vec<_>>();
    let all = list(AuditFilter { limit: 100, ..Default::default() }).await;
    assert_eq!(seqs(&all), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert!(all.windows(2).all(|pair| pair[0].previous == pair[1].hash));
    assert!(all.iter().all(Entry::is_intact));
    let head = f.store.head().await.unwrap();
    assert_eq!((head.seq, head.hash), (9, all[0].hash));
    let page = list(AuditFilter { before: Some(8), limit: 2, ..Default::default() }).await;
    assert_eq!(seqs(&page), [7, 6]);
    let subject = AuditFilter { subject: Some("thing:1".into()), limit: 100, ..Default::default() };
    assert_eq!(seqs(&list(subject.clone()).await), [7, 4, 1]);
    assert_eq!(seqs(&list(AuditFilter { before: Some(7), ..subject.clone() }).await), [4, 1]);
    let action = AuditFilter { action: Some("thing.make".into()), limit: 3, ..Default::default() };
    assert_eq!(seqs(&list(action).await), [8, 6, 4]);
    let none = AuditFilter { subject: Some("thing".into()), limit: 9, ..Default::default() };
    assert!(list(none).await.is_empty());
    let both = AuditFilter { action: Some("thing.make".into()), ..subject };
    assert_eq!(f.store.audit(both).await.unwrap_err().code(), "unsupported-filter");
    assert!(findings(&f).is_empty());
}

async fn an_altered_entry_is_named(engine: EngineKind) {
    let f = logged(engine, 5).await;
    let mut altered = entry(&f, 3).await;
    altered.event.subject = "thing:9".into();
    let f = tampered(f, vec![(3, bytes(&altered))]).await;
    assert_eq!(findings(&f), ["audit entry 3 was altered: its hash is not that of its contents"]);
}

async fn an_entry_altered_with_its_hash_is_named(engine: EngineKind) {
    let f = logged(engine, 5).await;
    let old = entry(&f, 3).await;
    let altered = Entry::chain(3, old.previous, event("thing.other", "thing:9")).unwrap();
    let f = tampered(f, vec![(3, bytes(&altered))]).await;
    let found = findings(&f);
    assert_eq!(found, ["audit entry 4 does not follow the one before it: one of both was replaced"]);
}

async fn a_removed_entry_is_named(engine: EngineKind) {
    let f = tampered(logged(engine, 6).await, vec![(2, None), (4, None), (5, None)]).await;
    assert_eq!(findings(&f), ["audit entry 2 is missing", "audit entries 4 to 5 are missing"]);
}

async fn swapped_entries_are_named(engine: EngineKind) {
    let f = logged(engine, 5).await;
    let (second, third) = (bytes(&entry(&f, 2).await), bytes(&entry(&f, 3).await));
    let f = tampered(f, vec![(2, third), (3, second)]).await;
    let found = findings(&f);
    assert_eq!(
        found[..2],
        ["audit entry 3 stands in the place of 2", "audit entry 2 stands in the place of 3"]
    );
}

async fn an_unreadable_entry_is_named(engine: EngineKind) {
    let f = tampered(logged(engine, 3).await, vec![(2, Some(vec![0xff; 3]))]).await;
    let found = findings(&f);
    assert!(found[0].starts_with("audit entry 2 cannot be read"), "{found:?}");
}

async fn a_cut_tail_is_found(engine: EngineKind) {
    let f = logged(engine, 5).await;
    let kept = f.store.head().await.unwrap();
    let fourth = entry(&f, 4).await;
    let f = tampered(f, vec![(5, None)]).await;
    assert_eq!(findings(&f), ["audit entries 5 to 5 are missing at the end"]);
    // Whoever cuts the log also turns its head back: then only a head kept elsewhere tells.
    let head = Head { seq: 4, hash: fourth.hash };
    let f = f
        .underneath(|engine| {
            let mut batch = Batch::new();
            batch.put(Space::Meta, b"head".to_vec(), postcard::to_stdvec(&head).unwrap());
            engine.write(batch).unwrap();
        })
        .await;
    assert!(findings(&f).is_empty());
    let found = compare_head(&*f.store.snapshot().unwrap(), kept).unwrap().findings;
    assert_eq!(found, ["the log was cut: the head was signed over entry 5, the log ends at 4"]);
    assert!(compare_head(&*f.store.snapshot().unwrap(), head).unwrap().is_clean());
}

async fn a_full_rewrite_is_found_by_a_kept_head(engine: EngineKind) {
    let kept = logged(engine, 3).await.store.head().await.unwrap();
    let rewritten = Fixture::new(engine);
    for _ in 0..5 {
        log(&rewritten, "thing.other", "thing:9").await;
    }
    assert!(findings(&rewritten).is_empty());
    let found = compare_head(&*rewritten.store.snapshot().unwrap(), kept).unwrap().findings;
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("the log was rewritten"), "{found:?}");
}

async fn very_long_texts_are_listed_exactly(engine: EngineKind) {
    let f = Fixture::new(engine);
    let (long, longer) = ("s".repeat(600), "s".repeat(601));
    log(&f, "thing.make", &long).await;
    log(&f, "thing.make", &longer).await;
    let filter = AuditFilter { subject: Some(long), limit: 9, ..Default::default() };
    let found = f.store.audit(filter).await.unwrap();
    assert_eq!(found.iter().map(|e| e.seq).collect::<Vec<_>>(), [1]);
}
