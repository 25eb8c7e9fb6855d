//! What no phone sends.

use signet::device::records::{Action, State};
use tokio::io::AsyncWriteExt;

use super::phone::{NAME, Office, STRING, body, ec_key, end, hello, hello_as, stored};

/// What the log says of a refused message, once the phone was told 7.
async fn refusal(office: &Office, command: u8, message: &[u8]) -> String {
    let mut phone = office.connect().await;
    assert_eq!(phone.ask(command, message).await, end(7));
    phone.gone().await;
    office.audit("capf.refuse").await[0].event.details["rule"].clone()
}

#[tokio::test]
async fn capf_07_15_16_17_19_20_22_23_malformed_messages_end_the_session() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let name = [NAME.as_bytes(), &[0]].concat();
    let of = |elements: &[(u8, &[u8])]| body(elements);
    let mut beyond = hello(&[]);
    beyond.extend([11, 0xff, 0xff, b'1']);
    for (message, said) in [
        (Vec::new(), "missing element"),
        (beyond, "element exceeds message"),
        (of(&[(1, &[1]), (7, &[]), (13, &name)]), "bad element length"),
        (of(&[(1, &[1]), (7, &[3; 300]), (13, &name)]), "bad element length"),
        (hello(&[(13, &name)]), "duplicate element"),
        (hello(&[(11, b"1\0"), (11, b"2\0")]), "duplicate element"),
        ([99, 0, 0].repeat(5000), "too many elements"),
        (of(&[(1, &[1]), (7, &[3])]), "device name missing"),
        (of(&[(1, &[1]), (7, &[3]), (13, b"SEPx\0admin\0")]), "malformed device name"),
        (of(&[(1, &[1]), (7, &[3]), (13, NAME.as_bytes())]), "malformed device name"),
        (of(&[(1, &[1]), (7, &[3]), (13, b"\0")]), "malformed device name"),
    ] {
        assert_eq!(refusal(&office, 2, &message).await, said);
    }
    assert_eq!(office.operation(device).await.trouble, None, "nobody said that it was this device");
}

#[tokio::test]
async fn capf_09_10_other_commands_end_the_session() {
    let office = Office::open().await;
    for (command, said) in [
        (0, "unknown command"),
        (24, "unknown command"),
        (255, "unknown command"),
        (1, "unexpected command in state"),
        (10, "unexpected command in state"),
        (15, "unexpected command in state"),
        (22, "unexpected command in state"),
    ] {
        assert_eq!(refusal(&office, command, &[1, 0, 1, 1]).await, said, "{command}");
    }
}

#[tokio::test]
async fn capf_10_what_comes_too_early_or_twice_ends_the_session() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    for early in [2, 10, 12, 14] {
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        let message = if early == 2 { hello(&[]) } else { vec![1, 0, 1, 7] };
        assert_eq!(phone.ask(early, &message).await, end(7), "{early}");
        phone.gone().await;
    }
    assert_eq!(office.operation(device).await.state, State::Pending);
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(4, &body(&[(9, &ec_key())])).await, end(7));
    phone.gone().await;
    assert_eq!(office.certificates().await.len(), 1);
}

/// CAPF-12: no effect on the other session either.
#[tokio::test]
async fn a_message_in_another_session_ends_its_own_alone() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut good = office.connect().await;
    for other in [0, good.session, 1] {
        let mut bad = office.connect_from("10.0.0.9").await;
        bad.say_in(other, 2, &hello(&[(11, b"4711081500\0")])).await;
        assert_eq!(bad.hear().await, end(7));
        bad.gone().await;
        assert_eq!(office.audit("capf.refuse").await[0].event.details["rule"], "session mismatch");
    }
    assert_eq!(good.auth(STRING).await.unwrap().0, 3);
}

#[tokio::test]
async fn capf_06_55_a_body_over_the_cap_ends_the_session() {
    let office = Office::open().await;
    let mut phone = office.connect().await;
    let mut head = vec![0x55, 2];
    head.extend(phone.session.to_be_bytes());
    head.extend([0xff, 0xff]);
    phone.link.write_all(&head).await.unwrap();
    assert_eq!(phone.hear().await, end(7));
    assert_eq!(phone.hear().await, None);
}

