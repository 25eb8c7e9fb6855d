//! What `check` finds when records and indexes do not agree.

use signet::error::Error;
use signet::storage::Report;
use signet::storage::check::check;
use signet::storage::engine::{Batch, Space};

use super::*;

over_every_engine!(
    a_sound_store_is_clean_and_counted,
    each_disagreement_is_named,
    a_damaged_record_is_a_finding,
    a_snapshot_stands_while_others_write,
);

fn report(f: &Fixture) -> Report {
    check(&*f.store.snapshot().unwrap(), &mut |_, _, _| Ok(())).unwrap()
}

async fn filled(engine: EngineKind) -> Fixture {
    let f = Fixture::new(engine);
    for n in 0..5 {
        let key = format!("k{n}");
        let mut unit = Unit::new();
        unit.items = vec![put(&key, &key, &["w", "w", "v"], When::Absent), add("n", 1, 9)];
        unit.event(event("thing.make", &key));
        f.store.commit(unit).await.unwrap();
    }
    f.commit(vec![put("k1", "k1", &["v"], When::Present), delete("k2", When::Present)]).await.unwrap();
    f
}

async fn a_sound_store_is_clean_and_counted(engine: EngineKind) {
    let f = filled(engine).await;
    let report = report(&f);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.counts["records"], 4);
    assert_eq!(report.counts["index entries"], 4 + 4 + 3);
    assert_eq!(report.counts["audit entries"], 5);
    assert_eq!(report.counts["counters"], 1);
}

type Tampering = fn(&mut Batch);

async fn each_disagreement_is_named(engine: EngineKind) {
    let cases: [(Tampering, &str); 6] = [
        (
            |b| b.delete(Space::Index, b"\xc9\x01k3\0\0".to_vec()),
            "record k3 of kind 201 is missing in index 1 at k3",
        ),
        (
            |b| b.put(Space::Index, b"\xc9\x01k3\0\0".to_vec(), b"k4".to_vec()),
            "record k3 of kind 201 is missing in index 1 at k3; it leads to k4",
        ),
        (
            |b| b.put(Space::Index, b"\xc9\x02x\0\0k4".to_vec(), vec![]),
            "index 2 of kind 201 leads from x to record k4, which does not list it",
        ),
        (|b| b.delete(Space::Records, b"\xc9k4".to_vec()), "to record k4, which does not list it"),
        (|b| b.put(Space::Counters, b"\xc9n".to_vec(), vec![0xff; 8]), "counter n of kind 201 is -1"),
        (
            |b| b.delete(Space::AuditBySubject, b"k1\0\0\0\0\0\0\0\0\0\x02".to_vec()),
            "the audit log's order by subject has 4 entries that do not match its 5",
        ),
    ];
    for (tamper, expected) in cases {
        let f = filled(engine).await;
        let f = f
            .underneath(|engine| {
                let mut batch = Batch::new();
                tamper(&mut batch);
                engine.write(batch).unwrap();
            })
            .await;
        let report = report(&f);
        assert!(report.findings.iter().any(|found| found.contains(expected)), "{expected}: {report:?}");
    }
}

async fn a_damaged_record_is_a_finding(engine: EngineKind) {
    let f = filled(engine).await;
    let mut look = |kind, envelope: &Envelope, listed: &[(u8, Vec<u8>)]| {
        assert_eq!(kind, THING.id);
        assert!(listed.contains(&(SERIAL.id, envelope.key.clone())), "{listed:?}");
        if envelope.key == b"k3" { Err(Error::storage("a thing record is damaged")) } else { Ok(()) }
    };
    let report = check(&*f.store.snapshot().unwrap(), &mut look).unwrap();
    assert_eq!(report.findings, ["record k3 of kind 201: a thing record is damaged"]);
    let f = f
        .underneath(|engine| {
            let mut batch = Batch::new();
            batch.put(Space::Records, b"\xc9k3".to_vec(), vec![1, 2]);
            engine.write(batch).unwrap();
        })
        .await;
    let report = self::report(&f);
    assert_eq!(report.findings, ["kind 201: a record's row is damaged"]);
    assert_eq!(f.store.fetch(THING, b"k3").await.unwrap_err().code(), "storage");
    f.commit(vec![put("k9", "k9", &[], When::Absent)]).await.unwrap();
}

async fn a_snapshot_stands_while_others_write(engine: EngineKind) {
    let f = filled(engine).await;
    let snapshot = f.store.snapshot().unwrap();
    f.commit(vec![delete("k0", When::Present), put("k7", "k7", &[], When::Absent)]).await.unwrap();
    let mut keys = Vec::new();
    snapshot
        .records(THING.id, &mut |envelope, _| {
            keys.push(String::from_utf8(envelope.key).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(keys, ["k0", "k1", "k3", "k4"]);
    assert_eq!(snapshot.kinds().unwrap(), [THING.id]);
}
