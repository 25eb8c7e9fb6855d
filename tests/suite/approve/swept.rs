//! What enrolment keeps is bounded: refused requests by share, number and age; transactions and decided requests by time.

use std::collections::HashMap;

use signet::enrol::records::{RequestRecord, TransactionRecord};
use signet::enrol::refused::{Asked, MessageRecord, Protocol, RefusedRecord};
use signet::enrol::{Outcome, queue, sweep};
use signet::id::RecordId;
use signet::store::{PRIMARY, Scan, Unit};

use super::fixture::{Client, DAY, HOUR, Office, operator, renewal, secret};

const CN: &str = "gw1.example";

/// Refused requests of this profile from this address, each a second after the other.
async fn refuse(office: &Office, count: usize, profile: &str, address: &str) {
    let authority = &office.desk.authority;
    let mut unit = Unit::new();
    for _ in 0..count {
        authority.clock.advance(std::time::Duration::from_secs(1));
        let id = RecordId::new(authority.clock.now(), &authority.random).unwrap();
        let record = RefusedRecord {
            id,
            protocol: Protocol::Scep,
            profile: profile.parse().unwrap(),
            code: "bad-csr".into(),
            rule: "no identity".into(),
            misfit: None,
            asked: Asked::default(),
            requester: format!("scep {address}"),
            counted_as: format!("address:{address}"),
            user_agent: None,
            traits: Vec::new(),
            policy: None,
            has_message: true,
        };
        unit.insert(&record).unwrap();
        unit.insert(&MessageRecord { request: id, sealed: vec![0; 16] }).unwrap();
    }
    authority.db.commit(unit).await.unwrap();
}

async fn kept(office: &Office) -> HashMap<String, usize> {
    let db = &office.desk.authority.db;
    let mut counts = HashMap::new();
    for stored in db.all::<RefusedRecord>(Scan::all::<RefusedRecord>(PRIMARY)).await.unwrap() {
        *counts.entry(stored.value.counted_as).or_default() += 1;
    }
    let messages = db.all::<MessageRecord>(Scan::all::<MessageRecord>(PRIMARY)).await.unwrap().len();
    assert_eq!(messages, counts.values().sum::<usize>(), "each message goes with its request");
    counts
}

#[tokio::test]
async fn a_flood_from_one_address_pushes_out_its_own_requests_alone() {
    let office = Office::open().await;
    refuse(&office, 30, "scep-device", "10.0.0.1").await;
    refuse(&office, 500, "scep-device", "10.0.0.2").await;
    assert_eq!(sweep(&office.desk, 100).await.unwrap(), 300);
    let left = kept(&office).await;
    assert_eq!((left["address:10.0.0.1"], left["address:10.0.0.2"]), (30, 200));
    assert_eq!(sweep(&office.desk, 100).await.unwrap(), 0);
    // the newest stay
    let db = &office.desk.authority.db;
    let newest = db.scan::<RefusedRecord>(Scan::all::<RefusedRecord>(PRIMARY).backward().limit(200)).await;
    assert!(newest.unwrap().items.iter().all(|s| s.value.counted_as == "address:10.0.0.2"));
}

#[tokio::test]
async fn a_profile_has_its_share_and_old_ones_go() {
    let office = Office::open().await;
    refuse(&office, 5, "phone-lsc", "10.0.1.1").await;
    for n in 0..8 {
        refuse(&office, 200, "scep-device", &format!("10.0.0.{n}")).await;
    }
    sweep(&office.desk, 1000).await.unwrap();
    let left = kept(&office).await;
    assert_eq!(left["address:10.0.1.1"], 5);
    assert_eq!(left.values().sum::<usize>(), 1005);
    office.desk.authority.clock.advance(DAY * 29);
    refuse(&office, 1, "phone-lsc", "10.0.1.2").await;
    assert_eq!(kept(&office).await.values().sum::<usize>(), 1006);
    office.desk.authority.clock.advance(DAY * 2);
    sweep(&office.desk, 1000).await.unwrap();
    assert_eq!(kept(&office).await, HashMap::from([("address:10.0.1.2".to_owned(), 1)]));
}