#[tokio::test]
async fn capf_27_a_phone_with_nothing_to_do_is_sent_away() {
    let office = Office::open().await;
    office.enter(NAME, "phone-lsc").await;
    assert_eq!(office.connect().await.auth("1234").await, end(0));
}

/// CAPF-47, -49: told 7, and the phone may try again.
#[tokio::test]
async fn a_key_that_is_none_ends_the_session_and_not_the_operation() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut trailing = ec_key();
    trailing.push(0);
    for key in [vec![0x30, 0], trailing, super::phone::rsa_key()] {
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        assert_eq!(phone.ask(4, &body(&[(9, &key)])).await, end(7));
        phone.gone().await;
    }
    assert_eq!(office.operation(device).await.state, State::Pending);
    assert!(office.certificates().await.is_empty());
}

/// Truncation at every octet of every message that a phone sends: nothing is issued, and the service stands.
#[tokio::test]
async fn a_link_that_is_cut_at_any_octet_does_no_harm() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut whole = vec![0x55, 2, 0, 0, 0, 0, 0, 0];
    let message = hello_as(NAME, 3, &[(11, b"4711081500\0")]);
    whole[6..].copy_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
    whole.extend(message);
    for cut in 0..whole.len() {
        let mut phone = office.connect().await;
        whole[2..6].copy_from_slice(&phone.session.to_be_bytes());
        phone.link.write_all(&whole[..cut]).await.unwrap();
        phone.gone().await;
    }
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    let mut key = vec![0x55, 4];
    key.extend(phone.session.to_be_bytes());
    let elements = body(&[(9, &ec_key())]);
    key.extend(u16::try_from(elements.len()).unwrap().to_be_bytes());
    key.extend(elements);
    phone.gone().await;
    for cut in 0..key.len() {
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        key[2..6].copy_from_slice(&phone.session.to_be_bytes());
        phone.link.write_all(&key[..cut]).await.unwrap();
        phone.gone().await;
    }
    assert!(office.certificates().await.is_empty());
    assert_eq!(office.service.sessions.count(), 0);
}

/// Two thousand phones may wait at once: a conversation that has not begun takes little.
#[tokio::test]
async fn an_idle_conversation_is_small() {
    let office = Office::open().await;
    let (ours, _theirs) = tokio::io::duplex(64);
    let conversation = signet::enrol::capf::serve(ours, "10.0.0.7".parse().unwrap(), &office.service);
    let size = std::mem::size_of_val(&conversation);
    assert!(size < 3000, "{size} bytes");
}

/// Where the CA cannot answer, a model that is known to take it is told to come later; another is sent away.
#[tokio::test]
async fn retry_later_is_for_those_who_take_it() {
    for (models, last) in [("[]", end(0)), ("[\"88??\"]", Some((16, Vec::new())))] {
        let office = Office::open().await;
        let line = format!("null_string = false\nretry_later = {models}");
        let toml = crate::fixture::Fixture::profile("phone-lsc", &[("null_string = false", &line)]);
        let set = |sources| signet::ca::profile::ProfileSet::from_sources(sources).unwrap();
        office.fixture.desk.profiles.swap(set(vec![("phone-lsc".to_owned(), toml)]));
        let device = office.phone(Action::Install, |_| {}).await;
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        // Its profile is gone before the key comes.
        let other = crate::fixture::Fixture::profile("scep-device", &[]);
        office.fixture.desk.profiles.swap(set(vec![("scep-device".to_owned(), other)]));
        assert_eq!(phone.ask(4, &body(&[(9, &ec_key())])).await, last);
        phone.gone().await;
        let operation = office.operation(device).await;
        assert_eq!(operation.state, State::Pending);
        assert_eq!(operation.trouble, Some(signet::device::records::Reason::CaCommunicationFailure));
    }
}
