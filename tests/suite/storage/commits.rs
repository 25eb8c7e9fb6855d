//! Units: all or nothing, preconditions, unique indexes, revisions, counters, concurrency.

use super::*;

over_every_engine!(
    a_unit_is_all_or_nothing,
    each_precondition_holds_or_names_the_standing_record,
    a_later_item_sees_the_earlier_ones,
    a_unique_index_refuses_and_names_its_holder,
    a_unique_key_can_move_between_records_in_one_unit,
    revisions_rise_and_guard_a_replacement,
    replacing_and_deleting_maintain_the_indexes,
    counters_are_bounded,
    one_of_many_writers_wins_a_key,
    a_refused_unit_harms_no_other,
    what_was_acknowledged_stands_after_reopening,
    a_change_wakes_who_waits_for_its_kind,
    a_closed_store_refuses,
    what_was_accepted_is_finished_before_closing,
    bounds_are_held,
);

async fn a_unit_is_all_or_nothing(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &[], When::Absent)]).await.unwrap();
    let mut unit = Unit::new();
    unit.items = vec![put("b", "2", &["x"], When::Absent), add("n", 1, 9), put("a", "3", &[], When::Absent)];
    unit.event(event("thing.make", "thing:b"));
    let (item, standing) = refused(f.store.commit(unit).await);
    assert_eq!((item, standing.unwrap().key), (2, b"a".to_vec()));
    assert!(f.fetch("b").await.is_none());
    assert_eq!(f.store.counter(THING, b"n").await.unwrap(), 0);
    assert_eq!(f.store.head().await.unwrap().seq, 0);
    assert!(f.keys(scan(WORD)).await.is_empty());
}

async fn each_precondition_holds_or_names_the_standing_record(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &[], When::Always)]).await.unwrap();
    let check = |key: &str, when| Item::Check { kind: THING, key: key.as_bytes().to_vec(), when };
    for item in [check("a", When::Present), check("a", When::Revision(1)), check("b", When::Absent)] {
        f.commit(vec![check("b", When::Always), item]).await.unwrap();
    }
    let standing = f.fetch("a").await.unwrap();
    assert_eq!(standing.revision, 1);
    for (item, expected) in [
        (check("a", When::Absent), Some(&standing)),
        (check("a", When::Revision(2)), Some(&standing)),
        (put("a", "9", &[], When::Absent), Some(&standing)),
        (delete("a", When::Revision(7)), Some(&standing)),
        (check("b", When::Present), None),
        (put("b", "9", &[], When::Revision(1)), None),
        (delete("b", When::Present), None),
    ] {
        let (place, found) = refused(f.commit(vec![check("a", When::Always), item]).await);
        assert_eq!((place, found.as_ref()), (1, expected));
    }
    f.commit(vec![delete("nothing", When::Always)]).await.unwrap();
}

async fn a_later_item_sees_the_earlier_ones(engine: EngineKind) {
    let f = Fixture::new(engine);
    let items = vec![
        put("a", "1", &["x"], When::Absent),
        put("a", "1", &["y"], When::Revision(1)),
        put("b", "2", &[], When::Absent),
        delete("b", When::Present),
        put("c", "2", &[], When::Absent),
        add("n", 5, 9),
        add("n", 4, 9),
    ];
    f.commit(items).await.unwrap();
    assert_eq!(f.fetch("a").await.unwrap().revision, 2);
    assert!(f.fetch("b").await.is_none());
    assert_eq!(f.store.counter(THING, b"n").await.unwrap(), 9);
    assert_eq!(f.keys(scan(WORD)).await, ["a"]);
    let twice = vec![put("d", "4", &[], When::Absent), put("e", "4", &[], When::Absent)];
    assert_eq!(refused(f.commit(twice).await).0, 1);
}

async fn a_unique_index_refuses_and_names_its_holder(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "serial-1", &["w"], When::Absent)]).await.unwrap();
    let (item, standing) = refused(f.commit(vec![put("b", "serial-1", &["w"], When::Absent)]).await);
    assert_eq!((item, standing.unwrap().key), (0, b"a".to_vec()));
    let found = f.store.fetch_unique(THING, SERIAL, b"serial-1").await.unwrap().unwrap();
    assert_eq!(found.key, b"a");
    assert!(f.store.fetch_unique(THING, SERIAL, b"serial").await.unwrap().is_none());
    f.commit(vec![put("a", "serial-1", &["w"], When::Present)]).await.unwrap();
    assert!(f.store.fetch_unique(THING, WORD, b"w").await.is_err());
}

