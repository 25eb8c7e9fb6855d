//! Notices before certificates expire: once for each certificate and step, one message a look, and never twice the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use signet::id::{RecordId, Serial};
use signet::notice;
use signet::notice::records::{About, LookRecord, NoticeRecord, OpenLook};
use signet::store::Unit;
use signet::task::{Handlers, Retry, Runner};

use super::fixture::{Api, csr, issue_body};
use crate::approve::judges::{SECRET, Webhook, response, secret_file};

const DAY: Duration = Duration::from_hours(24);

/// An API with certificates of 90 days, and what it tells.
struct House {
    api: Api,
    hook: Webhook,
}

impl House {
    async fn new(policy: &str) -> Self {
        Self::told_by(policy, Webhook::always(204, "").await).await
    }

    /// With this webhook as a channel beside what the policy says.
    async fn told_by(policy: &str, hook: Webhook) -> Self {
        let house = Self { api: Api::new().await, hook };
        house.api.drop_rsa_profiles();
        house.put(&format!("{policy}\n{}", house.channel()));
        house.api.post("/api/v1/profiles/reload", "").await.done(200);
        house
    }

    fn channel(&self) -> String {
        let secret = secret_file(self.api.dir.path(), "hook.secret", SECRET);
        let address = self.hook.address;
        format!(
            "[channels.hook]\ntype = \"webhook\"\nurl = \"http://{address}/x\"\nsecret_file = \"{secret}\"\n"
        )
    }

    fn put(&self, policy: &str) {
        std::fs::write(self.api.state.policies.join("notices.toml"), policy).unwrap();
    }

    /// Issues a certificate that is good for 90 days; its serial number.
    async fn issue(&self, name: &str) -> String {
        self.api.clock().advance(Duration::from_secs(1));
        let body = issue_body("tls-server", &csr(name, &[name]));
        let issued = self.api.post("/api/v1/certificates", &body).await.done(201);
        issued["serial"].as_str().unwrap().to_owned()
    }

    fn days(&self, count: u32) {
        self.api.clock().advance(DAY * count);
    }

    /// Looks, and sends what there is to send.
    async fn look(&self) -> Option<u64> {
        let found = notice::look(&self.api.state.notices).await.unwrap();
        self.send(Retry::default()).await;
        found
    }

    async fn send(&self, retry: Retry) {
        let notices = self.api.state.notices.clone();
        let handlers = Handlers::default().on(notice::SEND, retry, move |leased| {
            let notices = notices.clone();
            async move { notice::deliver(&notices, leased).await }
        });
        let runner = Runner::new(self.api.db().clone(), self.api.clock().clone(), handlers);
        runner.run_due().await.unwrap();
    }

    async fn notices(&self, query: &str) -> Vec<Value> {
        let page = self.api.get(&format!("/api/v1/notices{query}")).await.done(200);
        page["items"].as_array().unwrap().clone()
    }

    /// How many certificates each message was about.
    fn told(&self) -> Vec<u64> {
        self.hook.asked().iter().map(|asked| asked.json()["found"].as_u64().unwrap()).collect()
    }
}

