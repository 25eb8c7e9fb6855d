//! CSR-37 to CSR-53: subjects and alternative names. (The forms of each sort are tested where they are read.)

use signet::x509::name::Name;
use signet::x509::san::San;
use signet::x509::tlv::{self, join, tlv};

use super::build::*;

fn san_refusal(name: Vec<u8>) -> String {
    Request::new().extensions(&[san(&[name])]).refusal()
}

#[test]
fn csr_37_no_identity() {
    let nobody = Request::new().subject(Name::empty().der().to_vec());
    assert!(nobody.refusal().starts_with("no identity"));
    let named = Request::new().subject(Name::empty().der().to_vec()).extensions(&[san(&[dns("a.example")])]);
    assert_eq!(read(&named.sign()).sans(), [San::Dns("a.example".into())]);
}

#[test]
fn csr_38_san_counts() {
    let request = |count: usize| Request::new().extensions(&[san(&vec![dns("a.b"); count])]);
    assert_eq!(request(0).refusal(), "SAN count out of range");
    assert_eq!(request(251).refusal(), "SAN count out of range");
    assert_eq!(request(10_000).refusal(), "SAN count out of range");
    assert_eq!(read(&request(250).sign()).sans().len(), 250);
}

#[test]
fn csr_40_wildcards() {
    for name in ["*", "*.com", "a*.x", "*.*.x", "foo.*"] {
        assert_eq!(san_refusal(dns(name)), "wildcard not allowed here", "{name}");
    }
    let request = Request::new().extensions(&[san(&[dns("*.Example.com")])]);
    assert_eq!(read(&request.sign()).sans(), [San::Dns("*.example.com".into())]);
}

#[test]
fn csr_41_dns_form() {
    let label = format!("{}.x", "a".repeat(64));
    let long = vec!["abcdefg"; 32].join(".");
    for name in ["a.b.", ".a.b", "a..b", "", &label, &long, "a\0.b", "ä.b"] {
        assert_eq!(san_refusal(dns(name)), "malformed DNS name", "{name}");
    }
}

#[test]
fn csr_43_internationalised_names() {
    for name in ["xn--zzzzzzzz999.example", "xn--ls8h.example", "xn--pypal-4ve.example"] {
        assert_eq!(san_refusal(dns(name)), "invalid or confusable IDN", "{name}");
    }
}

#[test]
fn csr_44_addresses_as_dns_names() {
    for name in ["10.0.0.1", "167772161", "0x0a000001", "10.1"] {
        assert_eq!(san_refusal(dns(name)), "IP address in DNS name", "{name}");
    }
}

#[test]
fn csr_46_uris() {
    for uri in [
        "/a",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://u:p@h.example/",
        "https://h.example/\r\n",
    ] {
        assert_eq!(san_refusal(tlv(0x86, uri.as_bytes())), "bad URI SAN", "{uri}");
    }
}

#[test]
fn csr_47_email_addresses() {
    for address in ["a@b@c.example", "a\0@c.example", "Joe <joe@c.example>"] {
        assert_eq!(san_refusal(tlv(0x81, address.as_bytes())), "bad email SAN", "{address}");
    }
}

/// The profile refuses what stands here ("SAN type not allowed"); reading keeps the sort apart.
#[test]
fn csr_48_other_sorts_are_told_apart() {
    let value = tlv(0xa0, &tlv(tlv::UTF8_STRING, b"admin@corp.example"));
    let upn = tlv(0xa0, &[oid("1.3.6.1.4.1.311.20.2.3"), value].concat());
    let registered = tlv(0x88, &[0x2a, 3, 4]);
    let x400 = tlv(0xa3, &tlv(tlv::SEQUENCE, &[]));
    let directory = tlv(0xa4, Name::parse("CN=admin").unwrap().der());
    let request = Request::new().extensions(&[san(&[upn, registered, x400, directory])]);
    let csr = read(&request.sign());
    assert_eq!(
        csr.sans().iter().map(San::sort).collect::<Vec<_>>(),
        ["other", "other", "other", "directory"]
    );
}

#[test]
fn csr_50_string_types_become_utf8_when_they_are_written() {
    for (tag, content) in [
        (tlv::BMP_STRING, &b"\0a\0@\0*"[..]),
        (tlv::TELETEX_STRING, b"a@*"),
        (tlv::UNIVERSAL_STRING, b"\0\0\0a\0\0\0@\0\0\0*"),
        (tlv::PRINTABLE_STRING, b"a@*"),
    ] {
        let csr = read(&Request::new().subject(common_name(tag, content)).sign());
        let attributes: Vec<_> = csr.subject().attributes().cloned().collect();
        assert_eq!(Name::from_attributes(&attributes).unwrap().der(), common_name(tlv::UTF8_STRING, b"a@*"));
    }
    for subject in [common_name(tlv::BIT_STRING, b"\0a"), common_name(tlv::BMP_STRING, b"\0a\0")] {
        assert!(Request::new().subject(subject).refusal().starts_with("string type"));
    }
}

#[test]
fn csr_51_invalid_utf8() {
    for content in [&b"\xff"[..], b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xc1\x81"] {
        let subject = common_name(tlv::UTF8_STRING, content);
        assert!(Request::new().subject(subject).refusal().starts_with("invalid UTF-8"));
    }
}

#[test]
fn csr_53_control_characters_are_refused_and_the_rest_is_data() {
    for content in ["a\r\nb", "\u{1b}[31mred", "a\0b", "a\u{202e}b", "a\u{200b}b"] {
        let subject = common_name(tlv::UTF8_STRING, content.as_bytes());
        assert_eq!(
            Request::new().subject(subject).refusal(),
            "control or invisible character in the subject"
        );
    }
    for content in ["=cmd()", "<script>alert(1)</script>", "${jndi:ldap://x}"] {
        let csr = read(&Request::new().subject(common_name(tlv::UTF8_STRING, content.as_bytes())).sign());
        assert_eq!(csr.subject().common_name(), Some(content));
        assert_eq!(csr.subject().to_string().lines().count(), 1);
    }
}

#[test]
fn csr_57_malformed_oids() {
    let arc_2_64 = [0x2a, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0];
    let many_arcs = [&[0x2a][..], &[1; 10_000]].concat();
    let padded = [0x2a, 0x80, 1];
    for content in [&arc_2_64[..], &many_arcs, &padded, &[0x2a, 0x81], &[]] {
        let attribute = join(tlv::SEQUENCE, &[&tlv(tlv::OID, content), &tlv(tlv::UTF8_STRING, b"x")]);
        let subject = tlv(tlv::SEQUENCE, &tlv(tlv::SET, &attribute));
        assert_eq!(Request::new().subject(subject).refusal(), "malformed OID");
        let other = join(tlv::SEQUENCE, &[&tlv(tlv::OID, content), &tlv(tlv::SET, &[])]);
        assert_eq!(Request::new().attribute(other).refusal(), "malformed OID");
    }
}