async fn transactions(office: &Office) -> usize {
    let db = &office.desk.authority.db;
    db.all::<TransactionRecord>(Scan::all::<TransactionRecord>(PRIMARY)).await.unwrap().len()
}

#[tokio::test]
async fn a_transaction_is_kept_as_long_as_a_copy_of_its_request_is_answered() {
    let office = Office::open().await;
    let (client, challenge) = (Client::new(), office.challenge(CN, &[]).await);
    let csr = client.csr(CN, &[]);
    let copy = || client.within("T1", client.request("scep-device", csr.clone(), secret(&challenge)));
    let first = office.issued(office.enrol(copy()).await);
    // once more before it ends, so that nothing else is due
    office.desk.authority.clock.advance(DAY * 364);
    sweep(&office.desk, 10).await.unwrap();
    assert_eq!(office.issued(office.enrol(copy()).await).serial, first.serial);
    office.desk.authority.clock.advance(DAY * 30);
    sweep(&office.desk, 10).await.unwrap();
    assert_eq!(transactions(&office).await, 1);
    office.desk.authority.clock.advance(DAY * 2);
    sweep(&office.desk, 10).await.unwrap();
    assert_eq!(transactions(&office).await, 0);
    // a copy is then a request like any other: its challenge is spent
    assert_eq!(office.refusal(copy()).await.0, "challenge-refused");
}

const MANUAL: &str = "description = \"Test.\"\nca = \"ec-issuing\"\napproval = \"manual\"\nkeys = [\"p-256\"]\nvalidity = \"90d\"\n\
    [subject]\nCN = { from = \"request\", required = true }\n[usage]\nkey = [\"digitalSignature\"]\n\
    extended = [\"clientAuth\"]\n";

async fn requests(office: &Office) -> usize {
    let db = &office.desk.authority.db;
    db.all::<RequestRecord>(Scan::all::<RequestRecord>(PRIMARY)).await.unwrap().len()
}

#[tokio::test]
async fn decided_requests_go_in_the_end_and_those_that_wait_stay() {
    let office = Office::with(&[("manual", MANUAL)]).await;
    let clients = [Client::new(), Client::new(), Client::new()];
    let requests_of = ["a", "b", "c"].map(|cn| (cn, Client::new().csr(cn, &[])));
    let ask = async |n: usize| {
        let (cn, csr) = &requests_of[n];
        let request = clients[n].request("manual", csr.clone(), signet::enrol::Proof::None);
        match office.enrol(clients[n].within(cn, request)).await.unwrap() {
            Outcome::Pending(id) => id,
            Outcome::Issued(_) => panic!("not asked"),
        }
    };
    let (approved, denied, waits) = (ask(0).await, ask(1).await, ask(2).await);
    queue::approve(&office.desk, approved, None, operator("ann")).await.unwrap();
    queue::deny(&office.desk, denied, None, operator("ann")).await.unwrap();
    sweep(&office.desk, 1).await.unwrap();
    assert_eq!((requests(&office).await, transactions(&office).await), (3, 3));
    // the certificate is gone, and a denial was long known
    office.desk.authority.clock.advance(DAY * 121);
    sweep(&office.desk, 1).await.unwrap();
    assert_eq!((requests(&office).await, transactions(&office).await), (3, 1));
    office.desk.authority.clock.advance(DAY * 300);
    sweep(&office.desk, 1).await.unwrap();
    assert_eq!((requests(&office).await, transactions(&office).await), (1, 1));
    // what waits is still the client's
    assert_eq!(ask(2).await, waits);
}

#[tokio::test]
async fn a_renewal_within_its_time_is_not_forgotten() {
    let office = Office::open().await;
    let client = Client::new();
    let first = office.device(&client, CN).await;
    office.desk.authority.clock.advance(DAY * 300);
    let csr = client.csr(CN, &[]);
    let again = || client.within("T2", client.request("scep-device", csr.clone(), renewal(&first)));
    let renewed = office.issued(office.enrol(again()).await);
    office.desk.authority.clock.advance(HOUR);
    sweep(&office.desk, 10).await.unwrap();
    assert_eq!(office.issued(office.enrol(again()).await).serial, renewed.serial);
}
