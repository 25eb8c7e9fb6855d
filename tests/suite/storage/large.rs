//! Bodies that do not fit a row: stored in pieces, read and replaced as one.

use std::ops::ControlFlow;

use signet::storage::engine::{Space, Span};
use signet::store::Direction;

use super::*;

over_every_engine!(
    large_bodies_come_back_whole,
    replacing_a_large_body_leaves_no_piece,
    a_full_page_ends_early
);

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 7) as u8).collect()
}

fn large(key: &str, length: usize) -> Item {
    put_body(key, key, &[], When::Always, body(length))
}

async fn large_bodies_come_back_whole(engine: EngineKind) {
    let f = Fixture::new(engine);
    for length in [0, 65_536, 65_537, 98_304, 98_305, 5 << 20] {
        f.commit(vec![large("crl", length)]).await.unwrap();
        assert!(f.fetch("crl").await.unwrap().body == body(length), "{length}");
    }
    let (_, standing) = refused(f.commit(vec![put("crl", "crl", &[], When::Absent)]).await);
    assert!(standing.unwrap().body == body(5 << 20));
    let f = f.reopened().await;
    assert!(f.store.fetch_unique(THING, SERIAL, b"crl").await.unwrap().unwrap().body == body(5 << 20));
}

async fn replacing_a_large_body_leaves_no_piece(engine: EngineKind) {
    let mut f = Fixture::new(engine);
    for next in [Some(1 << 20), Some(200_000), Some(3), None] {
        f.commit(vec![large("crl", 2 << 20), large("crl2", 70_000)]).await.unwrap();
        match next {
            Some(length) => f.commit(vec![large("crl", length)]).await.unwrap(),
            None => f.commit(vec![delete("crl", When::Present)]).await.unwrap(),
        }
        let expected = next.filter(|length| *length > 65_536).map_or(0, |length| length.div_ceil(32 << 10));
        let mut found = 0;
        f = f.underneath(|engine| found = pieces(engine)).await;
        assert_eq!(found, expected + 3);
    }
}

fn pieces(engine: &dyn Engine) -> usize {
    let mut count = 0;
    let view = engine.view().unwrap();
    view.walk(Space::Chunks, &Span::ALL, Direction::Forward, &mut |_, _| {
        count += 1;
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    count
}

async fn a_full_page_ends_early(engine: EngineKind) {
    let f = Fixture::new(engine);
    for n in 0..4 {
        f.commit(vec![large(&n.to_string(), 5 << 20)]).await.unwrap();
    }
    let page = f.store.scan(scan(SERIAL)).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert_eq!(f.keys(scan(SERIAL).after(page.next)).await, ["2", "3"]);
}
