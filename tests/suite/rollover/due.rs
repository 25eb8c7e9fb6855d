//! A CA nearing its end: told in time, and its certificates are cut.

use signet::x509::cert::Certificate;

use super::house::{DAY, House};

#[tokio::test(flavor = "multi_thread")]
async fn the_successor_is_due_before_certificates_are_cut_at_the_end() {
    let house = House::build().await;
    let health = async |name: &str| {
        let all = house.call("GET", "/api/v1/health", "").await.1;
        let found = all["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("no {name} in {all}"))
    };
    house.work().await;
    assert_eq!(health("ca rsa-issuing").await["status"], "ok");
    let tls = health("identity tls").await;
    assert_eq!((&tls["status"], &tls["detail"]), (&"ok".into(), &"90 days left".into()));
    assert!(house.ca("rsa-issuing").await["rollover"].is_null());

    // Ten years, of which the profile of TVS wants two: due a month before the first certificate is cut.
    house.clock.advance(2850 * DAY);
    house.work().await;
    assert_eq!(health("ca rsa-issuing").await["status"], "ok");
    house.clock.advance(60 * DAY);
    house.work().await;
    let told = health("ca rsa-issuing").await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("signet ca rollover prepare rsa-issuing"), "{told}");
    assert_eq!(house.ca("rsa-issuing").await["rollover"]["summary"], "due");
    assert!(house.ca("rsa-root").await["rollover"].is_null(), "a successor under it lives its ten years");

    // Checklist D: inside the issuer's validity.
    house.clock.advance(480 * DAY);
    house.work().await;
    let cas = house.ca_certificates().await;
    let device = house.enrol("late", &cas[0]).await;
    assert_eq!(Certificate::from_der(&device.certificate).unwrap().not_after(), cas[1].not_after());

    house.clock.advance(240 * DAY);
    house.work().await;
    assert_eq!(
        house.ca("rsa-root").await["rollover"]["summary"],
        "due",
        "a successor would be cut at its end"
    );

    house.prepare("rsa-issuing").await;
    assert!(house.ca("rsa-issuing").await["rollover"]["due"].is_null(), "the successor is there");
    house.activate("rsa-issuing").await;
    let cas = house.ca_certificates().await;
    let device = house.enrol("in-time", &cas[0]).await;
    let life = Certificate::from_der(&device.certificate).unwrap().not_after().since(house.clock.now());
    assert!(life > 364 * DAY, "{life:?}");
    assert_eq!(health("ca rsa-issuing-g2").await["status"], "ok");
}
