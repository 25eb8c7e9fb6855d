//! A turn on a date, another date, and a rollover that is called off.

use serde_json::Value;

use super::house::{CAS, DAY, House, issuer};

#[tokio::test(flavor = "multi_thread")]
async fn the_turn_comes_on_its_date_also_after_a_restart() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let activation = format!("{CAS}/rsa-issuing/rollover/activation");
    for (at, code) in
        [("2026-11-21T00:00:00Z", "activation-date"), ("2040-01-01T00:00:00Z", "activation-date")]
    {
        let (status, answer) = house.call("POST", &activation, &format!(r#"{{"at":"{at}"}}"#)).await;
        assert_eq!(
            (status, &answer["code"], &answer["pointer"]),
            (422, &code.into(), &"/at".into()),
            "{answer}"
        );
    }
    house.post(&activation, r#"{"at":"2026-12-24T00:00:00Z"}"#).await;
    let put = house.post(&activation, r#"{"at":"2026-12-01T03:00:00Z"}"#).await;
    assert_eq!(put["rollover"]["activates_at"], "2026-12-01T03:00:00Z", "another date replaces it");
    assert_eq!(put["state"], "next");
    house.live(9 * DAY, DAY).await;
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "next");

    let house = house.restart().await;
    house.clock.advance(DAY / 2);
    house.work().await;
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "active");
    house.live(30 * DAY, 5 * DAY).await;
    let device = house.enrol("device", &house.ca_certificates().await[0]).await;
    assert_eq!(issuer(&house, &device.certificate), "rsa-issuing-g2");
    let (_, tasks) = house.call("GET", "/api/v1/tasks?kind=ca.rollover-activate", "").await;
    let states: Vec<_> =
        tasks["items"].as_array().unwrap().iter().map(|task| task["state"].clone()).collect();
    assert_eq!(states, ["done"], "{tasks}");
    let (_, audit) = house.call("GET", "/api/v1/audit?subject=ca:rsa-issuing-g2", "").await;
    let said: Vec<_> = audit["items"].as_array().unwrap().iter().rev().map(|e| e["action"].clone()).collect();
    let told = ["prepare", "schedule", "schedule", "activate"].map(|word| format!("ca.rollover-{word}"));
    assert_eq!(
        said.iter().filter(|s| s.as_str().unwrap().contains("rollover")).collect::<Vec<_>>(),
        told.each_ref()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_the_task_of_a_date_takes_the_date_off_the_rollover() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let activation = format!("{CAS}/rsa-issuing/rollover/activation");
    house.post(&activation, r#"{"at":"2026-12-01T00:00:00Z"}"#).await;
    let (_, tasks) = house.call("GET", "/api/v1/tasks?kind=ca.rollover-activate", "").await;
    let task = format!("/api/v1/tasks/{}", tasks["items"][0]["id"].as_str().unwrap());

    assert_eq!(house.post(&format!("{task}/cancel"), "{}").await["state"], "cancelled");
    let next = house.ca("rsa-issuing-g2").await;
    assert_eq!((&next["state"], &next["rollover"]["activates_at"]), (&"next".into(), &Value::Null), "{next}");
    house.live(14 * DAY, 2 * DAY).await;
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "next");

    // It was run by mistake: it is given up, which health tells until it is cancelled.
    house.post(&format!("{task}/run"), "{}").await;
    house.work().await;
    let (_, health) = house.call("GET", "/api/v1/health", "").await;
    let of_tasks = health["checks"].as_array().unwrap().iter().find(|c| c["name"] == "tasks").unwrap();
    assert_eq!((&health["status"], &of_tasks["status"]), (&"degraded".into(), &"degraded".into()));
    assert!(of_tasks["detail"].as_str().unwrap().contains("ca:rsa-issuing-g2"), "{health}");
    house.post(&format!("{task}/cancel"), "{}").await;
    let (_, health) = house.call("GET", "/api/v1/health", "").await;
    assert_eq!(health["status"], "ok", "{health}");

    house.activate("rsa-issuing").await;
    assert_eq!(house.ca("rsa-issuing-g2").await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollover_that_is_called_off_never_turns_and_another_may_be_prepared() {
    let house = House::build().await;
    let path = format!("{CAS}/rsa-issuing/rollover");
    let (status, answer) = house.call("DELETE", &path, "").await;
    assert_eq!((status, &answer["code"]), (409, &"no-rollover".into()));
    let before = house.ca_certificates().await;
    let next = house.prepare("rsa-issuing").await;
    let (status, answer) = house.call("POST", &path, "{}").await;
    assert_eq!((status, &answer["code"]), (409, &"rollover-exists".into()), "{answer}");
    let next_ra = next_ra(&house).await;
    house.post(&format!("{path}/activation"), r#"{"at":"2026-12-01T00:00:00Z"}"#).await;

    let off = house.call("DELETE", &path, "").await;
    let off = house.done(200, off);
    assert_eq!((&off["id"], &off["state"]), (&next["id"], &"retiring".into()));
    assert_eq!(house.get("/scep?operation=GetNextCACert").await.0, 404);
    assert_eq!(house.get("/ca/rsa-issuing-g2.by-rsa-issuing.crt").await.0, 404);
    // Who asked the next one's RA is answered, by the CA in force.
    let device = house.enrol("asked-the-next", &next_ra).await;
    assert_eq!(issuer(&house, &device.certificate), "rsa-issuing");
    house.live(20 * DAY, 4 * DAY).await;
    assert_eq!(house.ca("rsa-issuing").await["state"], "active");
    let (status, answer) = house.call("POST", &format!("{CAS}/rsa-issuing-g2/rollover"), "{}").await;
    assert_eq!((status, &answer["code"]), (409, &"not-in-force".into()), "{answer}");

    let again = house.prepare("rsa-issuing").await;
    assert_eq!(again["id"], "rsa-issuing-g3");
    house.activate("rsa-issuing").await;
    assert_ne!(house.ca_certificates().await[1], before[1]);
    house.live(40 * DAY, 5 * DAY).await;
    assert_eq!(
        house.ca("rsa-issuing-g2").await["state"],
        "retired",
        "its RA and responder were all that it issued"
    );
}

async fn next_ra(house: &House) -> signet::x509::cert::Certificate {
    let profile = house.state.desk.profiles.current();
    let mode = profile.require(&"scep-device".parse().unwrap()).unwrap().scep().unwrap().ra_mode;
    let id = "rsa-issuing-g2".parse().unwrap();
    let ra = signet::enrol::scep_ra::RaSource::ra(&*house.state.identities, &id, mode).unwrap();
    (*ra.encryption).clone()
}
