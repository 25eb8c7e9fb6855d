//! What TVS does with what is no question: docs/conformance/tvs-rows.tsv.

use std::sync::Arc;
use std::time::Duration;

use signet::server::tvs::{End, Patience, Tvs};
use signet::trust::tvs::Service;

use super::estate::Estate;
use super::tvs::{Talk, frames, is_valid, verify};

async fn refused(estate: &Estate, bytes: &[u8], why: &str) {
    let mut talk = Talk::with(estate);
    talk.send(bytes).await;
    assert_eq!(talk.rest().await, (Vec::new(), End::Malformed), "{why}");
}

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

fn message(command: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x57, 1, command, 0, 0, 0, 0, 1][..], &length, body].concat()
}

/// TVS-01 to TVS-05: another protocol, version, command, fourth byte; a body that is too long.
#[tokio::test]
async fn tvs_01_to_05_a_header_that_is_none_closes_the_connection() {
    let estate = Estate::new(&["hq"]).await;
    let good = frames(&[verify(1, b"DER")]).await.remove(0);
    for (place, value, why) in [
        (0, 0x16, "TVS-01"),
        (1, 2, "TVS-02"),
        (2, 9, "TVS-03"),
        (2, 2, "TVS-03: an answer"),
        (3, 1, "TVS-04"),
        (8, 0x41, "TVS-05"),
    ] {
        let mut bad = good.clone();
        bad[place] = value;
        refused(&estate, &bad, why).await;
    }
    refused(&estate, b"GET / HTTP/1.1\r\nHost: tvs\r\n\r\n", "TVS-01: HTTP").await;
}

/// TVS-06: cut at every byte, the connection ends without an answer.
#[tokio::test]
async fn tvs_06_a_question_cut_at_any_byte_is_not_answered() {
    let estate = Estate::new(&["hq"]).await;
    let good = frames(&[verify(1, b"DER")]).await.remove(0);
    for cut in 1..good.len() {
        let mut talk = Talk::with(&estate);
        talk.send(&good[..cut]).await;
        assert_eq!(talk.finish().await, (Vec::new(), End::Broken), "cut at {cut}");
        // The same with a length that says so.
        if cut >= 10 {
            refused(&estate, &message(1, &good[10..cut]), "cut and whole").await;
        }
    }
}

/// TVS-07 to TVS-16: what stands in a body.
#[tokio::test]
async fn tvs_07_to_16_a_body_that_is_none_closes_the_connection() {
    let estate = Estate::new(&["hq"]).await;
    let name = element(1, b"\x01SEP0123456789AB");
    let der = element(2, b"DER");
    let names = [element(3, b"CN=a\0"), element(4, b"CN=b\0")].concat();
    let verify = |parts: &[&[u8]]| message(1, &parts.concat());
    let query = |parts: &[&[u8]]| message(3, &parts.concat());
    for (bytes, why) in [
        (verify(&[&name, &[2, 0xff, 0xff, 0]]), "TVS-07: an element longer than the body"),
        (verify(&[&name, &der, &[9]]), "TVS-08: a byte too many"),
        (verify(&[&name, &der, &[9, 0, 0].repeat(15)]), "TVS-09: 17 elements"),
        (verify(&[&name, &der, &der]), "TVS-10: two certificates"),
        (verify(&[&name]), "TVS-11: no certificate"),
        (verify(&[&name, &element(2, b"")]), "TVS-11: an empty one"),
        (verify(&[&der]), "TVS-12: no name"),
        (verify(&[&element(1, b"SEP0123456789AB"), &der]), "TVS-13: a name without its 1"),
        (verify(&[&element(1, b"\x01SEP0123456789AB\0"), &der]), "TVS-13: a name with NUL"),
        (verify(&[&element(1, b"\x01../../etc/passwd"), &der]), "TVS-14: a path"),
        (query(&[&name, &element(3, b"CN=a"), &element(4, b"CN=b\0"), &element(5, &[1])]), "TVS-15: no NUL"),
        (
            query(&[&name, &element(3, b"CN=\xff\0"), &element(4, b"CN=b\0"), &element(5, &[1])]),
            "TVS-15: no UTF-8",
        ),
        (query(&[&name, &names]), "TVS-16: no serial number"),
        (query(&[&name, &names, &element(5, &[])]), "TVS-16: an empty one"),
        (query(&[&name, &names, &element(5, &[1; 65])]), "TVS-16: 65 bytes"),
    ] {
        refused(&estate, &bytes, why).await;
    }
}

/// TVS-17 to TVS-19: read, and answered "invalid".
#[tokio::test]
async fn tvs_17_to_19_what_is_no_anchor_is_invalid_whatever_it_is() {
    let estate = Estate::new(&["hq"]).await;
    let der = estate.tftp.certificate.der();
    let mut changed = der.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let longer = [der, &[0]].concat();
    let mut talk = Talk::with(&estate);
    for (certificate, why) in [
        (&b"DER"[..], "TVS-17: no certificate"),
        (&changed, "TVS-18: the signature is another's"),
        (&longer, "TVS-18: a byte follows"),
        (&der[..der.len() - 1], "TVS-18: a byte is missing"),
    ] {
        talk.send(&frames(&[verify(1, certificate)]).await[0]).await;
        assert!(!is_valid(&talk.answer().await), "{why}");
    }
    let name = element(1, b"\x01SEP0123456789AB");
    let unknown = message(1, &[name, element(99, b"?"), element(2, der)].concat());
    talk.send(&unknown).await;
    assert!(is_valid(&talk.answer().await), "TVS-19: an element that is not known is passed over");
}

/// TVS-20 to TVS-22: time and number.
#[tokio::test]
async fn tvs_20_to_22_who_is_silent_slow_or_asks_too_much_is_let_go() {
    let mut estate = Estate::new(&["hq"]).await;
    let with = |patience: Patience| {
        let (authority, depot) = (estate.state.desk.authority.clone(), &estate.state.phones.depot);
        Arc::new(Tvs {
            service: Service::new(authority, 1),
            shelf: depot.shelf.clone(),
            ledger: depot.ledger.clone(),
            clock: estate.clock.clone(),
            patience,
        })
    };
    let (short, usual) = (Duration::from_millis(20), Patience::default());
    let silent = with(Patience { idle: short, ..usual });
    let slow = with(Patience { question: short, ..usual });
    let long = with(Patience { connection: short, ..usual });
    let few = with(Patience { questions: 2, ..usual });
    let good = frames(&[verify(1, b"DER")]).await.remove(0);
    for (tvs, sent, why) in [
        (silent, &good[..0], "TVS-20: silent"),
        (slow.clone(), &good[..1], "TVS-21: slow in a header"),
        (slow, &good[..11], "TVS-21: slow in a body"),
        (long, &good[..0], "TVS-21: too long in all"),
    ] {
        estate.state.phones.tvs = tvs;
        let mut talk = Talk::with(&estate);
        talk.send(sent).await;
        assert_eq!(talk.rest().await, (Vec::new(), End::Limit), "{why}");
    }
    estate.state.phones.tvs = few;
    let mut talk = Talk::with(&estate);
    talk.send(&good.repeat(3)).await;
    let (answers, end) = talk.rest().await;
    assert_eq!((answers.len(), end), (28, End::Limit), "TVS-22: two answers, then the end");
}
