//! The ten bytes before every message, and the elements of its body.

use super::malformed;
use crate::error::Result;

/// How many bytes a header has.
pub const HEADER: usize = 10;
/// The longest body that is read: two names and a certificate of any size that is in use.
pub const MAX_BODY: usize = 16 * 1024;
/// More elements than this no question has.
const MAX_ELEMENTS: usize = 16;
const PROTOCOL: u8 = 0x57;
const VERSION: u8 = 0x01;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Whether a certificate may be trusted.
    VerifyRequest,
    /// Its answer.
    VerifyResponse,
    /// Which certificate has these names and this serial number.
    QueryRequest,
    /// Its answer.
    QueryResponse,
}

impl Command {
    fn code(self) -> u8 {
        match self {
            Self::VerifyRequest => 1,
            Self::VerifyResponse => 2,
            Self::QueryRequest => 3,
            Self::QueryResponse => 4,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        [Self::VerifyRequest, Self::VerifyResponse, Self::QueryRequest, Self::QueryResponse]
            .into_iter()
            .find(|command| command.code() == code)
    }
}

/// The first bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub command: Command,
    /// Chosen by who asks, and echoed.
    pub session: u32,
    /// How long the body is, at most [`MAX_BODY`].
    pub length: u16,
}

impl Header {
    /// Reads a header. Errors: `bad-tvs-message`.
    pub fn read(bytes: &[u8; HEADER]) -> Result<Self> {
        let &[protocol, version, command, zero, s0, s1, s2, s3, l0, l1] = bytes;
        if protocol != PROTOCOL {
            return Err(malformed("the first byte is not 0x57"));
        }
        if version != VERSION {
            return Err(malformed("the version is not 1"));
        }
        let command = Command::of_code(command).ok_or_else(|| malformed("no command has this number"))?;
        if zero != 0 {
            return Err(malformed("the fourth byte is not 0"));
        }
        let length = u16::from_be_bytes([l0, l1]);
        if usize::from(length) > MAX_BODY {
            return Err(malformed("the body is longer than 16 KiB"));
        }
        Ok(Self { command, session: u32::from_be_bytes([s0, s1, s2, s3]), length })
    }

    fn write(&self) -> [u8; HEADER] {
        let ([s0, s1, s2, s3], [l0, l1]) = (self.session.to_be_bytes(), self.length.to_be_bytes());
        [PROTOCOL, VERSION, self.command.code(), 0, s0, s1, s2, s3, l0, l1]
    }
}

/// Elements of a body: `tag:u8 length:u16 value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// What it is.
    pub tag: u8,
    /// What it says.
    pub value: &'a [u8],
}

/// Reads the elements of a body, which they fill. Errors: `bad-tvs-message`.
pub fn elements(mut body: &[u8]) -> Result<Vec<Element<'_>>> {
    let mut found = Vec::with_capacity(4);
    while let Some((&tag, rest)) = body.split_first() {
        let (length, rest) =
            rest.split_first_chunk().ok_or_else(|| malformed("an element breaks off before its length"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| malformed("an element is longer than what is left of the body"))?;
        if found.len() == MAX_ELEMENTS {
            return Err(malformed("more than 16 elements"));
        }
        found.push(Element { tag, value });
        body = rest;
    }
    Ok(found)
}

/// Writes a message. Errors: `bad-tvs-message` if an element or all of them are longer than their length can say.
pub fn message(command: Command, session: u32, elements: &[Element<'_>]) -> Result<Vec<u8>> {
    let body: usize = elements.iter().map(|element| 3 + element.value.len()).sum();
    let length = u16::try_from(body).map_err(|_| malformed("the body is longer than 65,535 bytes"))?;
    let mut bytes = Vec::with_capacity(HEADER + body);
    bytes.extend(Header { command, session, length }.write());
    for Element { tag, value } in elements {
        // No longer than the whole body.
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        bytes.push(*tag);
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(value);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [u8; HEADER] = [0x57, 1, 1, 0, 0xDE, 0xAD, 0xBE, 0xEF, 0, 5];

    #[test]
    fn a_header_is_read_as_it_is_written() {
        let header = Header::read(&GOOD).unwrap();
        let as_said = Header { command: Command::VerifyRequest, session: 0xDEAD_BEEF, length: 5 };
        assert_eq!(header, as_said);
        assert_eq!(header.write(), GOOD);
    }

    /// TVS-01 to TVS-05.
    #[test]
    fn a_header_with_another_byte_is_refused() {
        for (place, value) in [(0, 0x58), (1, 2), (2, 0), (2, 5), (3, 1), (8, 0x41)] {
            let mut bad = GOOD;
            bad[place] = value;
            assert_eq!(Header::read(&bad).unwrap_err().code(), "bad-tvs-message", "{place} {value}");
        }
    }

    /// TVS-07, TVS-08, TVS-09.
    #[test]
    fn elements_fill_the_body_or_are_refused() {
        let body = [1, 0, 2, b'a', b'b', 2, 0, 0];
        let read = elements(&body).unwrap();
        assert_eq!(read, [Element { tag: 1, value: b"ab" }, Element { tag: 2, value: b"" }]);
        for cut in (1..body.len()).filter(|cut| *cut != 5) {
            assert!(elements(&body[..cut]).is_err(), "cut at {cut}");
        }
        assert!(elements(&[1, 0xff, 0xff, 0]).is_err());
        assert!(elements(&[9, 0, 0].repeat(16)).is_ok());
        assert!(elements(&[9, 0, 0].repeat(17)).is_err());
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let long = vec![0; 65_533];
        assert!(message(Command::QueryResponse, 1, &[Element { tag: 2, value: &long }]).is_err());
        assert_eq!(message(Command::VerifyRequest, 7, &[]).unwrap(), [0x57, 1, 1, 0, 0, 0, 0, 7, 0, 0]);
    }
}
