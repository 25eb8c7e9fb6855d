//! Catalogue rows SCEP-20 to SCEP-30: the signed attributes, and what a reply repeats of them.

use super::der::{octets, printable, t, utf8};
use super::message::{MESSAGE_TYPE, SENDER_NONCE, SIGNING_TIME, TRANSACTION_ID};
use super::server::{refusal, scep};

/// SCEP-20
#[test]
fn an_attribute_has_exactly_one_value() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "19", &device.csr(None));
        for values in [vec![], vec![printable("19"), printable("17")]] {
            let reply =
                server.post(&message.clone().attribute(MESSAGE_TYPE, values).signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("2", "attribute must be single-valued"));
        }
        let mut twice = message.clone();
        twice.attributes.push((MESSAGE_TYPE, vec![printable("17")]));
        let reply = server.post(&twice.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "attribute must be single-valued"));
        let no_id = message.clone().attribute(TRANSACTION_ID, vec![]);
        assert_eq!(server.refused(&no_id.signed_by(&device)).await.0, 400);
    });
}

/// SCEP-22, SCEP-24
#[test]
fn a_transaction_id_is_a_printable_string_and_nothing_else() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "19", &device.csr(None));
        let refused = "scep: transactionID is not a PrintableString";
        for value in [
            utf8("abc"),
            octets(b"abc"),
            t(0x13, &[b"a\0b"]),
            t(0x13, &[b"a\r\nSet-Cookie: b"]),
            t(0x13, &[b"' OR '1'='1'; --"]),
            t(0x13, "ä".as_bytes().chunks(2).collect::<Vec<_>>().as_slice()),
        ] {
            let message = message.clone().attribute(TRANSACTION_ID, vec![value]);
            assert_eq!(server.refused(&message.signed_by(&device)).await, (400, refused.to_owned()));
        }
        let opaque = "../../etc/passwd '(=?),:+";
        let message = message.attribute(TRANSACTION_ID, vec![printable(opaque)]);
        assert_eq!(server.post(&message.signed_by(&device)).await.transaction, opaque);
    });
}

/// SCEP-25, SCEP-27, CVE-2026-30836
#[test]
fn only_message_types_on_the_list_go_further() {
    scep(async |server| {
        let device = server.device();
        let challenge = server.challenge(&device).await;
        let message = server.request(&device, "19", &device.csr(Some(&challenge)));
        let reply = server.post(&message.clone().without(MESSAGE_TYPE).signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "messageType missing"));
        for value in ["3", "18", "0", "23", "019", "19 ", ""] {
            let message = message.clone().attribute(MESSAGE_TYPE, vec![printable(value)]);
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("2", "messageType not supported"), "{value}");
        }
        let integer = message.clone().attribute(MESSAGE_TYPE, vec![vec![2, 1, 19]]);
        assert_eq!(refusal(&server.post(&integer.signed_by(&device)).await).0, "2");
    });
}

/// SCEP-65
#[test]
fn a_poll_for_an_unknown_transaction_is_rejected() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "20", b"\x30\x00");
        let reply = server.post(&message.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "no such transaction"));
    });
}

/// SCEP-30
#[test]
fn a_nonce_has_8_to_16_bytes() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "19", &device.csr(None));
        for length in [0, 7, 17, 4096] {
            let message = message.clone().attribute(SENDER_NONCE, vec![octets(&vec![1; length])]);
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("2", "senderNonce must be 8 to 16 bytes"), "{length}");
        }
        let reply = server.post(&message.clone().without(SENDER_NONCE).signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "senderNonce must be 8 to 16 bytes"));
        for length in [8, 16] {
            let message = message.clone().attribute(SENDER_NONCE, vec![octets(&vec![9; length])]);
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!(reply.recipient_nonce, Some(vec![9; length]));
            assert_eq!(reply.sender_nonce.len(), 16);
        }
    });
}

#[test]
fn a_clock_that_is_far_off_is_told() {
    scep(async |server| {
        let device = server.device();
        let message = server.request(&device, "19", &device.csr(None));
        for time in [b"700101000000Z", b"490101000000Z"] {
            let message = message.clone().attribute(SIGNING_TIME, vec![t(0x17, &[time])]);
            assert_eq!(refusal(&server.post(&message.signed_by(&device)).await).0, "3");
        }
    });
}
