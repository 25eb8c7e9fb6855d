use super::*;

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[tag], &length[..], value].concat()
}

fn read(command: Command, body: &[u8]) -> Result<Question<'_>> {
    let length = u16::try_from(body.len()).unwrap();
    Question::read(&Header { command, session: 1, length }, body)
}

fn verify() -> Vec<u8> {
    [element(1, b"\x01CP-8845-SEP0123456789AB"), element(2, b"DER")].concat()
}

fn query() -> Vec<u8> {
    let names = [element(3, b"CN=a,O=b\0"), element(4, b"CN=c;O=d\0")].concat();
    [element(1, b"\x01SEP0123456789AB"), names, element(5, &[0, 0x8f, 1])].concat()
}

#[test]
fn a_question_says_who_asks_what() {
    let body = verify();
    let question = read(Command::VerifyRequest, &body).unwrap();
    let asker = question.asker();
    assert_eq!((asker.device(), asker.model()), ("SEP0123456789AB", Some("8845")));
    assert_eq!(question, Question::Verify { asker, certificate: b"DER" });
    let body = query();
    let question = read(Command::QueryRequest, &body).unwrap();
    let asker = question.asker();
    assert_eq!((asker.device(), asker.model()), ("SEP0123456789AB", None));
    assert_eq!(
        question,
        Question::Query { asker, subject: "CN=a,O=b", issuer: "CN=c;O=d", serial: &[0x8f, 1] }
    );
}

#[test]
fn a_9800_phone_and_a_gateway_are_named() {
    assert_eq!(Asker("DP-9841-SEP0123456789AB").device(), "SEP0123456789AB");
    assert_eq!(Asker("DP-9841-SEP0123456789AB").model(), Some("9841"));
    assert_eq!(Asker("VG-204-main.hall").device(), "VG-204-main.hall");
    assert_eq!(Asker("CP-8845").device(), "CP-8845");
}

/// TVS-06: cut anywhere but between elements it is malformed, and there an element is missing.
#[test]
fn a_question_cut_anywhere_is_refused() {
    for (command, body) in [(Command::VerifyRequest, verify()), (Command::QueryRequest, query())] {
        assert!(read(command, &body).is_ok());
        for cut in 0..body.len() {
            assert_eq!(read(command, &body[..cut]).unwrap_err().code(), "bad-tvs-message", "cut at {cut}");
        }
    }
}

/// TVS-10 to TVS-16.
#[test]
fn what_is_not_as_it_must_be_is_refused() {
    let with = |more: &[u8]| [&verify()[..], more].concat();
    assert!(
        read(Command::VerifyRequest, &with(&element(99, b"new"))).is_ok(),
        "what is not known is passed over"
    );
    assert!(read(Command::VerifyRequest, &with(&element(2, b"DER"))).is_err(), "two certificates");
    assert!(read(Command::VerifyRequest, &with(&element(1, b"\x01SEP1"))).is_err(), "two names");
    for name in
        [&b""[..], b"\x01", b"SEP1", b"\x02SEP1", b"\x01SEP1\0", b"\x01SEP 1", b"\x01../etc", b"\x01\xff"]
    {
        let body = [element(1, name), element(2, b"DER")].concat();
        assert!(read(Command::VerifyRequest, &body).is_err(), "{name:?}");
    }
    let long = [&[1], &[b'A'; 129][..]].concat();
    assert!(read(Command::VerifyRequest, &[element(1, &long), element(2, b"DER")].concat()).is_err());
    assert!(read(Command::VerifyRequest, &[element(1, b"\x01SEP1"), element(2, b"")].concat()).is_err());
    for subject in [&b"CN=a"[..], b"CN=a\0b\0", b"CN=\xff\0", b""] {
        let rest = [element(4, b"CN=c\0"), element(5, &[1])].concat();
        let body = [element(1, b"\x01SEP1"), element(3, subject), rest].concat();
        assert!(read(Command::QueryRequest, &body).is_err(), "{subject:?}");
    }
    for command in [Command::VerifyResponse, Command::QueryResponse] {
        assert!(read(command, &verify()).is_err(), "an answer is no question");
    }
}

#[test]
fn an_answer_is_written_as_the_page_says() {
    let (verify, query) = (verify(), query());
    let verify = read(Command::VerifyRequest, &verify).unwrap();
    let query = read(Command::QueryRequest, &query).unwrap();
    let no = Verdict::Invalid;
    assert_eq!(no.answer(&verify, 1).unwrap(), [0x57, 1, 2, 0, 0, 0, 0, 1, 0, 4, 7, 0, 1, 1]);
    assert_eq!(no.answer(&query, 1).unwrap(), [0x57, 1, 4, 0, 0, 0, 0, 1, 0, 4, 7, 0, 1, 1]);
    let yes = Verdict::Valid { certificate: b"DER", roles: &[Role::Sast, Role::Tvs], ttl: 86_400 };
    let tail = [8, 0, 2, 0, 21, 9, 0, 4, 0, 1, 0x51, 0x80];
    let expected = [&[0x57, 1, 2, 0, 0, 0, 0, 9, 0, 16, 7, 0, 1, 0][..], &tail].concat();
    assert_eq!(yes.answer(&verify, 9).unwrap(), expected);
    let expected = [&[0x57, 1, 4, 0, 0, 0, 0, 9, 0, 22, 7, 0, 1, 0, 2, 0, 3][..], b"DER", &tail].concat();
    assert_eq!(yes.answer(&query, 9).unwrap(), expected);
}

#[test]
fn a_serial_number_is_the_same_with_and_without_its_sign_byte() {
    assert_eq!(minimal(&[0, 0x8f]), [0x8f]);
    assert_eq!(minimal(&[0x8f]), [0x8f]);
    assert_eq!(minimal(&[0]), [0]);
}
