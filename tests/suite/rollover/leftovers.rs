//! What a preparation that was cut off leaves behind, and profiles that name the wrong CA.

use signet::ca::profile::ProfileSet;
use signet::x509::key::KeyAlgorithm;

use super::house::{CAS, House};

/// The keys are made before the one write that makes the CA: killed in between, a key is all that is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_a_ca_is_swept_at_the_start_and_is_in_nobodys_way_before() {
    let house = House::build().await;
    let orphan = "next-rsa-issuing-g2".parse().unwrap();
    house.state.desk.authority.keys.generate(&orphan, KeyAlgorithm::P256).unwrap();
    let house = house.restart().await;
    assert!(!house.state.desk.authority.keys.list().unwrap().contains(&orphan));
    assert_eq!(house.ca("rsa-issuing").await["state"], "active");

    house.state.desk.authority.keys.generate(&orphan, KeyAlgorithm::P256).unwrap();
    let next = house
        .post(&format!("{CAS}/rsa-issuing/rollover"), r#"{"algorithm":"rsa-3072","validity_days":1000}"#)
        .await;
    assert_eq!(next["algorithm"], "rsa-3072");
    let house = house.restart().await;
    assert!(house.state.desk.authority.keys.list().unwrap().contains(&orphan), "now a CA has it");
    house.activate("rsa-issuing").await;
    let house = house.restart().await;
    let (root, ra) = (house.ca("rsa-issuing-g2").await, house.ca_certificates().await);
    assert_eq!((&root["state"], ra.len()), (&"active".into(), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_names_the_ca_that_is_followed_and_not_the_next_one() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let text = std::fs::read_to_string(house.home.path().join("policies/profiles/scep-device.toml")).unwrap();
    let named = |ca: &str| {
        let text = text.replace("ca = \"rsa-issuing\"", &format!("ca = \"{ca}\""));
        let set = ProfileSet::from_sources(vec![("scep-device.toml".to_owned(), text)]).unwrap();
        let held = set.validate_under(&house.state.desk.authority.hierarchy(), house.clock.now());
        held.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    named("rsa-issuing").unwrap();
    assert!(named("rsa-issuing-g2").unwrap_err().contains("name the CA that it follows"));
    house.activate("rsa-issuing").await;
    named("rsa-issuing").unwrap();
    named("rsa-issuing-g2").unwrap();
    house.prepare("rsa-issuing-g2").await;
    house.call("DELETE", &format!("{CAS}/rsa-issuing-g3/rollover"), "").await;
    assert!(named("rsa-issuing-g3").unwrap_err().contains("was called off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_successor_is_refused() {
    let house = House::build().await;
    let refused = async |ca: &str, body: &str, status: u16, code: &str| {
        let (got, answer) = house.call("POST", &format!("{CAS}/{ca}/rollover"), body).await;
        assert_eq!((got, &answer["code"]), (status, &code.into()), "{body}: {answer}");
    };
    refused("nobody", "{}", 404, "not-found").await;
    refused("rsa-root", r#"{"parent":"ec-root"}"#, 422, "invalid-parent").await;
    refused("rsa-issuing", r#"{"parent":"nobody"}"#, 404, "not-found").await;
    refused("rsa-issuing", r#"{"parent":"ec-issuing"}"#, 422, "ca-path-length").await;
    refused("rsa-issuing", r#"{"algorithm":"rsa-1024"}"#, 422, "invalid-key-algorithm").await;
    refused("rsa-issuing", r#"{"validity_days":0}"#, 422, "out-of-range").await;
    refused("rsa-issuing", r#"{"parent_key_pem":"x"}"#, 422, "missing-field").await;
    house.state.desk.authority.keys.remove(&"ca-rsa-issuing".parse().unwrap()).unwrap();
    house.state.desk.authority.reload().await.unwrap();
    refused("rsa-issuing", "{}", 409, "ca-not-ready").await;
}
