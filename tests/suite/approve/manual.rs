//! Requests that an operator decides.

use std::sync::Arc;

use signet::enrol::records::{RequestRecord, RequestState};
use signet::enrol::{Outcome, Proof, queue};
use signet::error::Kind;
use signet::id::RecordId;
use signet::store::{Record, Unit, When};
use signet::x509::crl::Reason;

use super::fixture::{Client, Office, by_operator, operator, renewal, secret};

const CN: &str = "gw1.example";

async fn office() -> Office {
    let manual = std::fs::read_to_string("policies/profiles/scep-device.toml").unwrap();
    let manual = manual.replace("approval = \"challenge\"", "approval = \"manual\"");
    Office::with(&[("manual", &manual)]).await
}

async fn ask(office: &Office, client: &Client, id: &str) -> RecordId {
    let request = client.within(id, client.request("manual", client.csr(CN, &[]), Proof::None));
    pending(office.enrol(request).await)
}

#[track_caller]
fn pending(outcome: signet::error::Result<Outcome>) -> RecordId {
    match outcome.unwrap() {
        Outcome::Pending(id) => id,
        Outcome::Issued(issued) => panic!("issued {}", issued.record.serial),
    }
}

async fn waiting(office: &Office) -> i64 {
    office.desk.authority.db.raw().counter(RequestRecord::KIND, RequestRecord::WAITING).await.unwrap()
}

#[tokio::test]
async fn a_request_waits_and_the_client_fetches_what_was_approved() {
    let office = office().await;
    let client = Client::new();
    let csr = client.csr(CN, &[]);
    let request = || client.within("T1", client.request("manual", csr.clone(), Proof::None));
    let id = pending(office.enrol(request()).await);
    assert_eq!(pending(office.enrol(request()).await), id, "a copy waits for the same decision");
    assert_eq!(waiting(&office).await, 1);
    let comment = Some("seen in rack 4".to_owned());
    let (record, issued) = queue::approve(&office.desk, id, comment, operator("bob")).await.unwrap();
    assert_eq!(record.state, RequestState::Issued(issued.record.serial.clone()));
    assert_eq!(record.comment.as_deref(), Some("seen in rack 4"));
    assert_eq!(issued.record.key_fingerprint, client.fingerprint());
    assert_eq!(office.issued(office.enrol(request()).await).der, issued.record.der);
    assert_eq!(waiting(&office).await, 0);
}

#[tokio::test]
async fn a_denied_request_stays_denied_but_another_may_be_made() {
    let office = office().await;
    let client = Client::new();
    let csr = client.csr(CN, &[]);
    let request = || client.within("T1", client.request("manual", csr.clone(), Proof::None));
    let id = pending(office.enrol(request()).await);
    let denied = queue::deny(&office.desk, id, None, operator("bob")).await.unwrap();
    assert_eq!(denied.state, RequestState::Denied);
    assert_eq!(office.refusal(request()).await.0, "request-denied");
    let again = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap_err();
    assert_eq!((again.kind(), again.code()), (Kind::Conflict, "state-conflict"));
    assert_ne!(ask(&office, &client, "T1").await, id);
    assert_eq!(waiting(&office).await, 1);
}

#[tokio::test]
async fn while_a_request_waits_nobody_takes_its_transaction() {
    let office = office().await;
    let (client, other) = (Client::new(), Client::new());
    ask(&office, &client, "T1").await;
    let request = other.within("T1", other.request("manual", other.csr(CN, &[]), Proof::None));
    assert_eq!(office.refusal(request).await.0, "bad-request");
}

#[tokio::test]
async fn adminjson_35_of_two_approvals_at_once_one_wins() {
    let office = office().await;
    let id = ask(&office, &Client::new(), "T1").await;
    let decide = |name: &'static str| {
        let desk = Arc::clone(&office.desk);
        tokio::spawn(async move { queue::approve(&desk, id, None, operator(name)).await.map(|_| ()) })
    };
    let (one, two) = (decide("bob"), decide("eve"));
    let outcomes = [one.await.unwrap(), two.await.unwrap()];
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    let lost = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!((lost.kind(), lost.code()), (Kind::Conflict, "state-conflict"));
    assert_eq!(office.certificates("manual").await.len(), 1);
}

#[tokio::test]
async fn adminjson_36_who_asked_does_not_approve() {
    let office = office().await;
    let client = Client::new();
    let mut request = client.request("manual", client.csr(CN, &[]), by_operator());
    request.actor = operator("ann");
    let id = pending(office.enrol(request).await);
    let refused = queue::approve(&office.desk, id, None, operator("ann")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Forbidden, "self-approval"));
    queue::approve(&office.desk, id, None, operator("bob")).await.unwrap();
}

