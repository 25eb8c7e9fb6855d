//! Trust lists from elsewhere: what is read is compared, verified and drafted anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::trust::list::diff::diff;
use signet::trust::list::{List, limits};
use signet::trust::tlv::names;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = List::parse(data) else { return };
    assert_eq!(list.bytes(), data);
    let verified = list.verify().is_ok();
    let _ = (list.kind(), list.fingerprint(), limits::warnings(list.entries().len(), data.len()));
    assert!(diff(&list.outline(), &list.outline()).is_empty(), "a list does not differ from itself");
    for entry in list.entries() {
        if let Some(certificate) = entry.certificate() {
            assert!(names::denotes(&entry.subject(), certificate.subject()), "{}", entry.subject());
        }
    }
    if let Ok(contents) = list.contents() {
        assert!(diff(&list.outline(), &contents.outline()).len() <= 1, "only the signer may be called otherwise");
        if let Ok(draft) = contents.to_be_signed() {
            assert!(draft.message().len() < 8 * data.len() + 4096);
            assert!(contents.fingerprint().is_ok());
        }
    }
    // One bit more or less, and no signature holds.
    if verified && let Some((last, before)) = data.split_last() {
        let other = [before, &[last ^ 1]].concat();
        assert!(List::parse(&other).and_then(|list| list.verify().map(drop)).is_err());
    }
});
