use super::*;
use crate::enrol::capf::frame::{HEADER_LEN, Header};

const SESSION: u32 = 0x0a0b_0c0d;

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    element.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    element.extend(value);
    element
}

fn body(elements: &[(u8, &[u8])]) -> Vec<u8> {
    elements.iter().flat_map(|(tag, value)| element(*tag, value)).collect()
}

fn refusal(command: Command, body: &[u8]) -> String {
    let refused = FromDevice::read(command, body).unwrap_err();
    assert_eq!(refused.code(), "capf-message");
    refused.detail().to_owned()
}

fn whole_auth() -> Vec<u8> {
    body(&[
        (1, &[1]),
        (4, &[1, 0, 4, 0, 2, 0x30, 0]),
        (6, &[1, 2, 3]),
        (7, &[3]),
        (11, b"123456\0"),
        (13, b"SEP001122334455\0"),
        (16, &[9, 9]),
        (20, &[3, 0, 2, 4, 5]),
    ])
}

#[test]
fn a_device_says_who_it_is_and_brings_every_proof() {
    let FromDevice::Auth(auth) = FromDevice::read(Command::AuthResponse, &whole_auth()).unwrap() else {
        panic!("another message");
    };
    assert_eq!((auth.version, auth.device.as_str()), (Version::Three, "SEP001122334455"));
    assert_eq!(auth.password.as_ref().unwrap().as_str(), "123456");
    let proof = auth.certificate.as_ref().unwrap();
    assert_eq!(proof.certificate, [0x30, 0]);
    assert_eq!((proof.sha1.as_deref(), &proof.sha2), (Some(&[1, 2, 3][..]), &Some(vec![3, 0, 2, 4, 5])));
    assert_eq!(auth.sudi.as_deref(), Some(&[9, 9][..]));
    let shown = format!("{auth:?}");
    assert!(shown.contains("SEP001122334455") && !shown.contains("123456"), "{shown}");
}

#[test]
fn jabber_speaks_version_2() {
    let jabber = body(&[(13, b"CSFjdoe\0"), (11, b"\0"), (7, &[2]), (1, &[1])]);
    let FromDevice::Auth(auth) = FromDevice::read(Command::AuthResponse, &jabber).unwrap() else {
        panic!("another message");
    };
    assert_eq!((auth.version, auth.password.is_none()), (Version::Two, true));
    let other = body(&[(13, b"CSFjdoe\0"), (7, &[1]), (1, &[1])]);
    assert_eq!(refusal(Command::AuthResponse, &other), "unknown version");
}

#[test]
fn capf_07_nothing_where_elements_are_needed_is_refused() {
    for command in [
        Command::AuthResponse,
        Command::KeyGenerateResponse,
        Command::StoreCertificateResponse,
        Command::FetchCertificateResponse,
        Command::DeleteCertificateResponse,
    ] {
        assert_eq!(refusal(command, &[]), "missing element", "{command:?}");
    }
}

#[test]
fn capf_22_a_device_without_a_name_is_refused() {
    assert_eq!(refusal(Command::AuthResponse, &body(&[(1, &[1]), (7, &[3])])), "device name missing");
}

#[test]
fn a_device_that_declines_or_leaves_out_its_version_is_refused() {
    let name = b"SEP001122334455\0".as_slice();
    assert_eq!(refusal(Command::AuthResponse, &body(&[(1, &[7]), (7, &[3]), (13, name)])), "declined");
    assert_eq!(refusal(Command::AuthResponse, &body(&[(1, &[1]), (13, name)])), "missing element");
    assert_eq!(refusal(Command::AuthResponse, &body(&[(7, &[3]), (13, name)])), "missing element");
}

#[test]
fn a_key_or_a_reason_why_there_is_none() {
    let read = |body: &[u8]| FromDevice::read(Command::KeyGenerateResponse, body).unwrap();
    let FromDevice::Key(KeyResponse::Made(key)) = read(&body(&[(9, &[0x30, 0])])) else { panic!("no key") };
    assert_eq!(key, [0x30, 0]);
    let FromDevice::Key(KeyResponse::Failed(reason)) = read(&body(&[(1, &[7]), (2, b"no EC\0")])) else {
        panic!("no reason");
    };
    assert_eq!(reason.to_string(), "reason 7 (no EC)");
}

#[test]
fn capf_59_what_a_device_says_in_words_is_escaped_and_cut() {
    let words = [b"\x1b[31m\r\n\"".as_slice(), &[b'A'; 10_000]].concat();
    let read = FromDevice::read(Command::StoreCertificateResponse, &body(&[(1, &[7]), (2, &words)])).unwrap();
    let FromDevice::Stored(reason) = read else { panic!("another message") };
    assert!(reason.info.as_str().starts_with("\\x1b[31m\\r\\n\\\"AAA"), "{reason}");
    assert_eq!(reason.info.as_str().len(), 200);
}

