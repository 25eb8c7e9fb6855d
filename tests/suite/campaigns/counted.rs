//! What a step reads: what happened, and what is due, however many devices are open.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use signet::audit::{Actor, Entry, Head};
use signet::device::Change;
use signet::device::campaign::{self, CampaignRecord, MemberRecord, NewsRecord};
use signet::error::Result;
use signet::store::{
    AuditFilter, CommitError, Committed, Db, Envelope, Index, Item, Kind, PRIMARY, Page, Record, Scan,
    Snapshot, Store, Unit, When,
};
use signet::task::{Handlers, Retry, Runner};

use super::house::{self, House};

/// Counts what is read: each record, and each question that finds none. Before the first write something else is written.
struct Counting(Db, Arc<AtomicUsize>, Mutex<Option<Unit>>);

#[async_trait]
impl Store for Counting {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let first = self.2.lock().unwrap().take();
        if let Some(first) = first {
            self.0.raw().commit(first).await?;
        }
        self.0.raw().commit(unit).await
    }
    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.raw().fetch(kind, key).await
    }
    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.raw().fetch_unique(kind, index, key).await
    }
    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        let page = self.0.raw().scan(scan).await?;
        self.1.fetch_add(page.items.len().max(1), Ordering::SeqCst);
        Ok(page)
    }
    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        self.0.raw().counter(kind, key).await
    }
    async fn head(&self) -> Result<Head> {
        self.0.raw().head().await
    }
    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.0.raw().audit(filter).await
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.0.raw().snapshot()
    }
    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64> {
        self.0.raw().changed(kind)
    }
    fn health(&self) -> Result<()> {
        self.0.raw().health()
    }
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// Lets time pass, and does the step that is due. Returns how much it read.
async fn reads_of_a_step(house: &House, time: Duration) -> usize {
    step_beside(house, time, None).await
}