async fn a_unique_key_can_move_between_records_in_one_unit(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &[], When::Absent)]).await.unwrap();
    f.commit(vec![put("a", "2", &[], When::Present), put("b", "1", &[], When::Absent)]).await.unwrap();
    assert_eq!(f.store.fetch_unique(THING, SERIAL, b"1").await.unwrap().unwrap().key, b"b");
    assert_eq!(f.store.fetch_unique(THING, SERIAL, b"2").await.unwrap().unwrap().key, b"a");
}

async fn revisions_rise_and_guard_a_replacement(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &[], When::Absent)]).await.unwrap();
    for revision in 1..5 {
        f.commit(vec![put("a", "1", &[], When::Revision(revision))]).await.unwrap();
        assert_eq!(f.fetch("a").await.unwrap().revision, revision + 1);
    }
    let (_, standing) = refused(f.commit(vec![put("a", "1", &[], When::Revision(4))]).await);
    assert_eq!(standing.unwrap().revision, 5);
}

async fn replacing_and_deleting_maintain_the_indexes(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &["red", "round"], When::Absent)]).await.unwrap();
    f.commit(vec![put("b", "2", &["red"], When::Absent)]).await.unwrap();
    f.commit(vec![put("a", "3", &["round", "blue"], When::Present)]).await.unwrap();
    let word = |word: &str| scan(WORD).prefix(word.as_bytes().to_vec());
    assert_eq!(f.keys(word("red")).await, ["b"]);
    assert_eq!(f.keys(word("round")).await, ["a"]);
    assert_eq!(f.keys(word("blue")).await, ["a"]);
    assert!(f.store.fetch_unique(THING, SERIAL, b"1").await.unwrap().is_none());
    f.commit(vec![delete("a", When::Present)]).await.unwrap();
    assert_eq!(f.keys(scan(WORD)).await, ["b"]);
    assert_eq!(f.keys(scan(SERIAL)).await, ["b"]);
    f.commit(vec![put("c", "3", &[], When::Absent)]).await.unwrap();
}

async fn counters_are_bounded(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![add("n", 3, 5)]).await.unwrap();
    assert_eq!(refused(f.commit(vec![add("n", 3, 5)]).await), (0, None));
    assert_eq!(refused(f.commit(vec![add("n", -4, 5)]).await), (0, None));
    assert_eq!(refused(f.commit(vec![add("n", i64::MAX, i64::MAX)]).await), (0, None));
    f.commit(vec![add("n", -1, 0)]).await.unwrap();
    assert_eq!(f.store.counter(THING, b"n").await.unwrap(), 2);
    assert_eq!(f.store.counter(OTHER, b"n").await.unwrap(), 0);
    assert!(f.fetch("n").await.is_none());
}