#[test]
fn a_fetched_certificate_comes_with_reason_1() {
    let read = |body: &[u8]| FromDevice::read(Command::FetchCertificateResponse, body);
    let whole = body(&[(1, &[1]), (4, &[1, 0, 4, 0, 1, 0x30, 0])]);
    let FromDevice::Fetched(FetchResponse::Certificate(der)) = read(&whole).unwrap() else { panic!("none") };
    assert_eq!(der, [0x30, 0]);
    assert!(matches!(read(&body(&[(1, &[7])])), Ok(FromDevice::Fetched(FetchResponse::None(_)))));
    assert_eq!(refusal(Command::FetchCertificateResponse, &body(&[(1, &[1])])), "missing element");
    // CAPF-55
    let pem = body(&[(1, &[1]), (4, b"-----BEGIN CERTIFICATE-----")]);
    assert_eq!(refusal(Command::FetchCertificateResponse, &pem), "bad certificate element");
}

#[test]
fn capf_10_what_only_a_server_says_is_unexpected_from_a_device() {
    for command in Command::ALL {
        let said = matches!(command.code(), 2 | 4 | 10 | 12 | 14 | 17);
        if !said {
            assert_eq!(refusal(command, &[]), "unexpected command in state", "{command:?}");
        }
    }
}

#[test]
fn truncated_at_every_octet_a_message_is_refused_or_lacks_what_was_cut() {
    let whole = whole_auth();
    let mut read = 0;
    for end in 0..whole.len() {
        if let Ok(FromDevice::Auth(auth)) = FromDevice::read(Command::AuthResponse, &whole[..end]) {
            assert!(auth.sudi.is_none() || auth.certificate.as_ref().unwrap().sha2.is_none());
            read += 1;
        }
    }
    assert_eq!(read, 2, "only where an optional element ends");
}

#[test]
fn what_is_told_stands_in_the_order_of_the_tags() {
    let head = |command: u8, length: u8| vec![0x55, command, 10, 11, 12, 13, 0, length];
    let written = |message: ToDevice<'_>| message.write(SESSION).unwrap();
    let with = |mut head: Vec<u8>, body: &[u8]| {
        head.extend(body);
        head
    };
    assert_eq!(written(ToDevice::Authenticate), with(head(1, 8), &[7, 0, 1, 3, 8, 0, 1, 0]));
    let rsa = KeyRequest::Rsa(2048);
    assert_eq!(
        written(ToDevice::MakeKey(rsa, Version::Three)),
        with(head(3, 9), &[10, 0, 2, 8, 0, 17, 0, 1, 0])
    );
    assert_eq!(written(ToDevice::MakeKey(rsa, Version::Two)), with(head(3, 5), &[10, 0, 2, 8, 0]));
    for (curve, octet) in [(Curve::P256, 0), (Curve::P384, 1), (Curve::P521, 2)] {
        let asked = written(ToDevice::MakeKey(KeyRequest::Ec(curve), Version::Three));
        assert_eq!(asked, with(head(3, 8), &[17, 0, 1, 1, 18, 0, 1, octet]));
    }
    let store = [3, 0, 1, 1, 4, 0, 7, 1, 0, 4, 0, 1, 0x30, 0];
    assert_eq!(written(ToDevice::Store(&[0x30, 0])), with(head(9, 14), &store));
    assert_eq!(written(ToDevice::Fetch), head(11, 0));
    assert_eq!(written(ToDevice::Delete), head(13, 0));
    assert_eq!(written(ToDevice::RetryLater), head(16, 0));
    for (reason, octet) in [
        (EndReason::NoAction, 0),
        (EndReason::Updated, 1),
        (EndReason::Declined, 7),
        (EndReason::UnknownDevice, 9),
    ] {
        assert_eq!(written(ToDevice::End(reason)), with(head(15, 4), &[1, 0, 1, octet]));
    }
}

#[test]
fn what_is_told_reads_back_as_a_frame() {
    let written = ToDevice::Store(&[7; 900]).write(SESSION).unwrap();
    let header = Header::read(written[..HEADER_LEN].try_into().unwrap()).unwrap();
    assert_eq!((header.session(), header.body_len()), (SESSION, written.len() - HEADER_LEN));
    assert_eq!(header.command().unwrap(), Command::StoreCertificateRequest);
}
