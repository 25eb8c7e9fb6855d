//! A next CA that is revoked, and a task of a turn that is run at the wrong moment.

use super::house::{CAS, DAY, House};
use crate::openssl::openssl;
use signet::x509::cert::Certificate;

/// Runs the task that lets a next CA take over, as an operator does; gives its state and what it said.
async fn run_by_hand(house: &House) -> (String, String) {
    let (_, tasks) = house.call("GET", "/api/v1/tasks?kind=ca.rollover-activate", "").await;
    let id = tasks["items"][0]["id"].as_str().unwrap().to_owned();
    house.post(&format!("/api/v1/tasks/{id}/run"), "{}").await;
    house.work().await;
    let (_, task) = house.call("GET", &format!("/api/v1/tasks/{id}"), "").await;
    (task["state"].as_str().unwrap().to_owned(), task.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_run_early_turns_nothing_and_keeps_its_date() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let activation = format!("{CAS}/rsa-issuing/rollover/activation");
    house.post(&activation, r#"{"at":"2026-11-25T00:00:00Z"}"#).await;
    let (state, said) = run_by_hand(&house).await;
    assert!(state == "waiting" && said.contains("and not before"), "{said}");
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "next");
    house.live(4 * DAY, DAY).await;
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "active");
}

/// The date's task belongs to one next CA: after a turn by hand it does not turn the CA that is prepared after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_turn_that_was_made_turns_no_other() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let activation = format!("{CAS}/rsa-issuing/rollover/activation");
    house.post(&activation, r#"{"at":"2026-11-25T00:00:00Z"}"#).await;
    house.activate("rsa-issuing-g2").await;
    assert_eq!(house.prepare("rsa-issuing-g2").await["id"], "rsa-issuing-g3");
    let (state, said) = run_by_hand(&house).await;
    assert!(state == "done" && said.contains("took over before"), "{said}");
    assert_eq!(house.ca("rsa-issuing-g3").await["state"], "next");
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_next_ca_is_not_announced_and_never_takes_over() {
    let house = House::build().await;
    let next = house.prepare("rsa-issuing").await;
    let cross = &next["rollover"]["cross_certificates"][0];
    let (url, cross) = (cross["url"].as_str().unwrap(), cross["pem"].as_str().unwrap());
    let (_, der) = house.get(url).await;
    let serial = Certificate::from_der(&der).unwrap().serial().to_string();
    assert!(bundle(&house).await.contains(cross));
    let activation = format!("{CAS}/rsa-issuing/rollover/activation");
    house.post(&activation, r#"{"at":"2026-11-25T00:00:00Z"}"#).await;

    house.post(&format!("{CAS}/rsa-issuing-g2/revoke"), r#"{"reason":"ca-compromise"}"#).await;
    let crl = house.get("/crl/rsa-issuing.crl").await.1;
    let listed = String::from_utf8(openssl(&["crl", "-inform", "DER", "-noout", "-text"], &crl)).unwrap();
    assert!(listed.to_uppercase().contains(&serial.to_uppercase()), "{serial} in {listed}");
    assert!(listed.contains("CA Compromise"), "{listed}");
    assert_eq!(house.get(url).await.0, 404);
    assert!(!bundle(&house).await.contains(cross));
    assert!(house.ca("rsa-issuing-g2").await["rollover"]["cross_certificates"].is_null());

    assert_eq!(house.get("/scep?operation=GetNextCACert").await.0, 404);
    let caps = String::from_utf8(house.get("/scep?operation=GetCACaps").await.1).unwrap();
    assert!(!caps.contains("GetNextCACert"), "{caps}");
    for body in ["{}", r#"{"at":"2026-12-24T00:00:00Z"}"#] {
        let (status, answer) = house.call("POST", &activation, body).await;
        assert_eq!((status, &answer["code"]), (409, &"ca-revoked".into()), "{answer}");
    }
    house.live(4 * DAY, DAY).await;
    assert_eq!(house.ca("rsa-issuing").await["state"], "active");
    let report = house.state.admin.inspector.check().unwrap();
    assert!(report.ok, "{report:?}");
}

async fn bundle(house: &House) -> String {
    String::from_utf8(house.get("/trust/signet.pem").await.1).unwrap()
}