async fn one_of_many_writers_wins_a_key(engine: EngineKind) {
    let f = Arc::new(Fixture::new(engine));
    let writers = (0..64).map(|n| {
        let f = f.clone();
        tokio::spawn(async move {
            let serial = n.to_string();
            f.commit(vec![put("a", &serial, &[], When::Absent), add("n", 1, 1_000)]).await.is_ok()
        })
    });
    let mut winners = 0;
    for writer in writers.collect::<Vec<_>>() {
        winners += usize::from(writer.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert_eq!(f.store.counter(THING, b"n").await.unwrap(), 1);
    assert_eq!(f.keys(scan(SERIAL)).await.len(), 1);
}

async fn a_refused_unit_harms_no_other(engine: EngineKind) {
    let f = Arc::new(Fixture::new(engine));
    f.commit(vec![put("taken", "taken", &[], When::Absent)]).await.unwrap();
    let writers = (0..200).map(|n| {
        let f = f.clone();
        tokio::spawn(async move {
            let key = format!("k{n:03}");
            let serial = if n % 3 == 0 { "taken".to_owned() } else { key.clone() };
            let mut unit = Unit::new();
            unit.items = vec![add("n", 1, 1_000), put(&key, &serial, &["w"], When::Absent)];
            unit.event(event("thing.make", &key));
            (n, f.store.commit(unit).await.is_ok())
        })
    });
    let mut made = 0;
    for writer in writers.collect::<Vec<_>>() {
        let (n, ok) = writer.await.unwrap();
        assert_eq!(ok, n % 3 != 0, "writer {n}");
        made += u64::from(ok);
    }
    assert_eq!(f.store.counter(THING, b"n").await.unwrap() as u64, made);
    assert_eq!(f.store.head().await.unwrap().seq, made);
    assert_eq!(f.keys(scan(WORD).limit(1_000)).await.len() as u64, made);
}

async fn what_was_acknowledged_stands_after_reopening(engine: EngineKind) {
    let f = Fixture::new(engine);
    let mut unit = Unit::new();
    unit.items = vec![put("a", "1", &["w"], When::Absent), add("n", 2, 9)];
    unit.event(event("thing.make", "thing:a"));
    let head = f.store.commit(unit).await.unwrap().head;
    let before = f.fetch("a").await;
    let f = f.reopened().await;
    assert_eq!(f.fetch("a").await, before);
    assert_eq!(f.store.counter(THING, b"n").await.unwrap(), 2);
    assert_eq!(f.store.head().await.unwrap(), head);
    f.commit(vec![put("a", "1", &[], When::Revision(1))]).await.unwrap();
}

async fn a_change_wakes_who_waits_for_its_kind(engine: EngineKind) {
    let f = Fixture::new(engine);
    let (mut things, others) = (f.store.changed(THING), f.store.changed(OTHER));
    f.commit(vec![Item::Check { kind: OTHER, key: b"a".to_vec(), when: When::Absent }]).await.unwrap();
    assert!(!others.has_changed().unwrap());
    f.commit(vec![put("a", "1", &[], When::Absent)]).await.unwrap();
    things.changed().await.unwrap();
    assert!(!others.has_changed().unwrap());
    assert!(f.commit(vec![put("a", "1", &[], When::Absent)]).await.is_err());
    assert!(!things.has_changed().unwrap());
}

async fn a_closed_store_refuses(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.store.close().await.unwrap();
    let outcome = f.commit(vec![put("a", "1", &[], When::Absent)]).await;
    let Err(CommitError::Failed(e)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(e.to_string(), "the store is closed");
    assert_eq!(f.store.fetch(THING, b"a").await.unwrap_err().to_string(), "the store is closed");
}

async fn what_was_accepted_is_finished_before_closing(engine: EngineKind) {
    let f = Fixture::new(engine);
    let mut accepted = Vec::new();
    for n in 0..100 {
        let key = format!("k{n}");
        let mut commit =
            f.store.commit(Unit { items: vec![put(&key, &key, &[], When::Absent)], events: vec![] });
        // Polled once, a unit is in the queue.
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(commit.as_mut().poll(cx))).await;
        accepted.push((key, first, commit));
    }
    f.store.close().await.unwrap();
    let mut keys = Vec::new();
    for (key, first, commit) in accepted {
        match first {
            std::task::Poll::Ready(outcome) => outcome.unwrap(),
            std::task::Poll::Pending => commit.await.unwrap(),
        };
        keys.push(key);
    }
    let f = f.reopened().await;
    for key in keys {
        assert!(f.fetch(&key).await.is_some(), "{key}");
    }
}

async fn bounds_are_held(engine: EngineKind) {
    let f = Fixture::new(engine);
    let long = "k".repeat(512);
    f.commit(vec![put(&long, &long, &[&long], When::Absent)]).await.unwrap();
    assert_eq!(f.keys(scan(WORD)).await, std::slice::from_ref(&long));
    let longer = "k".repeat(513);
    for item in [
        put(&longer, "1", &[], When::Absent),
        put("a", &longer, &[], When::Absent),
        put("a", "1", &[&longer], When::Absent),
        put("", "1", &[], When::Absent),
        put_body("a", "1", &[], When::Absent, vec![0; (64 << 20) + 1]),
    ] {
        assert!(matches!(f.commit(vec![item]).await, Err(CommitError::Failed(_))));
    }
    assert_eq!(f.keys(scan(SERIAL)).await.len(), 1);
}
