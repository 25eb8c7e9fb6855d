//! CSR-01, -03, -26 to -34, -56: the request as a whole, its attributes and extensions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use signet::error::Kind;
use signet::x509::cert::{Certificate, ext};
use signet::x509::csr::{Csr, Leniency};
use signet::x509::pem;
use signet::x509::tlv::{self, join, tlv};

use super::build::*;

const NOT_A_REQUEST: &str = "not a PKCS#10 request";

#[test]
fn good_requests_are_read_in_every_form() {
    for der in [Request::new().sign(), rsa_request()] {
        let base64 = STANDARD.encode(&der);
        let lines = base64.as_bytes().chunks(64).map(|l| [l, b"\r\n"].concat()).collect::<Vec<_>>().concat();
        let old_label = pem::encode("NEW CERTIFICATE REQUEST", &der);
        let text = format!("Subject: x\n{}\n", pem::encode("CERTIFICATE REQUEST", &der));
        for form in [der.as_slice(), base64.as_bytes(), &lines, old_label.as_bytes(), text.as_bytes()] {
            let csr = Csr::read(form, Leniency::Strict).unwrap();
            assert_eq!(csr.der(), der);
            assert_eq!(csr.subject().to_string(), "CN=device-1");
            assert!(csr.challenge().is_none());
        }
    }
}

#[test]
fn csr_01_not_a_request() {
    let der = Request::new().sign();
    let block = pem::encode("CERTIFICATE REQUEST", &der);
    let mismatch = block.replace("END CERTIFICATE REQUEST", "END CERTIFICATE");
    let certificate = pem::encode("CERTIFICATE", &der);
    let trailing = [&der[..], &[0]].concat();
    for bytes in [
        &b""[..],
        b"hello",
        b"{}",
        b"\x30\x00",
        b"-----BEGIN CERTIFICATE REQUEST-----",
        block.repeat(2).as_bytes(),
        mismatch.as_bytes(),
        certificate.as_bytes(),
        &trailing,
        &der[..der.len() - 1],
        &tlv(tlv::SEQUENCE, &[]),
    ] {
        assert_eq!(refusal(bytes), NOT_A_REQUEST, "{}", String::from_utf8_lossy(bytes));
    }
    let bomb = (0..400).fold(Vec::new(), |inner, _| tlv(tlv::SEQUENCE, &inner));
    assert_eq!(refusal(&bomb), NOT_A_REQUEST);
}

#[test]
fn csr_03_other_versions_are_for_devices_only() {
    for version in [vec![1], vec![2], vec![0xff], vec![0, 0x80]] {
        let mut request = Request::new();
        request.version = version;
        let der = request.sign();
        assert!(Csr::from_der(&der, Leniency::Device).is_ok());
        let error = Csr::from_der(&der, Leniency::Strict).unwrap_err();
        assert_eq!((error.code(), error.detail()), ("bad-csr", "unsupported CSR version"));
    }
}

#[test]
fn the_challenge_is_read_and_never_shown() {
    let challenge = |values: &[&[u8]]| Request::new().attribute(attribute("1.2.840.113549.1.9.7", values));
    let csr = read(&challenge(&[&tlv(tlv::PRINTABLE_STRING, b"s3cret-word")]).sign());
    assert_eq!(csr.challenge(), Some("s3cret-word"));
    assert!(!format!("{csr:?}").contains("s3cret"));
    let one = tlv(tlv::UTF8_STRING, b"s3cret-word");
    let two = challenge(&[&one, &one]).refusal();
    assert_eq!(two, "challengePassword must be single-valued");
    let long = challenge(&[&tlv(tlv::UTF8_STRING, &[b'a'; 256])]).refusal();
    assert_eq!(long, "challengePassword over 255 characters");
    let broken = challenge(&[&tlv(tlv::UTF8_STRING, b"s3cret\xff")]).refusal();
    assert_eq!(broken, "challengePassword: invalid UTF-8");
}

#[test]
fn csr_26_duplicate_attributes() {
    let list = [san(&[dns("a.example")])];
    assert_eq!(Request::new().extensions(&list).extensions(&list).refusal(), "duplicate attribute");
    let password = attribute("1.2.840.113549.1.9.7", &[&tlv(tlv::UTF8_STRING, b"x")]);
    let twice = Request::new().attribute(password.clone()).attribute(password);
    assert_eq!(twice.refusal(), "duplicate attribute");
}

#[test]
fn csr_27_duplicate_extensions() {
    let list = [san(&[dns("a.example")]), san(&[dns("b.example")])];
    assert_eq!(Request::new().extensions(&list).refusal(), "duplicate extension");
}

#[test]
fn csr_28_conflicting_extension_requests() {
    let a = tlv(tlv::SEQUENCE, &san(&[dns("a.example")]));
    let b = tlv(tlv::SEQUENCE, &san(&[dns("b.example")]));
    let two_values = Request::new().attribute(attribute(EXTENSION_REQUEST, &[&a, &b]));
    assert_eq!(two_values.refusal(), "conflicting extension requests");
    let both = |ms: &[u8]| {
        Request::new()
            .attribute(attribute(EXTENSION_REQUEST, &[&a]))
            .attribute(attribute(MS_EXTENSIONS, &[ms]))
    };
    assert_eq!(both(&b).refusal(), "conflicting extension requests");
    assert_eq!(read(&both(&a).sign()).sans().len(), 1);
    let microsoft = Request::new().attribute(attribute(MS_EXTENSIONS, &[&b]));
    assert_eq!(read(&microsoft.sign()).sans()[0].value(), "b.example");
    assert_eq!(Request::new().attribute(attribute(EXTENSION_REQUEST, &[])).refusal(), NOT_A_REQUEST);
}