#[tokio::test]
async fn each_step_is_told_once_and_in_time() {
    let house = House::new("days = [14, 7, 1]\nca_days = []").await;
    let serial = house.issue("a.example.com").await;
    house.api.clock().advance(Duration::from_hours(1));
    let mut steps = Vec::new();
    for day in 0..92_i64 {
        house.look().await;
        assert_eq!(house.look().await, None, "twice in a day");
        for told in house.notices("").await.into_iter().filter(|n| n["serial"] == serial.as_str()) {
            if !steps.iter().any(|(step, _)| *step == told["step"]) {
                steps.push((told["step"].clone(), 90 - day));
            }
        }
        house.days(1);
    }
    // Told when that many days are left, not a day later.
    assert_eq!(steps, [(json!(14), 15), (json!(7), 8), (json!(1), 2)]);
    let all = house.notices(&format!("?serial={serial}")).await;
    assert_eq!(all.iter().map(|n| n["step"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 7, 14]);
    assert_eq!((&all[0]["subject"], &all[0]["about"]), (&"CN=a.example.com".into(), &"certificate".into()));
    assert_eq!(house.told(), [1, 1, 1]);
}

#[tokio::test]
async fn what_was_renewed_or_revoked_is_not_told() {
    let house = House::new("ca_days = []").await;
    house.issue("renewed.example.com").await;
    let revoked = house.issue("revoked.example.com").await;
    house.issue("kept.example.com").await;
    house.days(60);
    house.issue("renewed.example.com").await;
    house.issue("other.example.com").await;
    let path = format!("/api/v1/certificates/{revoked}/revoke");
    house.api.post(&path, r#"{"reason":"superseded"}"#).await.done(200);
    house.days(24);
    assert_eq!(house.look().await, Some(1));
    let [only] = house.notices("").await.try_into().unwrap();
    assert_eq!((&only["subject"], &only["step"]), (&"CN=kept.example.com".into(), &7.into()));
}

#[tokio::test]
async fn many_are_one_message_of_some_and_a_count_signed_and_the_same_when_sent_again() {
    let tries = Arc::new(AtomicU32::new(0));
    let count = tries.clone();
    let hook = Webhook::answering(move |_| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move { response(if first { 503 } else { 200 }, "") }
    })
    .await;
    let house = House::told_by("listed = 2\nca_days = []", hook).await;
    for n in 0..5 {
        house.issue(&format!("h{n}.example.com")).await;
    }
    house.days(80);
    assert_eq!(house.look().await, Some(5));
    let waiting = house.api.get("/api/v1/tasks?state=waiting&kind=notice.send").await.done(200);
    let said = waiting["items"][0]["said"].as_str().unwrap();
    assert!(said.contains("answered 503, not 200 to 299"), "{said}");
    assert!(!said.contains("/x"), "the address' path may be a secret: {said}");
    house.api.clock().advance(Duration::from_secs(30));
    assert_eq!(house.look().await, None);
    house.days(1);
    house.look().await;
    let asked = house.hook.asked();
    assert_eq!(asked.len(), 2, "one message a look, sent until it arrives");
    let (first, again) = (asked[0].json(), asked[1].json());
    assert_eq!(first, again);
    assert_eq!((&first["type"], &first["found"]), (&"expiry".into(), &5.into()));
    let names: Vec<&str> =
        first["notices"].as_array().unwrap().iter().map(|n| n["subject"].as_str().unwrap()).collect();
    assert_eq!(names, ["CN=h0.example.com", "CN=h1.example.com"], "those that expire first");
    let header = |name: &str| asked[1].headers[name].to_str().unwrap().to_owned();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(header("signet-timestamp")).chain_update(".").chain_update(&asked[1].body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(header("signet-signature"), format!("v1={hex}"));
    let log = house.api.get("/api/v1/audit?action=notice.give").await.done(200);
    assert_eq!(log["items"][0]["details"], json!({"channels": "1", "found": "5"}));
}

#[tokio::test]
async fn after_a_long_stop_one_message_tells_each_by_the_step_it_is_at() {
    let house = House::new("days = [14, 7, 1]\nca_days = []").await;
    house.look().await;
    for (name, apart) in [("a", 6), ("b", 4), ("c", 60)] {
        house.issue(&format!("{name}.example.com")).await;
        house.days(apart);
    }
    // a has 20 days left, b 26, c 30; then nobody looks for 22 days and an hour: a has expired, b has 3, c has 7.
    house.look().await;
    assert_eq!(house.told(), Vec::<u64>::new());
    house.api.clock().advance(DAY * 22 + Duration::from_hours(1));
    assert_eq!(house.look().await, Some(3));
    let mut seen: Vec<_> = house.notices("").await;
    seen.sort_by_key(|n| n["subject"].to_string());
    let brief: Vec<_> =
        seen.iter().map(|n| (n["step"].as_u64().unwrap(), n["days_left"].as_i64().unwrap())).collect();
    assert_eq!(brief, [(1, -3), (7, 3), (7, 7)]);
    assert_eq!(house.told(), [3]);
}

#[tokio::test]
async fn a_look_that_broke_off_goes_on_and_tells_all_it_found() {
    let house = House::new("ca_days = []").await;
    for n in 0..3 {
        house.issue(&format!("h{n}.example.com")).await;
    }
    house.days(80);
    // What a crash after the first of its writes leaves behind.
    let authority = &house.api.state.desk.authority;
    let now = house.api.clock().now();
    let run = RecordId::new(now, &authority.random).unwrap();
    let first = house.api.get("/api/v1/certificates?q=h0.example.com").await.done(200)["items"][0].clone();
    let fingerprint = first["fingerprint_sha256"].as_str().unwrap().replace(':', "");
    let byte = |i: usize| u8::from_str_radix(&fingerprint[2 * i..2 * i + 2], 16).unwrap();
    let told = NoticeRecord {
        id: RecordId::new(now, &authority.random).unwrap(),
        run,
        at: now,
        step: 14,
        about: About::Ca("ec-issuing".parse().unwrap()),
        subject: "CN=h0.example.com".into(),
        serial: "0A".parse::<Serial>().unwrap(),
        fingerprint: std::array::from_fn(byte),
        not_after: now.plus(DAY * 10),
    };
    let look = LookRecord { open: Some(OpenLook { run, found: 1 }), ..LookRecord::default() };
    let mut unit = Unit::new();
    unit.insert(&told).unwrap();
    unit.insert(&look).unwrap();
    house.api.db().commit(unit).await.unwrap();

    assert_eq!(house.look().await, Some(3));
    assert_eq!(house.told(), [3]);
    assert_eq!(house.hook.asked()[0].json()["notices"].as_array().unwrap().len(), 3);
    assert_eq!(house.notices("").await.len(), 3);
}

#[tokio::test]
async fn a_ca_is_told_of_long_before() {
    let mut house = House::new("ca_days = [365, 30]").await;
    house.look().await;
    assert_eq!(house.notices("").await, Vec::<Value>::new());
    house.days(365 * 9);
    house.api.admin = house.api.token("late", "administrator").await;
    assert_eq!(house.look().await, Some(1));
    house.days(5);
    assert_eq!(house.look().await, Some(0));
    let [only] = house.notices("").await.try_into().unwrap();
    assert_eq!(
        (&only["about"], &only["ca"], &only["step"]),
        (&"ca".into(), &"ec-issuing".into(), &365.into())
    );
    assert!(only["profile"].is_null());
}

#[tokio::test]
async fn a_policy_is_taken_over_as_a_whole_or_not_at_all() {
    let house = House::new("").await;
    let api = &house.api;
    let secret = api.dir.path().join("hook.secret").display().to_string();
    let channel = |more: &str| format!("days = [7]\n{}{more}", house.channel());
    for (policy, line, reason) in [
        ("days = [0]".to_owned(), 1, "days are at most"),
        (channel("timeout = \"9m\"\n"), 6, "timeout is from 1s to 60s"),
        (channel("").replace(&secret, "/nowhere/secret"), 3, "the secret file /nowhere/secret"),
        (channel("ca_file = \"/nowhere.pem\"\n").replace("http:", "https:"), 3, "cannot read /nowhere.pem"),
    ] {
        house.put(&policy);
        let checked = api.post("/api/v1/profiles/check", "").await;
        let found = checked.json()["faults"][0].clone();
        assert_eq!(
            (&found["file"], &found["line"]),
            (&"notices.toml".into(), &line.into()),
            "{policy}: {found}"
        );
        assert!(found["reason"].as_str().unwrap().contains(reason), "{found}");
        let refused = api.post("/api/v1/profiles/reload", "").await;
        assert!(refused.status.is_client_error() && refused.text().contains(reason), "{}", refused.text());
        assert_eq!(api.state.notices.current().policy.days, [30, 14, 7, 1]);
    }
    house.put(&channel("enabled = false\n"));
    api.post("/api/v1/profiles/reload", "").await.done(200);
    assert_eq!(api.state.notices.current().policy.days, [7]);
    let channels = api.get("/api/v1/notices/channels").await.done(200);
    let to = format!("http://{}", house.hook.address);
    let expected = json!({"name": "hook", "type": "webhook", "to": to, "enabled": false, "fault": null});
    assert_eq!(channels["items"], json!([expected]));
}

#[tokio::test]
async fn a_channel_is_tried_out_also_before_it_is_used() {
    let house = House::new("").await;
    let api = &house.api;
    let path = "/api/v1/notices/channels/hook/test";
    api.post(path, "").await.done(200);
    assert_eq!(house.hook.asked()[0].json()["type"], "test");
    api.post("/api/v1/notices/channels/none/test", "").await.refused(404, "not-found");
    let auditor = api.token("a", "auditor").await;
    api.get_as(&auditor, "/api/v1/notices").await.done(200);
    api.post_as(&auditor, path, "").await.refused(403, "forbidden");
    let enroller = api.token("e", "enroller").await;
    api.get_as(&enroller, "/api/v1/notices").await.refused(403, "forbidden");
    api.get_as(&enroller, "/api/v1/notices/channels").await.refused(403, "forbidden");

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    house.put(&house.channel().replace(&house.hook.address.to_string(), &gone.to_string()));
    api.post("/api/v1/profiles/reload", "").await.done(200);
    let refused = api.post(path, "").await;
    refused.refused(502, "webhook-failed");
    let log = api.get("/api/v1/audit?action=notice.test").await.done(200);
    let outcomes: Vec<&str> =
        log["items"].as_array().unwrap().iter().map(|e| e["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "done"]);
}

#[tokio::test]
async fn messages_to_a_channel_that_is_gone_are_given_up() {
    let house = House::new("ca_days = []").await;
    house.issue("a.example.com").await;
    house.days(80);
    notice::look(&house.api.state.notices).await.unwrap();
    house.put("ca_days = []");
    house.api.post("/api/v1/profiles/reload", "").await.done(200);
    house.send(Retry::default()).await;
    let failed = house.api.get("/api/v1/tasks?state=failed").await.done(200);
    assert_eq!(failed["items"][0]["said"], "there is no channel hook any more");
    assert!(house.told().is_empty());
}

#[tokio::test]
async fn notices_are_forgotten_after_what_they_are_about() {
    let house = House::new("ca_days = []").await;
    house.issue("a.example.com").await;
    house.days(80);
    house.look().await;
    let left = async |days| {
        house.days(days);
        notice::sweep(house.api.db(), house.api.clock().now(), 10).await.unwrap();
        house.notices("").await.len()
    };
    assert_eq!([left(99).await, left(2).await], [1, 0]);
}
