use super::*;

fn read(bytes: &[u8]) -> Result<Element<'_>> {
    Reader::new(bytes, 100, Format::TrustList, Part::Record(3)).element()
}

#[test]
fn what_is_refused_is_named_with_its_place() {
    let cut = read(&[9, 0]).unwrap_err();
    assert_eq!(cut.code(), "bad-trust-list");
    assert_eq!(cut.detail(), "record 3: element 9 (certificate) at offset 100: it ends within its length");
    let lies = read(&[9, 0, 5, 1, 2]).unwrap_err();
    assert!(lies.detail().ends_with("its length is 5, and 2 octets are left"), "{lies}");
    let unknown = Reader::new(&[99, 0, 0], 7, Format::SignedFile, Part::Header).element().unwrap();
    assert_eq!(unknown.fault("no").to_string(), "header: element 99 at offset 7: no");
    assert_eq!(unknown.fault("no").code(), "bad-signed-file");
}

#[test]
fn texts_end_in_one_nul_and_are_utf_8() {
    let text = |value: &[u8]| {
        let mut bytes = Vec::new();
        push(&mut bytes, 3, value).unwrap();
        read(&bytes).unwrap().text().map(str::to_owned).map_err(|e| e.detail().to_owned())
    };
    assert_eq!(text(b"CN=a\0").unwrap(), "CN=a");
    assert_eq!(text(b"\0").unwrap(), "");
    assert!(text(b"").unwrap_err().ends_with("a text ends in NUL"));
    assert!(text(b"CN=a").unwrap_err().ends_with("a text ends in NUL"));
    assert!(text(b"CN=a\0b\0").unwrap_err().ends_with("a NUL stands within the text"));
    assert!(text(b"CN=\xff\0").unwrap_err().ends_with("the text is not UTF-8"));
}

#[test]
fn what_is_too_long_is_not_written() {
    let mut out = Vec::new();
    assert!(push(&mut out, 9, &[0; 65_535]).is_ok());
    assert_eq!(push(&mut out, 9, &[0; 65_536]).unwrap_err().code(), "element-too-long");
    assert!(push_text(&mut out, 3, "a\0b").is_err());
}