#[test]
fn csr_30_key_usage() {
    let usage = |bits: u16| {
        Request::new().extensions(&[extension("2.5.29.15", true, &ext::key_usage(bits).unwrap().value)])
    };
    for bits in [1 << 5, 1 << 6, 1 << 5 | 1, 1 << 6 | 1 << 8] {
        assert_eq!(usage(bits).refusal(), "key usage not permitted", "{bits:b}");
    }
    for bits in [1, 1 | 1 << 2, 1 << 4, 1 << 8] {
        assert!(Csr::from_der(&usage(bits).sign(), Leniency::Strict).is_ok(), "{bits:b}");
    }
    let broken = Request::new().extensions(&[extension("2.5.29.15", true, &[3, 0])]);
    assert_eq!(broken.refusal(), "malformed extension");
}

#[test]
fn csr_31_purposes() {
    let purposes = |list: &[&str]| {
        let list: Vec<u8> = list.iter().flat_map(|p| oid(p)).collect();
        Request::new().extensions(&[extension("2.5.29.37", false, &tlv(tlv::SEQUENCE, &list))])
    };
    for purpose in [
        "1.3.6.1.5.5.7.3.9",
        "2.5.29.37.0",
        "1.3.6.1.5.5.7.3.3",
        "1.3.6.1.4.1.311.20.2.2",
        "1.3.6.1.5.5.7.3.8",
    ] {
        assert_eq!(purposes(&["1.3.6.1.5.5.7.3.1", purpose]).refusal(), "EKU not permitted", "{purpose}");
    }
    let tolerated = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.5"];
    assert!(Csr::from_der(&purposes(&tolerated).sign(), Leniency::Strict).is_ok());
    assert_eq!(purposes(&[]).refusal(), "malformed extension");
}

#[test]
fn a_request_for_a_ca_is_refused() {
    let constraints = |ca| ext::basic_constraints(ca, None).unwrap().value;
    let request = |ca| Request::new().extensions(&[extension("2.5.29.19", true, &constraints(ca))]);
    assert_eq!(request(true).refusal(), "CA certificate not permitted");
    assert!(Csr::from_der(&request(false).sign(), Leniency::Strict).is_ok());
}

#[test]
fn csr_33_what_the_template_decides_is_ignored() {
    let ignored = [
        "2.5.29.35",
        "2.5.29.14",
        "2.5.29.31",
        "1.3.6.1.5.5.7.1.1",
        "2.5.29.32",
        "2.5.29.30",
        "1.3.6.1.5.5.7.48.1.5",
        "1.3.6.1.4.1.11129.2.4.3",
    ];
    for critical in [false, true] {
        let list: Vec<_> = ignored.iter().map(|o| extension(o, critical, &[tlv::NULL, 0])).collect();
        assert!(read(&Request::new().extensions(&list).sign()).sans().is_empty());
    }
}

#[test]
fn csr_34_unknown_critical_extensions() {
    let request = |critical| Request::new().extensions(&[extension("1.2.3.4.5", critical, b"x")]);
    assert_eq!(request(true).refusal(), "unsupported critical extension");
    assert!(Csr::from_der(&request(false).sign(), Leniency::Strict).is_ok());
}

#[test]
fn csr_56_size_is_capped_before_anything_is_parsed() {
    let huge = Request::new().attribute(attribute("1.2.3.4", &[&tlv(tlv::OCTET_STRING, &vec![0; 10 << 20])]));
    let der = huge.sign();
    for outcome in [Csr::from_der(&der, Leniency::Device), Csr::read(&der, Leniency::Device)] {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::TooLarge, "body-too-large"));
    }
}

#[test]
fn attributes_nobody_knows_are_ignored_and_counted() {
    let unknown = attribute("1.3.6.1.4.1.311.13.2.3", &[&tlv(tlv::IA5_STRING, b"10.0.1")]);
    let request = |n: usize| (0..n).fold(Request::new(), |r, _| r.attribute(unknown.clone()));
    assert!(Csr::from_der(&request(64).sign(), Leniency::Strict).is_ok());
    assert_eq!(request(65).refusal(), "more than 64 attributes");
}

#[test]
fn a_request_without_the_attributes_field_is_read() {
    let request = Request::new();
    let info = join(tlv::SEQUENCE, &[&tlv(tlv::INTEGER, &[0]), &request.subject, &request.spki]);
    let signature = ec_key().sign(&aws_lc_rs::rand::SystemRandom::new(), &info).unwrap();
    let algorithm = tlv(tlv::SEQUENCE, &oid("1.2.840.10045.4.3.2"));
    assert!(Csr::from_der(&assemble(&info, &algorithm, signature.as_ref()), Leniency::Strict).is_ok());
}

fn valid() -> Vec<u8> {
    let list =
        [san(&[dns("a.example"), tlv(0x87, &[10, 0, 0, 1])]), extension("2.5.29.15", true, &[3, 2, 5, 0xa0])];
    Request::new().extensions(&list).sign()
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Csr::read(&bytes, Leniency::Device);
        let _ = Certificate::read(&bytes);
        let _ = signet::x509::crl::Crl::read(&bytes);
    }

    /// A request changed anywhere is refused: nothing of it stands outside the signature but the framing.
    #[test]
    fn mutated_requests_are_refused(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
        let good = valid();
        let mut bad = good.clone();
        let at = at.index(bad.len());
        if cut { bad.truncate(at) } else { bad[at] ^= flip }
        prop_assert!(Csr::from_der(&bad, Leniency::Device).is_err());
        prop_assert!(Csr::from_der(&good, Leniency::Strict).is_ok());
    }
}
