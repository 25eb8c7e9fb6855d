use super::*;
use crate::x509::tlv;
use const_oid::ObjectIdentifier;
use proptest::prelude::*;

fn with_string(tag: u8, content: &[u8]) -> Vec<u8> {
    let oid = tlv::object_identifier(&attribute::COMMON_NAME);
    let attribute = tlv::join(tlv::SEQUENCE, &[&oid, &tlv::tlv(tag, content)]);
    tlv::tlv(tlv::SEQUENCE, &tlv::tlv(tlv::SET, &attribute))
}

#[test]
fn text_is_read_in_reverse_and_printed_back() {
    let name = Name::parse("CN=SEP001122334455, OU=a\\, b+O=Acme ,DC=example\\20,C=DE").unwrap();
    assert_eq!(name.attributes().next().unwrap().value, "DE");
    assert_eq!(name.common_name(), Some("SEP001122334455"));
    assert_eq!(name.to_string(), "CN=SEP001122334455,O=Acme+OU=a\\, b,DC=example\\ ,C=DE");
    assert_eq!(Name::from_der(name.der()).unwrap().to_string(), name.to_string());
    assert_eq!(Name::parse("").unwrap(), Name::empty());
    assert_eq!(Name::parse("CN=#0C0161").unwrap().common_name(), Some("a"));
    assert_eq!(Name::parse("1.2.3.4=x").unwrap().to_string(), "1.2.3.4=x");
}

#[test]
fn errors_name_the_attribute_and_the_rule() {
    let detail = |text: &str| Name::parse(text).unwrap_err().detail().to_owned();
    assert!(detail("CN").contains("no `=`"));
    assert!(detail("XX=a").contains("unknown attribute XX"));
    assert!(detail("CN=").contains("CN must have 1 to 64"));
    assert!(detail(&format!("CN={}", "a".repeat(65))).contains("CN must have 1 to 64"));
    assert!(detail("C=DEU").contains("C must have 1 to 2"));
    assert!(detail("C=D1").contains("two letters"));
    assert!(detail("DC=ü").contains("DC must be ASCII"));
    assert!(detail("serialNumber=a_b").contains("serialNumber holds"));
    assert!(detail("CN=a;b").contains("escaped"));
    assert!(detail("CN=a\\0Ab").contains("CN holds a control"));
    assert!(detail("CN=a\\E2\\80\\AEb").contains("invisible"));
    assert!(detail("CN=a\\zz").contains("hexadecimal"));
    assert!(detail("CN=a\\FF").contains("invalid UTF-8"));
}

#[test]
fn every_string_type_becomes_text_csr_50() {
    for (tag, content) in [
        (tlv::PRINTABLE_STRING, &b"a*@b"[..]),
        (tlv::UTF8_STRING, b"a*@b"),
        (tlv::TELETEX_STRING, b"a*@b"),
        (tlv::BMP_STRING, b"\0a\0*\0@\0b"),
        (tlv::UNIVERSAL_STRING, b"\0\0\0a\0\0\0*\0\0\0@\0\0\0b"),
    ] {
        let name = Name::from_der(&with_string(tag, content)).unwrap();
        assert_eq!(name.common_name(), Some("a*@b"));
        let written = Name::from_attributes(&name.attributes().cloned().collect::<Vec<_>>()).unwrap();
        assert_eq!(written.der(), with_string(tlv::UTF8_STRING, b"a*@b"));
    }
    for der in [with_string(tlv::BMP_STRING, b"\xd8\0"), with_string(tlv::OCTET_STRING, b"a")] {
        assert!(Name::from_der(&der).unwrap_err().detail().starts_with("string type"));
    }
}

#[test]
fn invalid_utf8_is_refused_csr_51() {
    for content in [&b"\xff"[..], b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbf\xbf", b"\xef\xb7\x90"] {
        let error = Name::from_der(&with_string(tlv::UTF8_STRING, content)).unwrap_err();
        assert!(error.detail().starts_with("invalid UTF-8"));
    }
}

#[test]
fn what_could_mislead_is_printed_escaped_on_one_line_csr_53() {
    let name =
        Name::from_der(&with_string(tlv::UTF8_STRING, "a\r\n\u{1b}[31m\u{202e}b\u{9b}".as_bytes())).unwrap();
    assert_eq!(name.to_string(), "CN=a\\0D\\0A\\1B[31m\\E2\\80\\AEb\\C2\\9B");
    assert_eq!(escape_line("a\nb"), "a\\0Ab");
}

#[test]
fn comparison_follows_rfc_5280_7_1() {
    let same = |a: &str, b: &str| Name::parse(a).unwrap().matches(&Name::parse(b).unwrap());
    assert!(same("CN=Ab  c,O=X", "cn=aB C,o=x"));
    assert!(same("CN=\\ a\\ ", "CN=a"));
    assert!(same("CN=a+O=b", "O=B+CN=A"));
    assert!(same("CN=Ä\u{fb01}x", "CN=a\u{308}FIX"));
    assert!(same("DC=EXAMPLE", "DC=example"));
    assert!(!same("CN=a,O=b", "O=b,CN=a"));
    assert!(!same("CN=a", "CN=a,O=b"));
    assert!(!same("CN=a", "O=a"));
    assert!(!same("CN=ab", "CN=a b"));
    assert!(!same("CN=admin", "CN=а dmin"));
    let printable = Name::from_der(&with_string(tlv::PRINTABLE_STRING, b"ABC")).unwrap();
    assert!(printable.matches(&Name::parse("CN=abc").unwrap()));
}

#[test]
fn broken_structure_is_refused() {
    for der in [&[][..], &[0x30], &[0x30, 1, 0], &[0x30, 2, 0x31, 0], &[0x31, 0], &[0x30, 0, 0]] {
        assert_eq!(Name::from_der(der).unwrap_err().code(), "bad-name", "{der:02x?}");
    }
}

proptest! {
    #[test]
    fn text_round_trips(values in prop::collection::vec("\\PC{1,20}", 1..6)) {
        let types = ["2.5.4.3", "2.5.4.10", "2.5.4.11", "1.2.3.4.5", "2.5.4.7", "2.5.4.8"];
        let attributes: Vec<_> = values.iter().zip(types).map(|(value, oid)| Attribute {
            oid: ObjectIdentifier::new_unwrap(oid),
            value: value.clone(),
        }).collect();
        if let Ok(name) = Name::from_attributes(&attributes) {
            let again = Name::parse(&name.to_string()).unwrap();
            prop_assert_eq!(again.der(), name.der());
            prop_assert!(again.matches(&name));
            prop_assert_eq!(Name::from_der(name.der()).unwrap(), name);
        }
    }

    #[test]
    fn arbitrary_bytes_and_text_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,100}") {
        let _ = Name::from_der(&bytes).map(|n| n.to_string());
        let _ = Name::parse(&text).map(|n| n.to_string());
    }
}
