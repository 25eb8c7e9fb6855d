//! Any order of writes, kills and snapshots agrees with a plain map.

use super::*;

type Map = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(usize, u16, Option<u8>)>),
    Snapshot,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0usize..3, 0u16..60, proptest::option::weighted(0.7, any::<u8>()));
    prop_oneof![
        20 => proptest::collection::vec(change, 1..40).prop_map(Step::Write),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Kill),
    ]
}

fn key(n: u16) -> Vec<u8> {
    format!("key-{:03}-{n}", n * 37 % 60).into_bytes()
}

fn apply(map: &mut Map, changes: &[(usize, u16, Option<u8>)]) -> Batch {
    let mut batch = Batch::new();
    for (space, n, value) in changes {
        match value {
            Some(value) => {
                map.insert((*space, key(*n)), vec![*value; 3]);
                batch.put(LAYERED[*space], key(*n), vec![*value; 3]);
            }
            None => {
                map.remove(&(*space, key(*n)));
                batch.delete(LAYERED[*space], key(*n));
            }
        }
    }
    batch
}

/// Every point and stretches both ways read as in the map.
fn agree(view: &dyn View, map: &Map) {
    let spans = [
        Span::ALL,
        Span::prefix(b"key-02"),
        Span { from: Bound::Excluded(key(5)), to: Bound::Unbounded },
        Span { from: Bound::Unbounded, to: Bound::Excluded(key(9)) },
        Span { from: Bound::Included(key(40)), to: Bound::Included(key(3)) },
    ];
    for (number, space) in LAYERED.into_iter().enumerate() {
        for n in 0..60 {
            assert_eq!(view.read(space, &key(n)).unwrap(), map.get(&(number, key(n))).cloned());
        }
        for span in &spans {
            let mut expected: Rows = map
                .iter()
                .filter(|((s, key), _)| *s == number && within(span, key))
                .map(|((_, key), value)| (key.clone(), value.clone()))
                .collect();
            assert_eq!(rows(view, space, span, Direction::Forward), expected);
            expected.reverse();
            assert_eq!(rows(view, space, span, Direction::Backward), expected);
        }
    }
}

fn within(span: &Span, key: &[u8]) -> bool {
    use std::ops::RangeBounds;
    let (from, to) = span.bounds();
    <(Bound<&[u8]>, Bound<&[u8]>) as RangeBounds<[u8]>>::contains(&(from, to), key)
}

fn run(kind: EngineKind, steps: Vec<Step>) {
    let (mut f, mut map) = (Fixture::new(kind, 4 << 10), Map::new());
    let mut snapshots: Vec<(Box<dyn View>, Map)> = Vec::new();
    for step in steps {
        match step {
            Step::Write(changes) => f.layered.write(apply(&mut map, &changes)).unwrap(),
            Step::Snapshot => snapshots.push((f.layered.snapshot().unwrap(), map.clone())),
            Step::Kill => {
                snapshots.drain(..).for_each(|(view, map)| agree(&*view, &map));
                f = f.killed();
            }
        }
        agree(&*f.layered.view().unwrap(), &map);
    }
    snapshots.into_iter().for_each(|(view, map)| agree(&*view, &map));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..Default::default() })]
    #[test]
    fn any_order_of_writes_kills_and_snapshots_reads_as_a_map(
        steps in proptest::collection::vec(step(), 20..60)
    ) {
        for kind in engines() {
            run(kind, steps.clone());
        }
    }
}
