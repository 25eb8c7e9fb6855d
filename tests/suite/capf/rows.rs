//! Rows of the catalogue as a hostile phone sends them over the network.

use super::phone::Phone;
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

/// Changes of the first answer, by row. Each ends the session with reason 7.
const ANSWERS: &[(&str, &[&str])] = &[
    ("CAPF-07", &["auth.body="]),
    ("CAPF-09", &["auth.command=0"]),
    ("CAPF-09", &["auth.command=24"]),
    ("CAPF-09", &["auth.command=255"]),
    ("CAPF-10", &["auth.command=10"]),
    ("CAPF-10", &["auth.command=4"]),
    ("CAPF-10", &["auth.command=17", "auth.body="]),
    ("CAPF-12", &["auth.session=00000000"]),
    ("CAPF-12", &["auth.session=12345678"]),
    ("CAPF-15", &["auth.body=0d00ff534550"]),
    ("CAPF-15", &["auth.body=0d00"]),
    ("CAPF-16", &["auth.1="]),
    ("CAPF-16", &["auth.7="]),
    ("CAPF-17", &["auth.1=0101"]),
    ("CAPF-17", &["auth.7=03*9000"]),
    ("CAPF-19", &["auth.+13=5345503030313132323333343435350000"]),
    ("CAPF-19", &["auth.+11=3437313100"]),
    ("CAPF-20", &["auth.fill=10000"]),
    ("CAPF-22", &["auth.13=-"]),
    ("CAPF-23", &["auth.13="]),
    ("CAPF-23", &["auth.13=00"]),
    ("CAPF-23", &["auth.13=534550303030303030303030303031"]),
    ("CAPF-23", &["auth.13=534550780061646d696e00"]),
    ("CAPF-59", &["auth.13=534550300a30300d1b5b33316d00"]),
    ("CAPF-59", &["auth.13=41*9000"]),
];

/// None changes anything: the phone's own visit afterwards succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn capf_07_to_23_59_a_broken_answer_ends_the_session_and_changes_nothing() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1).await;
    for (row, changes) in ANSWERS {
        let alter: Vec<&str> = changes.iter().flat_map(|change| ["--alter", change]).collect();
        let seen = stage.comes(&phone, &[STRING, &alter[..]].concat()).await.fair();
        let told = seen.0["reason"].as_u64();
        // What is larger than any message may be cut off without a word.
        let large = *row == "CAPF-20" || changes[0].ends_with("9000");
        let fine = told == Some(7) || (large && seen.0["outcome"] == "closed");
        assert!(fine, "{row} {changes:?}: {}", seen.0);
        assert!(!seen.received().contains(&"KeyGenerateRequest"), "{row} {changes:?}");
        assert_eq!(stage.live(&phone).await, Vec::<String>::new());
    }
    assert!(!stage.is_locked(&phone).await, "none of it was a guess");
    stage.comes(&phone, STRING).await.ends(1);
}

/// CAPF-10, -12 later in the conversation.
#[tokio::test(flavor = "multi_thread")]
async fn capf_10_12_out_of_turn_ends_the_session_at_any_step() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1).await;
    for change in
        ["key.command=2", "key.command=10", "key.session=00000000", "busy.session=00000001", "busy.command=4"]
    {
        let flags = [STRING, &["--busy", "1", "--alter", change]].concat();
        stage.comes(&phone, &flags).await.ends(7);
        assert_eq!(stage.live(&phone).await, Vec::<String>::new(), "{change}");
    }
    for change in ["store.command=4", "store.session=00000000"] {
        stage.comes(&phone, &[STRING, &["--alter", change]].concat()).await.ends(7);
        assert_eq!(stage.state(&phone).await.0, "issued", "{change}");
        assert_eq!(stage.live(&phone).await.len(), 1, "{change}");
    }
    stage.comes(&phone, STRING).await.ends(1);
    assert_eq!(stage.live(&phone).await.len(), 1);
}

/// CAPF-03: header and body in records of one byte; elements in another order, and one that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn capf_03_pieces_are_put_together_and_the_order_is_free() {
    let stage = Stage::open().await;
    for (number, how) in
        [&["--chunk", "1"][..], &["--chunk", "8"], &["--reverse"], &["--alter", "auth.+99=beef"]]
            .into_iter()
            .enumerate()
    {
        let phone = waiting(&stage, number).await;
        stage.comes(&phone, &[STRING, how].concat()).await.ends(1);
    }
}

/// CAPF-02, -57.
#[tokio::test(flavor = "multi_thread")]
async fn capf_02_57_nothing_but_tls_1_2_and_1_3_is_spoken() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1).await;
    let plain = stage.comes(&phone, &["--plain"]).await;
    assert_ne!(plain.0["outcome"], "ended", "{}", plain.0);
    assert!(plain.0["session"].is_null(), "no session begins in clear");
    for old in ["TLSv1", "TLSv1_1"] {
        let seen = stage.comes(&phone, &[STRING, &["--tls", old]].concat()).await;
        assert!(["tls-error", "closed"].contains(&seen.0["outcome"].as_str().unwrap()), "{}", seen.0);
    }
    for version in ["TLSv1_2", "TLSv1_3"] {
        stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
        let seen = stage.comes(&phone, &[STRING, &["--tls", version]].concat()).await.ends(1);
        assert_eq!(seen.0["tls"].as_str().unwrap().replace('.', "_"), version);
    }
}

/// CAPF-13: ids are not counted up, and no id is another's key to a session (CAPF-12).
#[tokio::test(flavor = "multi_thread")]
async fn capf_13_session_ids_are_not_guessed() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        let seen = stage.comes(&phone, STRING).await.ends(0);
        ids.push(u32::from_str_radix(seen.0["session"].as_str().unwrap(), 16).unwrap());
    }
    assert!(ids.windows(2).all(|two| two[0].abs_diff(two[1]) > 1 << 12), "{ids:x?}");
    assert!(ids.iter().any(|id| *id > 1 << 24), "{ids:x?}");
}

/// CAPF-25.
#[tokio::test(flavor = "multi_thread")]
async fn capf_25_a_name_in_small_letters_is_the_same_device() {
    let stage = Stage::open().await;
    let phone = stage.named("SEP00000000ABCD").await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    let small = Phone::new("sep00000000abcd");
    stage.comes(&small, STRING).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
    assert_eq!(stage.devices().await, ["SEP00000000ABCD"]);
}

/// CAPF-52.
#[tokio::test(flavor = "multi_thread")]
async fn capf_52_in_progress_is_not_said_for_ever() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1).await;
    let seen = stage.comes(&phone, &[STRING, &["--busy", "1000"]].concat()).await.fair();
    assert!(seen.0["reason"] == 7 || seen.0["outcome"] == "closed", "{}", seen.0);
    assert!(stage.live(&phone).await.is_empty());
    let (state, reason) = stage.state(&phone).await;
    assert_eq!(state, "pending");
    assert!(reason.is_some_and(|r| r == "key-generation-timeout" || r == "phone-communication-failure"));
    stage.comes(&phone, &[STRING, &["--busy", "3"]].concat()).await.ends(1);
}

async fn waiting(stage: &Stage, number: usize) -> Phone {
    let phone = stage.phone(number).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    phone
}
