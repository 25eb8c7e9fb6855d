//! What a phone asks of the Trust Verification Service, and names as lists write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::trust::role::Role;
use signet::trust::tvs::frame::elements;
use signet::trust::tvs::name::is_name;
use signet::trust::tvs::{HEADER, Header, Question, Verdict};
use signet::x509::name::Name;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let name = Name::parse("C=DE,O=Acme\\, Inc.,CN=ITLRecovery").expect("a name");
        if is_name(text, &name) {
            assert!(text.contains("ITLRecovery"));
        }
    }
    let Some((head, rest)) = data.split_first_chunk::<HEADER>() else { return };
    let Ok(header) = Header::read(head) else { return };
    let Some(body) = rest.get(..usize::from(header.length)) else { return };
    let Ok(question) = Question::read(&header, body) else { return };
    assert!(!question.asker().device().is_empty());
    for verdict in [Verdict::Invalid, Verdict::Valid { certificate: body, roles: &[Role::Tvs], ttl: 1 }] {
        let answer = verdict.answer(&question, header.session).expect("an answer");
        let (head, body) = answer.split_first_chunk::<HEADER>().expect("a header");
        let read = Header::read(head);
        // What answers a long question may be longer than any question.
        assert!(read.is_err() || read.is_ok_and(|read| read.session == header.session));
        assert!(elements(body).is_ok_and(|elements| elements[0].tag == 7));
    }
});
