use super::*;
use crate::x509::tlv;
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    San::parse(text).map(|san| panic!("{san} was accepted")).unwrap_err().detail().to_owned()
}

#[test]
fn good_names_of_each_sort_round_trip() {
    let texts = [
        "dns:host.example",
        "dns:SEP001122334455",
        "dns:*.example.com",
        "dns:xn--bcher-kva.example",
        "ip:10.0.0.1",
        "ip:2001:db8::1",
        "email:First.Last+x@Example.COM",
        "uri:https://host.example:8443/path?q=%20#x",
        "uri:https://[2001:db8::1]/",
        "uri:https://10.0.0.1/",
        "uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "uri:sip:example.com",
        "uri:spiffe://example.org/workload",
    ];
    let sans: Vec<_> = texts.iter().map(|t| San::parse(t).unwrap()).collect();
    assert_eq!(sans[1], San::Dns("sep001122334455".into()));
    assert_eq!(sans[6], San::Email("First.Last+x@example.com".into()));
    let der = San::encode_all(&sans).unwrap();
    assert_eq!(San::decode_all(&der).unwrap(), sans);
    for san in &sans {
        assert_eq!(San::parse(&san.to_string()).unwrap(), *san);
    }
    assert_eq!(San::parse("dns:bücher.example").unwrap(), sans[3]);
}

#[test]
fn wildcards_stand_alone_in_front_of_two_labels_csr_40() {
    for name in ["*", "*.com", "a*.x", "*.*.x", "foo.*", "*a.example.com", "*."] {
        assert_eq!(refusal(&format!("dns:{name}")), "wildcard not allowed here", "{name}");
    }
}

#[test]
fn dns_names_have_form_csr_41() {
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = format!("{}a", "abcdefg.".repeat(32));
    assert!(long_name.len() > 253);
    for name in [
        "host.",
        ".host",
        "a..b",
        "",
        "-a.b",
        "a-.b",
        "a_b",
        "a b",
        "a\0b",
        "*..com",
        &long_label,
        &long_name,
    ] {
        assert_eq!(refusal(&format!("dns:{name}")), "malformed DNS name", "{name}");
    }
}

#[test]
fn idn_round_trips_and_does_not_mix_scripts_csr_43() {
    // not punycode; encodes ASCII; upper case inside; emoji; Cyrillic а in a Latin label; Greek ο in a Latin label
    for name in
        ["xn--a-ecp-", "xn--abc-", "xn--", "xn--ls8h", "xn--pypal-4ve", "xn--ggle-0nda", "xn--zzzzzzzz999"]
    {
        let refusal = refusal(&format!("dns:{name}.example"));
        assert!(refusal == "invalid or confusable IDN" || name.ends_with('-'), "{name}: {refusal}");
    }
    assert!(San::parse("dns:xn--e1afmkfd.xn--p1ai").is_ok());
}

#[test]
fn addresses_are_no_dns_names_csr_44() {
    for name in ["10.0.0.1", "167772161", "0x0a000001", "10.1", "0xa.0x1", "host.1", "::1", "2001:db8::1"] {
        assert_eq!(refusal(&format!("dns:{name}")), "IP address in DNS name", "{name}");
    }
}

#[test]
fn uris_are_absolute_and_harmless_csr_46() {
    for uri in [
        "/relative",
        "host.example",
        "javascript:alert(1)",
        "JavaScript://x.example/%0aalert(1)",
        "file:///etc/passwd",
        "https://user:pw@host.example/",
        "https://user@host.example",
        "https://host.example/\r\nx",
        "https:///x",
        "https://",
        "http:host.example",
        "https://host.example/%zz",
        "https://ho st/",
        "https://host.example:99999/",
        "https://ü.example/",
        "sip:user@example.com",
        "data:text/html,x",
    ] {
        assert_eq!(refusal(&format!("uri:{uri}")), "bad URI SAN", "{uri}");
    }
}

#[test]
fn email_addresses_are_plain_csr_47() {
    for address in [
        "a@b@c.d",
        "a\0@b.c",
        "Joe <a@b.c>",
        "a",
        "@b.c",
        "a@",
        "a..b@c.d",
        "a@*.b.c",
        "a b@c.d",
        "a@10.0.0.1",
    ] {
        assert_eq!(refusal(&format!("email:{address}")), "bad email SAN", "{address}");
    }
}

#[test]
fn other_sorts_are_kept_for_the_profile_to_refuse_csr_48() {
    let directory = tlv::tlv(0xa4, Name::parse("CN=x").unwrap().der());
    let upn = tlv::tlv(0xa0, &[6, 3, 0x2a, 3, 4, 0xa0, 3, 0x0c, 1, b'u']);
    let registered = tlv::tlv(0x88, &[0x2a, 3, 4]);
    let der = tlv::join(tlv::SEQUENCE, &[&directory, &upn, &registered]);
    let sans = San::decode_all(&der).unwrap();
    assert_eq!(sans.iter().map(San::sort).collect::<Vec<_>>(), ["directory", "other", "other"]);
    assert_eq!(sans[0].value(), "CN=x");
    assert_eq!(sans[2], San::Other(8, registered));
    assert_eq!(San::encode_all(&sans).unwrap(), der);
}

#[test]
fn counts_and_structure_are_checked_csr_38() {
    let name = tlv::tlv(0x82, b"a.example");
    let detail =
        |content: &[u8]| San::decode_all(&tlv::tlv(tlv::SEQUENCE, content)).unwrap_err().detail().to_owned();
    assert_eq!(detail(&[]), "SAN count out of range");
    assert_eq!(detail(&name.repeat(251)), "SAN count out of range");
    assert!(San::decode_all(&tlv::tlv(tlv::SEQUENCE, &name.repeat(250))).is_ok());
    assert!(detail(&tlv::tlv(0x87, &[1, 2, 3])).starts_with("malformed IP address"));
    assert_eq!(detail(&tlv::tlv(0x0c, b"x")), "malformed SAN extension");
    assert!(San::encode_all(&[]).is_err());
}

#[test]
fn sets_ignore_order_and_repeats() {
    let [a, b] = ["dns:a.example", "ip:10.0.0.1"].map(|t| San::parse(t).unwrap());
    assert!(San::same_set(&[a.clone(), b.clone()], &[b.clone(), a.clone(), b.clone()]));
    assert!(!San::same_set(std::slice::from_ref(&a), &[a.clone(), b]));
}

proptest! {
    #[test]
    fn arbitrary_bytes_and_text_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = San::decode_all(&bytes);
        let _ = San::decode_all(&tlv::tlv(tlv::SEQUENCE, &bytes));
        for sort in ["dns", "ip", "email", "uri"] {
            if let Ok(san) = San::parse(&format!("{sort}:{text}")) {
                prop_assert_eq!(San::decode_all(&San::encode_all(std::slice::from_ref(&san)).unwrap()).unwrap(), vec![san]);
            }
        }
    }
}
