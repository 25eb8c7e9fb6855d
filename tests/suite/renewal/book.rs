//! The lists of what is to be renewed, as time goes by.

use std::time::Duration;

use serde_json::Value;
use signet::ca::profile::ProfileSet;
use signet::ca::renewal::records::{RenewalBook, RenewalRecord};
use signet::ca::renewal::{catch_up, round};
use signet::store::{PRIMARY, Record, Scan, Unit, When};

use crate::api::fixture::{Api, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";
const DAY: Duration = Duration::from_hours(24);

/// `tls-server` lives for 90 days: due after 59.4, late after 81.
async fn issue(api: &Api, name: &str) -> Value {
    api.clock().advance(Duration::from_secs(1));
    api.post(CERTIFICATES, &issue_body("tls-server", &csr(name, &[name]))).await.done(201)
}

async fn renew(api: &Api, old: &Value, name: &str) -> Value {
    api.clock().advance(Duration::from_secs(1));
    let path = format!("{CERTIFICATES}/{}/renew", old["serial"].as_str().unwrap());
    let body = serde_json::json!({ "csr": csr(name, &[name]) }).to_string();
    api.post(&path, &body).await.done(201)
}

/// Names and states in a list, read in pages of two.
async fn listed(api: &Api, wanted: &str) -> Vec<(String, String)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..50 {
        let page = api.get(&format!("{CERTIFICATES}?renewal={wanted}&limit=2{cursor}")).await.done(200);
        for item in page["items"].as_array().unwrap() {
            let text = |field: &str| item[field].as_str().unwrap().to_owned();
            assert!(text("due_at") < text("late_at") && text("late_at") < text("not_after"));
            found.push((text("subject").trim_start_matches("CN=").to_owned(), text("renewal")));
        }
        let Some(next) = page["next"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
    panic!("the pages never end: {wanted}");
}

async fn names(api: &Api, wanted: &str) -> Vec<String> {
    listed(api, wanted).await.into_iter().map(|(name, _)| name).collect()
}

/// What the worker does each minute.
async fn look(api: &Api) {
    let (authority, profiles) = (&api.state.desk.authority, api.state.desk.profiles.current());
    catch_up(authority, &profiles).await.unwrap();
    round(authority, &profiles, true).await.unwrap();
}

async fn counted(api: &Api) -> (u64, u64, u64) {
    let summary = api.get(&format!("{CERTIFICATES}/summary")).await.done(200);
    let count = |name: &str| summary[name].as_u64().unwrap();
    (count("due"), count("late"), count("vanished"))
}

/// So many days later, who is due, late and vanished.
type Step = (u32, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

#[tokio::test]
async fn a_certificate_is_due_then_late_then_vanished_and_at_last_forgotten() {
    // With and without the worker's rounds in between: the lists are right either way.
    for with_rounds in [false, true] {
        let api = Api::new().await;
        issue(&api, "a.example.com").await;
        let steps: [Step; 5] = [
            (59, &[], &[], &[]),
            (1, &["due"], &[], &[]),
            (21, &["late"], &["late"], &[]),
            (9, &[], &[], &["vanished"]),
            (60, &[], &[], &["vanished"]),
        ];
        for (days, due, late, vanished) in steps {
            api.clock().advance(DAY * days);
            if with_rounds {
                look(&api).await;
            }
            for (wanted, expected) in [("due", due), ("late", late), ("vanished", vanished)] {
                let found: Vec<String> = listed(&api, wanted).await.into_iter().map(|(_, s)| s).collect();
                assert_eq!(found, expected, "{wanted}, {days} days later, rounds: {with_rounds}");
            }
            let counts = (due.len() as u64, late.len() as u64, vanished.len() as u64);
            assert_eq!(counted(&api).await, counts, "{days} days later, rounds: {with_rounds}");
        }
        api.clock().advance(DAY * 30);
        look(&api).await;
        assert!(names(&api, "vanished").await.is_empty(), "told of for 90 days");
        let left = api.db().all::<RenewalRecord>(Scan::all::<RenewalRecord>(PRIMARY)).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn what_was_renewed_or_enrolled_anew_or_revoked_is_not_due() {
    let api = Api::new().await;
    let renewed = issue(&api, "renewed.example.com").await;
    issue(&api, "again.example.com").await;
    let revoked = issue(&api, "revoked.example.com").await;
    issue(&api, "left.example.com").await;
    api.clock().advance(DAY * 60);
    look(&api).await;
    assert_eq!(names(&api, "due").await.len(), 4);

    renew(&api, &renewed, "renewed.example.com").await;
    issue(&api, "again.example.com").await;
    let path = format!("{CERTIFICATES}/{}/revoke", revoked["serial"].as_str().unwrap());
    api.post(&path, r#"{"reason":"superseded"}"#).await.done(200);
    assert_eq!(names(&api, "due").await, ["left.example.com"], "at once");
    look(&api).await;
    assert_eq!(counted(&api).await, (1, 0, 0));
    api.clock().advance(DAY * 31);
    look(&api).await;
    assert_eq!(names(&api, "vanished").await, ["left.example.com"]);
    issue(&api, "left.example.com").await;
    assert!(names(&api, "vanished").await.is_empty(), "it came back");
}

#[tokio::test]
async fn a_certificate_counts_again_when_the_one_that_renewed_it_was_revoked() {
    let api = Api::new().await;
    let old = issue(&api, "a.example.com").await;
    api.clock().advance(DAY * 60);
    let new = renew(&api, &old, "a.example.com").await;
    let path = format!("{CERTIFICATES}/{}/revoke", new["serial"].as_str().unwrap());
    api.post(&path, r#"{"reason":"key-compromise"}"#).await.done(200);
    api.clock().advance(DAY * 22);
    look(&api).await;
    assert_eq!(listed(&api, "late").await, [("a.example.com".to_owned(), "late".to_owned())]);
}

#[tokio::test]
async fn other_points_of_a_profile_count_from_the_next_look_on() {
    let api = Api::new().await;
    issue(&api, "a.example.com").await;
    look(&api).await;
    api.clock().advance(DAY * 50);
    look(&api).await;
    assert!(names(&api, "due").await.is_empty());
    let file = api.state.policies.join("profiles/tls-server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // As a gateway's profile has it, but earlier.
    std::fs::write(&file, text.replace("from = 0.66", "due = \"50%\"\nlate = \"55%\"")).unwrap();
    api.state.desk.profiles.swap(ProfileSet::load(&api.state.policies).unwrap());
    look(&api).await;
    assert_eq!(listed(&api, "due").await, [("a.example.com".to_owned(), "late".to_owned())]);
}

#[tokio::test]
async fn a_store_of_before_is_taken_up_whole() {
    let api = Api::new().await;
    let renewed = issue(&api, "renewed.example.com").await;
    for name in ["a.example.com", "b.example.com", "c.example.com"] {
        issue(&api, name).await;
    }
    api.clock().advance(DAY * 60);
    renew(&api, &renewed, "renewed.example.com").await;
    let mut unit = Unit::new();
    for stored in api.db().all::<RenewalRecord>(Scan::all::<RenewalRecord>(PRIMARY)).await.unwrap() {
        unit.delete::<RenewalRecord>(&stored.value.key(), When::Always);
    }
    unit.delete::<RenewalBook>(RenewalBook::KEY, When::Always);
    api.db().commit(unit).await.unwrap();
    assert!(names(&api, "due").await.is_empty());
    look(&api).await;
    assert_eq!(names(&api, "due").await, ["a.example.com", "b.example.com", "c.example.com"]);
    assert_eq!(counted(&api).await, (3, 0, 0));
    let (authority, profiles) = (&api.state.desk.authority, api.state.desk.profiles.current());
    assert!(!catch_up(authority, &profiles).await.unwrap(), "nothing is left to be done");
}

#[tokio::test]
async fn a_cursor_goes_on_where_its_page_ended_while_others_are_renewed() {
    let api = Api::new().await;
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        all.push(issue(&api, &format!("{name}.example.com")).await);
    }
    api.clock().advance(DAY * 60);
    let page = api.get(&format!("{CERTIFICATES}?renewal=due&limit=2")).await.done(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    renew(&api, &all[0], "a.example.com").await;
    renew(&api, &all[2], "c.example.com").await;
    let cursor = page["next"].as_str().unwrap();
    let page = api.get(&format!("{CERTIFICATES}?renewal=due&limit=10&cursor={cursor}")).await.done(200);
    let rest: Vec<_> = page["items"].as_array().unwrap().iter().map(|i| &i["subject"]).collect();
    assert_eq!(rest, ["CN=d.example.com", "CN=e.example.com"]);
    assert!(page["next"].is_null());
    api.get(&format!("{CERTIFICATES}?renewal=late&cursor={cursor}")).await.refused(422, "invalid-cursor");
}

#[tokio::test]
async fn a_list_is_narrowed_by_its_profile_and_by_nothing_that_another_index_orders() {
    let api = Api::new().await;
    issue(&api, "a.example.com").await;
    api.clock().advance(DAY * 60);
    let of = async |profile: &str| {
        let path = format!("{CERTIFICATES}?renewal=due&profile={profile}");
        api.get(&path).await.done(200)["items"].as_array().unwrap().len()
    };
    assert_eq!((of("tls-server").await, of("tls-client").await), (1, 0));
    api.get(&format!("{CERTIFICATES}?renewal=soon")).await.refused(422, "invalid-renewal");
    api.get(&format!("{CERTIFICATES}?renewal=due&q=example")).await.refused(422, "unsupported-filter");
    let nobody = api.call(axum::http::Method::GET, &format!("{CERTIFICATES}/summary"), &[], b"").await;
    nobody.refused(401, "unauthenticated");
}
