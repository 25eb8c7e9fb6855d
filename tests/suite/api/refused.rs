//! Refused requests over the API: found, explained, tried again after the policy was changed.

use serde_json::{Value, json};
use signet::ca::profile::ProfileSet;
use signet::ca::records::{CertificateRecord, serials};
use signet::enrol::refused::MessageRecord;
use signet::id::RecordId;
use signet::store::{PRIMARY, Scan, Unit};

use super::fixture::{Api, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";
const REFUSED: &str = "/api/v1/requests/refused";

/// The API with `tls-server` changed.
async fn with(from: &str, to: &str) -> Api {
    let api = Api::new().await;
    change(&api, from, to);
    api
}

fn change(api: &Api, from: &str, to: &str) {
    let file = api.state.policies.join("profiles/tls-server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    api.state.desk.profiles.swap(ProfileSet::load(&api.state.policies).unwrap());
}

/// A request for O=Acme besides a name.
fn with_organization(name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "Acme");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

async fn only(api: &Api) -> Value {
    let list = api.get(REFUSED).await.done(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    list["items"][0].clone()
}

#[tokio::test]
async fn an_attribute_that_the_profile_forbids_is_explained_and_tried_again_after_it_is_allowed() {
    let allowed = "O = { from = \"request\" }\n";
    let api = with(allowed, "").await;
    let request = with_organization("a.example.com");
    let refused = api.post(CERTIFICATES, &issue_body("tls-server", &request)).await;
    let text = "subject O \"Acme\" is not allowed (profile tls-server)";
    assert_eq!(refused.json()["detail"], text);
    refused.refused(422, "bad-csr");

    let kept = only(&api).await;
    assert_eq!((&kept["code"], &kept["rule"]), (&"bad-csr".into(), &text.into()));
    assert_eq!((&kept["protocol"], &kept["requester"]), (&"api".into(), &"operator admin".into()));
    assert_eq!(kept["asked"]["sans"], json!(["dns:a.example.com"]));
    assert_eq!((&kept["asked"]["key"], &kept["asked"]["proof"]), (&"p-256".into(), &"operator".into()));
    let path = format!("/api/v1/requests/{}", kept["id"].as_str().unwrap());

    let explained = api.get(&format!("{path}/explanation")).await.done(200);
    assert_eq!(explained["stage"], "policy");
    let means = explained["means"].as_str().unwrap();
    assert!(
        means.starts_with("The request asks for O=Acme in the subject; the profile tls-server forbids O")
    );
    let change_by = |n: usize| explained["changes"][n]["side"].as_str().unwrap().to_owned();
    assert_eq!((change_by(0), change_by(1)), ("device".to_owned(), "operator".to_owned()));
    assert_eq!(
        explained["changes"][1]["text"],
        "Or allow it: add `O = { from = \"request\" }` under [subject] in policies/profiles/tls-server.toml and \
         run `signet profile reload`."
    );

    let before = api.post(&format!("{path}/replay"), "").await.done(200);
    assert_eq!((&before["outcome"], &before["rule"]), (&"refused".into(), &text.into()));
    assert_eq!(before["differences"], json!([]));

    change(&api, "OU = { from", &format!("{allowed}OU = {{ from"));
    let after = api.post(&format!("{path}/replay"), "").await.done(200);
    assert_eq!(after["outcome"], "would-be-issued");
    assert_eq!(after["would_issue"]["ca"], "ec-issuing");
    assert_eq!(after["would_issue"]["sans"], json!(["dns:a.example.com"]));
    assert_eq!(
        after["differences"],
        json!(["The profile tls-server was changed since.", "It is no longer refused."])
    );
    assert_eq!(after["then"]["rule"], text);

    assert_eq!(api.get(CERTIFICATES).await.done(200)["items"], json!([]), "a rehearsal issued");
    only(&api).await;
    let audit = api.get("/api/v1/audit?action=request.replay").await.done(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    assert_eq!(audit["items"][0]["details"]["now"], "would be issued");
}

/// What moved in has short serial numbers, which stand in the index with their CA.
#[tokio::test]
async fn the_renewal_of_a_certificate_with_a_short_serial_number_is_tried_again() {
    let allowed = "O = { from = \"request\" }\n";
    let api = with(allowed, "").await;
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    let serial = api.post(CERTIFICATES, &body).await.done(201)["serial"].as_str().unwrap().to_owned();
    let issued = serials::all(api.db(), &serial.parse().unwrap()).await.unwrap().remove(0).value;
    let id = RecordId::new(api.clock().now(), &api.state.desk.authority.random).unwrap();
    let mut unit = Unit::new();
    unit.insert(&CertificateRecord { id, serial: "1000".parse().unwrap(), ..issued }).unwrap();
    api.db().commit(unit).await.unwrap();
    let renew = json!({"csr": with_organization("a.example.com")}).to_string();
    api.post(&format!("{CERTIFICATES}/1000/renew"), &renew).await.refused(422, "bad-csr");

    let path = format!("/api/v1/requests/{}", only(&api).await["id"].as_str().unwrap());
    let again = api.post(&format!("{path}/replay"), "").await.done(200);
    assert_eq!((&again["outcome"], &again["code"]), (&"refused".into(), &"bad-csr".into()), "{again}");
}

#[tokio::test]
async fn the_message_is_sealed_and_who_may_not_decide_may_not_try() {
    let api = Api::new().await;
    let request = csr("a.example.com", &["a.example.com", "b.example.com", "c.example.com"]);
    api.post(CERTIFICATES, &issue_body("tls-server", &request)).await.refused(422, "bad-csr");
    let kept = api.db().scan::<MessageRecord>(Scan::all::<MessageRecord>(PRIMARY)).await.unwrap();
    let sealed = &kept.items[0].value.sealed;
    assert!(!sealed.windows(10).any(|part| part == b"-----BEGIN"), "the message lies open");
    let path = format!("/api/v1/requests/{}", only(&api).await["id"].as_str().unwrap());
    let (auditor, enroller) = (api.token("eve", "auditor").await, api.token("tom", "enroller").await);
    api.get_as(&auditor, &format!("{path}/explanation")).await.done(200);
    api.post_as(&auditor, &format!("{path}/replay"), "").await.refused(403, "forbidden");
    api.get_as(&enroller, REFUSED).await.refused(403, "forbidden");
    api.get_as(&enroller, &format!("{path}/explanation")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn refused_requests_are_found_by_profile_code_subject_and_time_in_pages() {
    let api = Api::new().await;
    let start = api.clock().now();
    let minute = std::time::Duration::from_secs(60);
    for n in 0..6 {
        api.clock().advance(minute);
        let name = format!("Host{n}.example.com");
        let profile = if n % 2 == 0 { "tls-server" } else { "tls-multi-server" };
        let names = if n % 2 == 0 { vec!["x.example.com"] } else { vec![&*name; 1] };
        let request = if n == 5 { "bm9uZQ==".to_owned() } else { csr(&name, &names) };
        let answer = api.post(CERTIFICATES, &issue_body(profile, &request)).await;
        assert_eq!(answer.status.is_success(), n % 2 == 1 && n != 5, "{}", answer.text());
    }
    let found = async |query: &str| {
        let items = api.get(&format!("{REFUSED}{query}")).await.done(200)["items"].take();
        items.as_array().unwrap().iter().map(|i| i["asked"]["subject"].clone()).collect::<Vec<_>>()
    };
    let all = ["CN=Host4.example.com", "CN=Host2.example.com", "CN=Host0.example.com"].map(Value::from);
    assert_eq!(found("?profile=tls-server").await, all);
    assert_eq!(found("").await.len(), 4);
    assert_eq!(found("?code=bad-csr&profile=tls-server&subject=HOST2").await, all[1..2]);
    assert_eq!(found("?subject=x.example").await, all);
    assert_eq!(found("?code=policy").await.len(), 0);
    let since = start.plus(minute * 3);
    assert_eq!(found(&format!("?since={since}&profile=tls-server")).await, all[..2]);
    api.get(&format!("{REFUSED}?state=pending")).await.refused(400, "unknown-parameter");

    let first = api.get(&format!("{REFUSED}?limit=3")).await.done(200);
    let cursor = first["next"].as_str().unwrap();
    let rest = api.get(&format!("{REFUSED}?limit=3&cursor={cursor}")).await.done(200);
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (3, 1));
    assert_eq!(rest["next"], Value::Null);
    let other = format!("{REFUSED}?limit=3&code=bad-csr&cursor={cursor}");
    api.get(&other).await.refused(422, "invalid-cursor");
}

#[tokio::test]
async fn one_that_waits_is_explained_and_one_that_is_not_there_is_told() {
    let api = with("approval = \"automatic\"", "approval = \"manual\"").await;
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    let id = api.post(CERTIFICATES, &body).await.done(202)["request"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/requests/{id}");
    let waits = api.get(&format!("{path}/explanation")).await.done(200);
    assert_eq!(waits["code"], "pending");
    assert!(waits["changes"][0]["text"].as_str().unwrap().contains(&format!("signet request approve {id}")));
    let boss = api.token("boss", "operator").await;
    api.post_as(&boss, &format!("{path}/deny"), r#"{"comment":"unknown host"}"#).await.done(200);
    let denied = api.get(&format!("{path}/explanation")).await.done(200);
    assert_eq!((&denied["code"], &denied["rule"]), (&"request-denied".into(), &"unknown host".into()));
    api.post(&format!("{path}/replay"), "").await.refused(404, "not-found");
    let none = "/api/v1/requests/0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f";
    api.get(&format!("{none}/explanation")).await.refused(404, "not-found");
}

#[tokio::test]
async fn an_unknown_profile_is_answered_with_those_that_there_are() {
    let api = Api::new().await;
    let body = issue_body("tls-servers", &csr("a.example.com", &["a.example.com"]));
    let answers = [
        api.post(CERTIFICATES, &body).await,
        api.post("/api/v1/challenges", r#"{"profile":"tls-servers","subject":"CN=x"}"#).await,
    ];
    for answer in answers {
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("no profile tls-servers; there are: capf-lsc, dot1x-device, "),
            "{detail}"
        );
        assert!(detail.contains(", tls-server") && !detail.contains("scep-ra"), "{detail}");
        assert!(!detail.contains("legacy"), "a profile that is switched off is not offered: {detail}");
    }
}

#[tokio::test]
async fn devices_are_reloaded_with_the_profiles_or_not_at_all() {
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let file = api.state.policies.join("devices/cisco-ios.toml");
    assert!(file.exists(), "the shipped devices are not written");
    let shipped = api.state.desk.profiles.devices().count();
    std::fs::write(&file, "name = 7\n").unwrap();
    let refused = api.post("/api/v1/profiles/reload", "").await;
    assert!(refused.text().contains("cisco-ios.toml:1"), "{}", refused.text());
    assert_eq!(api.state.desk.profiles.devices().count(), shipped);
    std::fs::remove_file(&file).unwrap();
    api.post("/api/v1/profiles/reload", "").await.done(200);
    assert_eq!(api.state.desk.profiles.devices().count(), shipped - 1);
}
