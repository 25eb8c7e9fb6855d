//! Devices of an inventory, a clock that is moved by hand, and phones that do what they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signet::audit::Actor;
use signet::clock::Timestamp;
use signet::device::campaign;
use signet::device::inventory;
use signet::device::records::{DeviceRecord, Held, Reason};
use signet::device::{Change, DeviceName};
use signet::id::Serial;
use signet::store::{Stored, Unit};
use signet::task::{Handlers, Retry, Runner};

use crate::api::fixture::{Api, Reply};

pub struct House {
    pub api: Api,
    runner: Arc<Runner>,
}

impl House {
    /// With so many devices of one model; those with even numbers are in EMEA, the others in APAC.
    pub async fn with_devices(count: usize) -> Self {
        let api = Api::bare().await;
        let runner = runner(&api);
        let house = Self { api, runner };
        let rows: Vec<Value> = (1..=count)
            .map(|n| json!({"name": name(n), "model": "8845", "region": if n % 2 == 0 { "EMEA" } else { "APAC" }}))
            .collect();
        let report = house.post("/devices/batch", &json!({ "items": rows })).await.done(200);
        assert_eq!(report["created"], count, "{report}");
        house
    }

    pub fn now(&self) -> Timestamp {
        self.api.clock().now()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.api.get(&format!("/api/v1{path}")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.api.post(&format!("/api/v1{path}"), &body.to_string()).await
    }

    pub async fn campaign(&self, name: &str) -> Value {
        self.get(&format!("/campaigns/{name}")).await.done(200)
    }

    /// Time passes, and what is due is done.
    pub async fn step(&mut self, time: Duration) {
        self.api.clock().advance(time);
        self.runner.run_due().await.unwrap();
    }

    pub async fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step(Duration::from_secs(5)).await;
        }
    }

    /// The process ends, and the next one takes over what it left.
    pub async fn restart(&mut self) {
        self.runner = runner(&self.api);
        self.runner.take_over().await.unwrap();
    }

    /// Whose operation is open.
    pub async fn open(&self, campaign: &str) -> Vec<String> {
        let path = format!("/campaigns/{campaign}/devices?step=open&limit=1000");
        let found = self.get(&path).await.done(200);
        let items = found["items"].as_array().unwrap();
        items.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn installs(&self, name: &str) {
        self.does(name, |change, now| change.installed(held(now, Duration::ZERO))).await;
    }

    pub async fn deletes(&self, name: &str) {
        self.does(name, |change, _| change.deleted()).await;
    }

    pub async fn fails(&self, name: &str) {
        self.does(name, |change, _| change.failed(Reason::KeyGenerationFailed)).await;
    }

    pub async fn is_issued(&self, name: &str) {
        self.does(name, |change, _| change.issued("0A0B".parse().unwrap())).await;
    }

    /// It holds an LSC of a year that it got so many days ago.
    pub async fn holds(&self, name: &str, age_days: u64) {
        self.does(name, |change, now| change.showed_lsc(held(now, Duration::from_hours(24 * age_days))))
            .await;
    }

    async fn does(&self, name: &str, what: impl FnOnce(Change, Timestamp) -> Change) {
        let actor = Actor::Client { protocol: "capf".to_owned(), address: "10.0.0.9".to_owned() };
        let change = Change::of(self.device(name).await, actor, self.now());
        let mut unit = Unit::new();
        what(change, self.now()).write(&mut unit).unwrap();
        self.api.db().commit(unit).await.unwrap();
    }

    pub async fn device(&self, name: &str) -> Stored<DeviceRecord> {
        let name: DeviceName = name.parse().unwrap();
        inventory::require(self.api.db(), &name).await.unwrap()
    }

    /// How many operations were ever set, as the audit log has it.
    pub async fn operations_set(&self) -> usize {
        let (mut count, mut before) = (0, String::new());
        loop {
            let page = self.get(&format!("/audit?action=device.schedule&limit=1000{before}")).await.done(200);
            count += page["items"].as_array().unwrap().len();
            match &page["next"] {
                Value::Null => return count,
                next => before = format!("&before={}", next.to_string().trim_matches('"')),
            }
        }
    }
}

fn runner(api: &Api) -> Arc<Runner> {
    let desk = api.state.desk.clone();
    let handlers = Handlers::default().on(campaign::KIND, Retry::default(), move |leased| {
        let desk = desk.clone();
        async move { campaign::run(&desk.authority, &desk.profiles.current(), &leased).await }
    });
    Runner::new(api.db().clone(), api.clock().clone(), handlers)
}

pub fn name(number: usize) -> String {
    format!("SEP{number:012X}")
}

pub fn number(name: &str) -> usize {
    usize::from_str_radix(&name[3..], 16).unwrap()
}

/// An LSC of a year, got so long ago.
pub fn held(now: Timestamp, age: Duration) -> Held {
    let from = now.minus(age);
    let serial: Serial = "0A0B".parse().unwrap();
    Held {
        fingerprint: [7; 32],
        serial,
        issuer: "CN=issuing".to_owned(),
        key: "rsa-2048".to_owned(),
        not_before: from,
        not_after: from.plus(Duration::from_hours(24 * 365)),
    }
}

/// When operations were set, as the phones see it.
#[derive(Default)]
pub struct Phones {
    first_seen: BTreeMap<String, Timestamp>,
}

impl Phones {
    /// These are open now.
    pub fn set_at(&mut self, now: Timestamp, open: &[String]) {
        for name in open {
            self.first_seen.entry(name.clone()).or_insert(now);
        }
    }

    /// The most that were set within any minute.
    pub fn most_in_a_minute(&self) -> usize {
        let within = |from: &Timestamp| {
            let minute = from.plus(Duration::from_secs(60));
            self.first_seen.values().filter(|at| *at >= from && **at < minute).count()
        };
        self.first_seen.values().map(within).max().unwrap_or(0)
    }
}
