//! Alarms of phones, by API and by syslog; who is stuck.

use std::io::Write;

use serde_json::{Value, json};
use sha1::Digest;
use signet::server::settings::Given;
use signet::trust::records::ListKind;

use super::estate::Estate;

const PHONE: &str = "SEP0123456789AB";

async fn estate() -> Estate {
    let estate = Estate::new(&["hq"]).await;
    estate.publish("hq", ListKind::Ctl, 1, b"the CTL", &[]).await;
    estate.publish("hq", ListKind::Itl, 1, b"the first ITL", &[]).await;
    estate.publish("hq", ListKind::Itl, 2, b"the second ITL", &[]).await;
    estate.add_device(PHONE, None).await;
    estate
}

/// As a phone shows it.
fn shown(list: &[u8]) -> String {
    sha1::Sha1::digest(list).iter().map(|byte| format!("{byte:02X} ")).collect()
}

async fn report(estate: &Estate, device: &str, body: Value) -> (u16, Value) {
    estate.api("POST", &format!("/devices/{device}/alarms"), Some(body)).await
}

async fn stuck(estate: &Estate) -> Vec<String> {
    let (status, page) = estate.api("GET", "/device-trust?stuck=true", None).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().iter().map(|d| d["device"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_phone_that_shows_its_lists_is_known_to_hold_them() {
    let estate = estate().await;
    let both = json!({"alarm": "TL_INITIAL_SUCCESS", "ctl": shown(b"the CTL"), "itl": shown(b"the first ITL"), "address": "10.0.0.9"});
    let (status, trust) = report(&estate, PHONE, both).await;
    assert_eq!(status, 201, "{trust}");
    assert_eq!((&trust["ctl"]["release"], &trust["ctl"]["newest"]), (&json!(1), &json!(1)));
    assert_eq!((&trust["itl"]["release"], &trust["itl"]["newest"]), (&json!(1), &json!(2)));
    assert_eq!((&trust["itl"]["source"], &trust["up_to_date"]), (&json!("told"), &json!(false)));
    assert_eq!(trust["alarms"][0]["address"], "10.0.0.9");
    let (_, holders) = estate.api("GET", "/device-trust?cluster=hq&list=itl&release=1", None).await;
    assert_eq!(holders["items"][0]["device"], PHONE);
    let (_, trust) = report(&estate, PHONE, json!({"alarm": "1", "itl": shown(b"the second ITL")})).await;
    assert_eq!((&trust["itl"]["release"], &trust["up_to_date"]), (&json!(2), &json!(true)));
    let (_, holders) = estate.api("GET", "/device-trust?cluster=hq&list=itl&release=1", None).await;
    assert_eq!(holders["items"], json!([]));
    let (_, audit) = estate.api("GET", &format!("/audit?subject=device:{PHONE}"), None).await;
    assert_eq!(audit["items"][0]["action"], "device.alarm");
}

#[tokio::test]
async fn a_phone_stuck_on_an_old_list_is_named_until_it_follows() {
    let estate = estate().await;
    report(&estate, PHONE, json!({"alarm": "ITL_INITIAL_SUCCESS", "itl": shown(b"the first ITL")})).await;
    assert_eq!(stuck(&estate).await, Vec::<String>::new());
    let (_, trust) = report(&estate, PHONE, json!({"alarm": "TL_FAILED_OLD_ITL"})).await;
    assert!(trust["stuck_since"].is_string());
    assert_eq!(trust["itl"]["release"], 1, "it holds the old one");
    assert_eq!(stuck(&estate).await, [PHONE]);
    report(&estate, PHONE, json!({"alarm": "TL_SUCCESS", "itl": shown(b"the second ITL")})).await;
    assert_eq!(stuck(&estate).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_alarm_is_refused_with_its_field() {
    let estate = estate().await;
    for (body, code, pointer) in [
        (json!({"alarm": "TL_GONE"}), "invalid-alarm", "/alarm"),
        (json!({"alarm": "10"}), "invalid-alarm", "/alarm"),
        (json!({"alarm": "1", "itl": "Not Installed"}), "invalid-list-digest", "/itl"),
        (json!({"alarm": "1", "ctl": "abc"}), "invalid-list-digest", "/ctl"),
        (json!({"alarm": "1", "address": "phone"}), "invalid-address", "/address"),
    ] {
        let (status, problem) = report(&estate, PHONE, body.clone()).await;
        assert_eq!(
            (status, &problem["code"], &problem["pointer"]),
            (422, &json!(code), &json!(pointer)),
            "{body}"
        );
    }
    assert_eq!(report(&estate, "SEPFFFFFFFFFFFF", json!({"alarm": "1"})).await.0, 404);
    let (status, problem) = estate.api("GET", "/device-trust?stuck=true&cluster=hq", None).await;
    assert_eq!((status, &problem["code"]), (422, &json!("unindexed-filter")), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_come_by_syslog_as_call_control_and_phones_send_them() {
    let estate = estate().await;
    for n in 1..=3 {
        estate.add_device(&format!("SEP00000000000{n}"), None).await;
    }
    let at = estate.at.syslog_in.unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let by_call_control = format!(
        "<189>154: cucm: Nov 22 2026 10:11:12.345 UTC : %UC_CALLMANAGER-5-DeviceTLInfo: %[DeviceName=SEP000000000001]\
         [IPv4Address=10.0.0.1][CTL_Signature=Not Installed][ITL_Signature={}][StatusCode=8]: trust list",
        shown(b"the first ITL")
    );
    udp.send_to(by_call_control.as_bytes(), at).unwrap();
    udp.send_to(b"<13>Nov 22 10:11:12 host sshd[1]: nothing of phones", at).unwrap();
    let by_phone = "<133>1 2026-11-22T10:11:12Z SEP000000000002 tl - - - DeviceTLInfo DeviceName=SEP000000000002 StatusCode=9";
    let counted = "<133>DeviceTLInfo [DeviceName=SEP000000000003][StatusCode=7]";
    let mut tcp = std::net::TcpStream::connect(at).unwrap();
    write!(tcp, "{by_phone}\n{} {counted}", counted.len()).unwrap();
    drop(tcp);
    let mut waited = 0;
    let seen = loop {
        let mut seen = Vec::new();
        for n in 1..=3 {
            let trust = estate.trust(&format!("SEP00000000000{n}")).await;
            seen.push((trust["alarms"][0]["code"].clone(), trust["itl"]["release"].clone()));
        }
        if seen.iter().all(|(code, _)| !code.is_null()) {
            break seen;
        }
        waited += 1;
        assert!(waited < 2000, "{seen:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(seen, [(json!(8), json!(1)), (json!(9), json!(null)), (json!(7), json!(null))]);
    // Those that only wait in memory are written in their time, and then found.
    estate.state.phones.keep_up().await.unwrap();
    assert_eq!(stuck(&estate).await.len(), 3);
}

/// Only who is named is heard; where nobody is, this machine.
#[tokio::test(flavor = "multi_thread")]
async fn syslog_of_strangers_is_not_heard() {
    use std::io::Read;
    let settings = Given { syslog_in_from: Some(vec!["127.0.0.2/31".parse().unwrap()]), ..Given::default() };
    let estate = Estate::with(&["hq"], &settings).await;
    let at = estate.at.syslog_in.unwrap();
    for n in 1..=3 {
        estate.add_device(&format!("SEP00000000000{n}"), None).await;
    }
    let alarm = |n: u8| format!("<133>DeviceTLInfo [DeviceName=SEP00000000000{n}][StatusCode=7]");
    let mut stranger = std::net::TcpStream::connect(at).unwrap();
    let _ = stranger.write_all(format!("{}\n", alarm(2)).as_bytes());
    let mut answer = Vec::new();
    let ended = stranger.read_to_end(&mut answer);
    assert!(ended.is_err() || answer.is_empty(), "it is closed, and nothing is said");
    let send = |from: &str, n| {
        let socket = std::net::UdpSocket::bind((from, 0)).unwrap();
        socket.send_to(alarm(n).as_bytes(), at).unwrap();
    };
    send("127.0.0.1", 1);
    send("127.0.0.3", 3);
    let first = async |n: u8| estate.trust(&format!("SEP00000000000{n}")).await["alarms"][0]["code"].clone();
    let mut waited = 0;
    while first(3).await.is_null() {
        waited += 1;
        assert!(waited < 2000, "who is named is not heard");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // What came before it on the same socket was looked at before it.
    assert_eq!((first(1).await, first(2).await), (Value::Null, Value::Null));
    let (_, health) = estate.api("GET", "/health", None).await;
    let listener =
        health["checks"].as_array().unwrap().iter().find(|c| c["name"] == "listener syslog-in").unwrap();
    assert_eq!(listener["status"], "ok", "{listener}");
}

#[tokio::test]
async fn a_device_is_written_once_in_a_minute_and_nothing_is_lost() {
    let estate = estate().await;
    let ledger = &estate.state.phones.depot.ledger;
    let alarm = |code: u8| {
        let text = format!("DeviceTLInfo [DeviceName={PHONE}][StatusCode={code}]");
        let report = signet::device::alarm::syslog::read(text.as_bytes()).unwrap();
        let from = "10.0.0.9".parse().unwrap();
        let depot = &estate.state.phones.depot;
        signet::device::alarm::intake::note(depot, report, from, signet::device::ledger::Over::Syslog)
    };
    alarm(8).await.unwrap();
    assert_eq!(ledger.flush().await.unwrap(), 1);
    alarm(7).await.unwrap();
    alarm(9).await.unwrap();
    assert_eq!(ledger.flush().await.unwrap(), 0, "it was written within the minute");
    assert_eq!(estate.trust(PHONE).await["alarms"].as_array().unwrap().len(), 3, "but it is told");
    estate.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(ledger.flush().await.unwrap(), 1);
    // By the API it is durable at once, after what waited.
    alarm(5).await.unwrap();
    report(&estate, PHONE, json!({"alarm": "1"})).await;
    let codes: Vec<u64> = estate.trust(PHONE).await["alarms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [1, 5, 9, 7, 8]);
}
