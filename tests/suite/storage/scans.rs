//! Pages: order, ranges, prefixes, cursors that hold under writes and do not fall for forgeries.

use proptest::prelude::*;
use signet::store::{Direction, PRIMARY};

use super::*;

over_every_engine!(
    every_order_runs_both_ways,
    ranges_and_prefixes_are_exact,
    keys_with_zero_bytes_keep_their_order,
    pages_meet_each_record_once,
    pages_are_stable_under_concurrent_writes,
    forged_cursors_are_refused,
);

async fn filled(engine: EngineKind) -> Fixture {
    let f = Fixture::new(engine);
    for (key, serial, word) in
        [("a", "5", "pear"), ("b", "4", "apple"), ("c", "3", "apple"), ("d", "2", "peach")]
    {
        f.commit(vec![put(key, serial, &[word], When::Absent)]).await.unwrap();
    }
    let other = Item::Put {
        kind: OTHER,
        key: b"z".to_vec(),
        indexes: vec![IndexKey { index: WORD, key: b"apple".to_vec() }],
        version: 1,
        body: vec![],
        when: When::Absent,
    };
    f.commit(vec![other]).await.unwrap();
    f
}

async fn every_order_runs_both_ways(engine: EngineKind) {
    let f = filled(engine).await;
    for (index, expected) in
        [(PRIMARY, ["a", "b", "c", "d"]), (SERIAL, ["d", "c", "b", "a"]), (WORD, ["b", "c", "d", "a"])]
    {
        assert_eq!(f.keys(scan(index)).await, expected);
        let mut backward = f.keys(scan(index).backward()).await;
        backward.reverse();
        assert_eq!(backward, expected);
    }
}

async fn ranges_and_prefixes_are_exact(engine: EngineKind) {
    let f = filled(engine).await;
    let word = |from: &str, to: &str| scan(WORD).range(from.into(), Some(to.into()));
    assert_eq!(f.keys(word("apple", "peach")).await, ["b", "c"]);
    assert_eq!(f.keys(word("applf", "pear")).await, ["d"]);
    assert!(f.keys(word("peach", "apple")).await.is_empty());
    assert_eq!(f.keys(scan(WORD).prefix(b"pea".to_vec())).await, ["d", "a"]);
    assert_eq!(f.keys(scan(WORD).prefix(b"pea".to_vec()).backward()).await, ["a", "d"]);
    assert_eq!(f.keys(scan(PRIMARY).range(b"b".to_vec(), Some(b"d".to_vec())).backward()).await, ["c", "b"]);
    assert_eq!(f.keys(scan(PRIMARY).range(b"c".to_vec(), None)).await, ["c", "d"]);
}

async fn keys_with_zero_bytes_keep_their_order(engine: EngineKind) {
    let f = Fixture::new(engine);
    let words = ["x", "x\0", "x\0\0", "x\0\u{1}", "x\u{1}", "xy"];
    for (n, word) in words.iter().enumerate().rev() {
        let key = n.to_string();
        f.commit(vec![put(&key, &key, &[word], When::Absent)]).await.unwrap();
    }
    assert_eq!(f.keys(scan(WORD)).await, ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(f.keys(scan(WORD).prefix(b"x\0".to_vec())).await, ["1", "2", "3"]);
    assert_eq!(f.keys(scan(WORD).range(b"x".to_vec(), Some(b"x\0".to_vec()))).await, ["0"]);
}

async fn pages_meet_each_record_once(engine: EngineKind) {
    let f = Fixture::new(engine);
    for n in 0..25 {
        let key = format!("{n:02}");
        f.commit(vec![put(&key, &key, &[&format!("w{}", n % 3)], When::Absent)]).await.unwrap();
    }
    for index in [PRIMARY, SERIAL, WORD] {
        for direction in [Direction::Forward, Direction::Backward] {
            let mut ordered = scan(index);
            ordered.direction = direction;
            let whole = f.keys(ordered.clone()).await;
            assert_eq!(whole.len(), 25);
            for limit in [1, 7, 24, 25] {
                assert_eq!(paged(&f, ordered.clone().limit(limit)).await, whole);
            }
        }
    }
    let page = f.store.scan(scan(PRIMARY).limit(25)).await.unwrap();
    assert!(page.next.is_none(), "a page that ends the listing leads nowhere");
}

async fn paged(f: &Fixture, mut scan: Scan) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let page = f.store.scan(scan.clone()).await.unwrap();
        assert!(page.items.len() <= scan.limit);
        keys.extend(page.items.into_iter().map(|e| String::from_utf8(e.key).unwrap()));
        match page.next {
            Some(next) => {
                assert!(next.len() <= 1_100);
                scan.after = Some(next);
            }
            None => return keys,
        }
    }
}

async fn pages_are_stable_under_concurrent_writes(engine: EngineKind) {
    let f = Fixture::new(engine);
    for n in (10..50).step_by(10) {
        let key = n.to_string();
        f.commit(vec![put(&key, &key, &["w"], When::Absent)]).await.unwrap();
    }
    let first = f.store.scan(scan(WORD).limit(2)).await.unwrap();
    // The place where the page ended goes, one comes before it and one after.
    f.commit(vec![delete("20", When::Present), put("15", "15", &["w"], When::Absent)]).await.unwrap();
    f.commit(vec![put("25", "25", &["w"], When::Absent)]).await.unwrap();
    assert_eq!(f.keys(scan(WORD).after(first.next)).await, ["25", "30", "40"]);
}

async fn forged_cursors_are_refused(engine: EngineKind) {
    let f = filled(engine).await;
    let given = f.store.scan(scan(WORD).limit(1)).await.unwrap().next.unwrap();
    let others = [
        scan(SERIAL).after(Some(given.clone())),
        scan(PRIMARY).after(Some(given.clone())),
        scan(WORD).backward().after(Some(given.clone())),
        scan(WORD).prefix(b"pear".to_vec()).after(Some(given.clone())),
        Scan { kind: OTHER, ..scan(WORD).after(Some(given.clone())) },
        scan(WORD).after(Some(vec![])),
        scan(WORD).after(Some(vec![1; 4_000])),
    ];
    for forged in others {
        let e = f.store.scan(forged).await.unwrap_err();
        assert_eq!(e.code(), "invalid-cursor");
    }
}

// ADMINJSON-25: a forged cursor is an error or resumes in its own listing; it never panics.
#[test]
fn any_bytes_as_a_cursor_are_answered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let f = runtime.block_on(filled(EngineKind::Redb));
    let prefixes =
        prop_oneof![Just(vec![]), Just(vec![1, THING.id, WORD.id, 0]), Just(vec![1, THING.id, 0, 1])];
    let bytes = (prefixes, proptest::collection::vec(any::<u8>(), 0..40));
    proptest!(|((prefix, tail) in bytes, index in prop_oneof![Just(PRIMARY), Just(SERIAL), Just(WORD)],
                backward in any::<bool>())| {
        let mut scan = scan(index).after(Some([prefix, tail].concat()));
        scan.direction = if backward { Direction::Backward } else { Direction::Forward };
        match runtime.block_on(f.store.scan(scan)) {
            Ok(page) => prop_assert!(page.items.len() <= 4),
            Err(e) => prop_assert_eq!(e.code(), "invalid-cursor"),
        }
    });
}
