//! Phones that live by their lists: every certificate is replaced step by step and all phones follow; and the outage that
//! comes of replacing in one step whatever could vouch for the next list.

use std::sync::Arc;

use serde_json::{Value, json};
use signet::phone::fleet::{Report, Site, boot_all};
use signet::phone::keys::Keys;
use signet::phone::{Phone, World};

use crate::phones::estate::Estate;

const PHONES: usize = 1000;

struct House {
    estate: Estate,
    phones: Vec<Phone>,
    site: Arc<Site>,
}

impl House {
    /// A cluster with TVS and a signer of files, whose first lists all phones took.
    async fn with(phones: usize) -> Self {
        let estate = Estate::new(&["hq"]).await;
        let world = World {
            lists: estate.at.phone_http.map(|at| at.to_string()),
            tvs: estate.at.tvs.map(|at| at.to_string()),
            ..World::default()
        };
        let clock = estate.clock.clone();
        let site = Site { world, alarms: None, keys: Keys::default(), at_once: 32, per_second: None, clock };
        let phones = (1..=phones).map(|n| Phone::new(format!("SEP{n:012X}"), "8845")).collect();
        let mut house = Self { estate, phones, site: Arc::new(site) };
        house.publish().await;
        let first = house.boot().await;
        assert_eq!(first.alarms, [("TL_INITIAL_SUCCESS", house.phones.len())].into(), "{first:?}");
        house
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.estate.api("POST", path, Some(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    async fn anchors(&self) -> Vec<Value> {
        let (_, anchors) = self.estate.api("GET", "/clusters/hq/anchors", None).await;
        anchors["items"].as_array().unwrap().clone()
    }

    async fn of_role(&self, role: &str) -> Vec<String> {
        let anchors = self.anchors().await;
        let has = |anchor: &&Value| anchor["roles"].as_array().unwrap().contains(&role.into());
        anchors.iter().filter(has).map(|anchor| anchor["sha256"].as_str().unwrap().to_owned()).collect()
    }

    async fn remove(&self, sha256: &str) {
        let (status, answer) =
            self.estate.api("DELETE", &format!("/clusters/hq/anchors/{sha256}"), None).await;
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    async fn publish(&self) {
        self.post("/clusters/hq/releases", json!({})).await;
        self.estate.state.phones.keep_up().await.unwrap();
    }

    async fn boot(&mut self) -> Report {
        let phones = std::mem::take(&mut self.phones);
        let count = phones.len();
        let (after, report) = boot_all(phones, &self.site, |_, _| {}).await.unwrap();
        assert_eq!((after.len(), report.phones), (count, count));
        self.phones = after;
        report
    }

    async fn publish_and_boot(&mut self) -> Report {
        self.publish().await;
        self.boot().await
    }

    /// One step that every phone must follow.
    async fn step(&mut self, what: &str) {
        let report = self.publish_and_boot().await;
        assert_eq!(report.alarms, [("TL_SUCCESS", self.phones.len())].into(), "{what}: {report:?}");
        assert_eq!((report.well, report.locked_out), (self.phones.len(), 0), "{what}: {report:?}");
    }

    /// The next certificate of one of our own identities comes beside the one before, which goes a step later.
    async fn replace(&mut self, identity: &str, role: &str) {
        let old = self.of_role(role).await;
        self.post("/clusters/hq/anchors", json!({"identity": identity, "renew": true})).await;
        self.step(&format!("the next certificate of {identity} stands beside the one before")).await;
        for sha256 in &old {
            self.remove(sha256).await;
        }
        self.step(&format!("the old certificate of {identity} is gone")).await;
        assert!(self.of_role(role).await.iter().all(|sha256| !old.contains(sha256)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_phones_follow_the_replacement_of_every_certificate_but_the_recovery_signer() {
    let mut house = House::with(PHONES).await;
    let before = house.anchors().await;
    let signer = house.of_role("sast").await;
    house.replace("tvs", "tvs").await;
    house.replace("tftp", "ccm+tftp").await;
    for sha256 in house.of_role("capf").await {
        house.remove(&sha256).await;
        house.step("CAPF goes").await;
    }
    let kept: Vec<Value> =
        house.anchors().await.into_iter().filter(|anchor| before.contains(anchor)).collect();
    let kept: Vec<&str> = kept.iter().filter_map(|anchor| anchor["sha256"].as_str()).collect();
    assert_eq!(kept, signer, "only the recovery signer is as it was");

    // The signer too can go, once the next one stood in a list that every phone took.
    house.post("/recovery-signers", json!({})).await;
    house.step("the next recovery signer stands beside the one before").await;
    house.post("/clusters/hq/settings", json!({"signer": "recovery"})).await;
    house.remove(&signer[0]).await;
    house.step("the next recovery signer signs, and the one before is gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signer_and_tvs_replaced_in_one_step_lock_every_phone_out() {
    let mut house = House::with(50).await;
    let (signer, tvs) = (house.of_role("sast").await, house.of_role("tvs").await);
    house.post("/recovery-signers", json!({})).await;
    house.post("/clusters/hq/settings", json!({"signer": "recovery"})).await;
    let added = house.post("/clusters/hq/anchors", json!({"identity": "tvs", "renew": true})).await;
    assert!(added.to_string().contains("phones-locked-out"), "it was foretold: {added}");
    house.remove(&signer[0]).await;
    house.remove(&tvs[0]).await;

    let report = house.publish_and_boot().await;
    assert_eq!(report.alarms, [("TL_FAILED_OLD_TL", 50)].into(), "{report:?}");
    assert_eq!((report.well, report.locked_out), (0, 50), "{report:?}");
    let again = house.boot().await;
    assert_eq!(again.locked_out, 50, "they stay locked out: {again:?}");

    // Who was reset by hand takes the new lists on trust.
    house.phones = vec![Phone::new("SEP000000000001", "8845")];
    let reset = house.boot().await;
    assert_eq!((reset.well, reset.locked_out), (1, 0), "{reset:?}");
}

/// TVS vouches for a signer that the phones do not know, as long as they know TVS.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_signer_is_followed_where_tvs_vouches_for_it() {
    let mut house = House::with(20).await;
    let signer = house.of_role("sast").await;
    house.post("/recovery-signers", json!({})).await;
    house.post("/clusters/hq/settings", json!({"signer": "recovery"})).await;
    house.remove(&signer[0]).await;
    house.step("a signer that only TVS knows").await;
}