#[tokio::test]
async fn csr_58_only_the_bytes_that_came_in_are_certified() {
    let office = office().await;
    let (client, thief) = (Client::new(), Client::new());
    let id = ask(&office, &client, "T1").await;
    let db = &office.desk.authority.db;
    let kept = db.require::<RequestRecord>(id.as_bytes(), id).await.unwrap();
    let mut unit = Unit::new();
    let changed = RequestRecord { csr: thief.csr_der(CN, &[]), ..kept.value };
    unit.put(&changed, When::Present).unwrap();
    db.commit(unit).await.unwrap();
    let refused = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "request-changed"));
    assert!(office.certificates("manual").await.is_empty());
}

#[tokio::test]
async fn policy_is_asked_again_when_a_request_is_approved() {
    let office = office().await;
    let client = Client::new();
    let id = ask(&office, &client, "T1").await;
    let other = client.request("tls-server", client.csr("other.example", &[]), by_operator());
    office.issued(office.enrol(other).await);
    let refused = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap_err();
    assert_eq!((refused.code(), refused.detail()), ("bad-csr", "key in use"));
    assert_eq!(waiting(&office).await, 1);
}

#[tokio::test]
async fn a_renewal_waits_too_and_its_certificate_must_still_live() {
    let office = office().await;
    let client = Client::new();
    let id = ask(&office, &client, "T1").await;
    let (_, first) = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap();
    let fresh = Client::new();
    let renew = || {
        let request = fresh.request("manual", fresh.csr(CN, &[]), renewal(&first.record));
        client.within("T2", request)
    };
    let id = pending(office.enrol(renew()).await);
    office.revoke(&first.record, Reason::Superseded).await;
    let refused = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap_err();
    assert_eq!(refused.code(), "renewal-refused");
}

#[tokio::test]
async fn comments_are_one_line_and_bounded() {
    let office = office().await;
    let id = ask(&office, &Client::new(), "T1").await;
    for comment in ["two\nlines".to_owned(), "x".repeat(501)] {
        let refused = queue::deny(&office.desk, id, Some(comment), operator("bob")).await.unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("invalid-comment", Some("/comment")));
    }
}

#[tokio::test]
async fn a_certificate_of_ours_does_not_take_the_transaction_of_another() {
    let office = office().await;
    let (client, other) = (Client::new(), Client::new());
    let id = ask(&office, &client, "T1").await;
    queue::approve(&office.desk, id, None, operator("bob")).await.unwrap();
    let request = other.within("T2", other.request("manual", other.csr("gw2.example", &[]), Proof::None));
    let id = pending(office.enrol(request).await);
    let (_, issued) = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap();
    let csr = other.csr("gw2.example", &[]);
    let thief = other.within("T1", other.request("manual", csr.clone(), renewal(&issued.record)));
    let text = "transactionID in use by another key";
    assert_eq!(office.refusal(thief).await, ("bad-request", text.into()));
    // its own id it may use again, with its old key and with the next
    let fresh = Client::new();
    let rekey =
        other.within("T2", fresh.request("manual", fresh.csr("gw2.example", &[]), renewal(&issued.record)));
    let id = pending(office.enrol(rekey).await);
    let (_, next) = queue::approve(&office.desk, id, None, operator("bob")).await.unwrap();
    let newest = Client::new();
    let third = newest.request("manual", newest.csr("gw2.example", &[]), renewal(&next.record));
    pending(office.enrol(fresh.within("T2", third)).await);
}

#[tokio::test]
async fn one_address_does_not_fill_the_queue() {
    let office = office().await;
    let client = Client::new();
    let request = |n: u32| {
        let cn = format!("gw{n}.example");
        client.within(&format!("T{n}"), client.request("manual", client.csr(&cn, &[]), Proof::None))
    };
    let first = pending(office.enrol(request(0)).await);
    for n in 1..100 {
        pending(office.enrol(request(n)).await);
    }
    let refused = office.enrol(request(100)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Throttled, "queue-full"));
    let elsewhere = Client { address: "10.0.0.10".parse().unwrap(), ..Client::new() };
    ask(&office, &elsewhere, "elsewhere").await;
    queue::deny(&office.desk, first, None, operator("bob")).await.unwrap();
    pending(office.enrol(request(100)).await);
    assert_eq!(waiting(&office).await, 101);
}

#[tokio::test]
async fn a_challenge_is_not_overlooked_where_an_operator_decides() {
    let office = office().await;
    let client = Client::new();
    let request = client.request("manual", client.csr(CN, &[]), secret("guess"));
    assert_eq!(office.refusal(request).await.0, "challenge-refused");
    assert_eq!(waiting(&office).await, 0);
}