/// The same, while somebody else writes `first` between the step's reading and its writing.
async fn step_beside(house: &House, time: Duration, first: Option<Unit>) -> usize {
    let read = Arc::new(AtomicUsize::new(0));
    let desk = house.api.state.desk.clone();
    let counting = Db::new(Arc::new(Counting(house.api.db().clone(), read.clone(), Mutex::new(first))));
    let mut authority = (*desk.authority).clone();
    authority.db = counting;
    let authority = Arc::new(authority);
    let handlers = Handlers::default().on(campaign::KIND, Retry::default(), move |leased| {
        let (authority, profiles) = (authority.clone(), desk.profiles.current());
        async move { campaign::run(&authority, &profiles, &leased).await }
    });
    house.api.clock().advance(time);
    Runner::new(house.api.db().clone(), house.api.clock().clone(), handlers).run_due().await.unwrap();
    read.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_step_reads_what_happened_or_is_due_and_not_who_is_open() {
    const FIVE: Duration = Duration::from_secs(5);
    let mut house = House::with_devices(600).await;
    let asked = json!({"name": "spring", "filter": {"model": "8845"}, "operation": "install",
        "authentication": "existing-mic", "at_once": 600, "per_minute": 100_000, "within": "10m"});
    house.post("/campaigns", &asked).await.done(201);
    house.steps(3).await;
    assert_eq!(house.open("spring").await.len(), 600);

    // Itself; no news; nothing due; nobody waiting.
    let idle = reads_of_a_step(&house, FIVE).await;
    assert_eq!(idle, 4, "reads while nothing happened");

    house.installs(&house::name(7)).await;
    house.fails(&house::name(8)).await;
    house.is_issued(&house::name(9)).await;
    house.api.delete(&format!("/api/v1/devices/{}", house::name(10))).await;
    let few = reads_of_a_step(&house, FIVE).await;
    assert!(few <= idle + 3 * 3, "{few} reads for three devices");
    let counts = house.campaign("spring").await["counts"].clone();
    assert_eq!(
        (&counts["done"], &counts["failed"], &counts["open"]),
        (&json!(1), &json!(2), &json!(597)),
        "{counts}"
    );
    assert!(reads_of_a_step(&house, FIVE).await <= idle, "what was looked at is not looked at again");

    // Their time is up: each is read once, with its device. One may still confirm, for an hour.
    let all = reads_of_a_step(&house, Duration::from_mins(11)).await;
    assert!(all <= idle + 597 * 2 + 2, "{all} reads for 597 devices");
    let counts = house.campaign("spring").await["counts"].clone();
    assert_eq!((&counts["late"], &counts["open"]), (&json!(596), &json!(1)), "{counts}");
    assert!(reads_of_a_step(&house, FIVE).await <= idle);
    house.installs(&house::name(9)).await;
    house.steps(1).await;
    let done = house.campaign("spring").await;
    assert_eq!((&done["state"], &done["counts"]["done"]), (&json!("done"), &json!(2)), "{done}");
}

#[tokio::test]
async fn a_phone_that_comes_while_it_is_being_asked_does_not_hold_the_others_up() {
    let mut house = House::with_devices(40).await;
    let asked = json!({"name": "spring", "filter": {"model": "8845"}, "operation": "install",
        "authentication": "existing-mic", "at_once": 40, "per_minute": 240});
    house.post("/campaigns", &asked).await.done(201);
    house.steps(1).await;
    assert_eq!(house.open("spring").await.len(), 20, "a twelfth of a minute's");
    let waiting = house.get("/campaigns/spring/devices?step=waiting").await.done(200);
    let phone = house.device(waiting["items"][0]["name"].as_str().unwrap()).await;
    let mut comes = Unit::new();
    let change = Change::of(phone, Actor::System, house.now());
    change.seen("10.0.0.9".parse().unwrap()).write(&mut comes).unwrap();
    step_beside(&house, Duration::from_secs(5), Some(comes)).await;
    assert_eq!(house.open("spring").await.len(), 40, "in the same step");
    assert_eq!(house.operations_set().await, 40);
}

#[tokio::test]
async fn a_campaign_that_an_older_program_left_running_is_followed_from_then_on() {
    let mut house = House::with_devices(12).await;
    let asked = json!({"name": "spring", "filter": {"model": "8845"}, "operation": "install",
        "authentication": "existing-mic", "at_once": 12, "per_minute": 1000, "within": "10m"});
    house.post("/campaigns", &asked).await.done(201);
    house.steps(2).await;
    // What became of these two an older program would not have told.
    house.installs(&house::name(1)).await;
    house.fails(&house::name(2)).await;
    as_an_older_program_wrote_it(house.api.db()).await;
    house.steps(1).await;
    let counts = house.campaign("spring").await["counts"].clone();
    assert_eq!(
        (&counts["done"], &counts["failed"], &counts["open"]),
        (&json!(1), &json!(1), &json!(10)),
        "{counts}"
    );
    house.installs(&house::name(3)).await;
    house.steps(1).await;
    assert_eq!(house.campaign("spring").await["counts"]["done"], 2);
    house.step(Duration::from_mins(11)).await;
    let done = house.campaign("spring").await;
    assert_eq!((&done["state"], &done["counts"]["late"]), (&json!("done"), &json!(9)), "{done}");
}

/// Writes the campaign and its devices as they were encoded before news and due moments were kept, and drops the news.
async fn as_an_older_program_wrote_it(db: &Db) {
    let mut unit = Unit::new();
    for mut stored in db.all::<CampaignRecord>(Scan::all::<CampaignRecord>(PRIMARY)).await.unwrap() {
        stored.value.followed = false;
        put_without_the_last_byte(&mut unit, &stored.value, 2);
    }
    for mut stored in db.all::<MemberRecord>(Scan::all::<MemberRecord>(PRIMARY)).await.unwrap() {
        stored.value.due = None;
        put_without_the_last_byte(&mut unit, &stored.value, 1);
    }
    for stored in db.all::<NewsRecord>(Scan::all::<NewsRecord>(PRIMARY)).await.unwrap() {
        unit.delete::<NewsRecord>(&stored.value.key(), When::Always);
    }
    db.commit(unit).await.unwrap();
}

fn put_without_the_last_byte<R: Record>(unit: &mut Unit, record: &R, as_version: u8) {
    let place = unit.put(record, When::Present).unwrap();
    let Item::Put { version, body, .. } = &mut unit.items[place] else { unreachable!("it was put") };
    *version = as_version;
    assert_eq!(body.pop(), Some(0));
}
