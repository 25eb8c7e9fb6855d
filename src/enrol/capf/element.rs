//! The elements of a body: tag, length, value, in any order; tags that are not known are skipped.

use crate::enrol::capf::frame::malformed;
use crate::error::{Error, Result};

mod device_name;
pub(super) mod value;

pub use device_name::SentName;
pub use value::CertificateType;

/// The most elements in a message.
pub const MAX_ELEMENTS: usize = 64;
/// The highest tag that has a name.
const LAST_TAG: usize = 20;

/// The elements that are read or written. 2, 5, 12 and 19 are known by name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Tag {
    Reason = 1,
    ReasonInfo = 2,
    CertificateType = 3,
    Certificate = 4,
    SignedData = 6,
    Version = 7,
    AuthType = 8,
    PublicKey = 9,
    KeySize = 10,
    Password = 11,
    DeviceName = 13,
    SudiData = 16,
    KeyType = 17,
    Curve = 18,
    DigestType = 19,
    Sha2SignedData = 20,
}

/// The exact length of the elements that have one.
fn exact_len(tag: u8) -> Option<usize> {
    match tag {
        1 | 3 | 7 | 8 | 17 | 18 | 19 => Some(1),
        10 => Some(2),
        _ => None,
    }
}

/// The elements of one body, each at most once.
#[derive(Debug)]
pub struct Elements<'a> {
    values: [Option<&'a [u8]>; LAST_TAG + 1],
}

impl<'a> Elements<'a> {
    /// Reads a body. Errors: `capf-message` with "element exceeds message" (CAPF-15), "bad element length" (CAPF-16,
    /// -17), "duplicate element" (CAPF-19), "too many elements" (CAPF-20).
    pub fn read(body: &'a [u8]) -> Result<Self> {
        let (mut values, mut rest, mut count) = ([None; LAST_TAG + 1], body, 0);
        while let Some((tag, value, after)) = next(rest)? {
            count += 1;
            if count > MAX_ELEMENTS {
                return Err(malformed("too many elements"));
            }
            keep(&mut values, tag, value)?;
            rest = after;
        }
        Ok(Self { values })
    }

    /// The value of an element. None if it is not there.
    pub fn find(&self, tag: Tag) -> Option<&'a [u8]> {
        self.values.get(usize::from(tag as u8)).copied().flatten()
    }

    /// The value of an element of one octet. None if it is not there.
    pub fn octet(&self, tag: Tag) -> Option<u8> {
        self.find(tag).and_then(|value| value.first()).copied()
    }

    /// As [`Elements::octet`]. Errors: `capf-message` "missing element".
    pub fn required_octet(&self, tag: Tag) -> Result<u8> {
        self.octet(tag).ok_or_else(missing)
    }

    /// Whether none of the elements that have a name is there.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

/// What is said of a message without an element that it needs.
pub(super) fn missing() -> Error {
    malformed("missing element")
}

/// What is said of a value that is too short or too long.
pub(super) fn bad_length() -> Error {
    malformed("bad element length")
}

type Next<'a> = (u8, &'a [u8], &'a [u8]);

fn next(rest: &[u8]) -> Result<Option<Next<'_>>> {
    let (tag, length, after) = match rest {
        [] => return Ok(None),
        [tag, high, low, after @ ..] => (*tag, u16::from_be_bytes([*high, *low]), after),
        _ => return Err(malformed("element exceeds message")),
    };
    match after.split_at_checked(usize::from(length)) {
        Some((value, after)) => Ok(Some((tag, value, after))),
        None => Err(malformed("element exceeds message")),
    }
}

fn keep<'a>(values: &mut [Option<&'a [u8]>; LAST_TAG + 1], tag: u8, value: &'a [u8]) -> Result<()> {
    let Some(place) = values.get_mut(usize::from(tag)).filter(|_| tag != 0) else {
        return Ok(());
    };
    if exact_len(tag).is_some_and(|exact| value.len() != exact) {
        return Err(bad_length());
    }
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed("duplicate element")),
    }
}

/// Writes the elements of a body, in the order of their tags.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An element of one octet.
    #[must_use]
    pub fn octet(mut self, tag: Tag, value: u8) -> Self {
        self.0.extend([tag as u8, 0, 1, value]);
        self
    }

    /// An element of two octets.
    #[must_use]
    pub fn number(mut self, tag: Tag, value: u16) -> Self {
        self.0.extend([tag as u8, 0, 2]);
        self.0.extend(value.to_be_bytes());
        self
    }

    /// An element with a certificate (DER) of a type. Errors: `internal` if it is too long for its length.
    pub fn certificate(mut self, kind: CertificateType, der: &[u8]) -> Result<Self> {
        let too_long = |_| Error::internal("a certificate is too long for a CAPF message");
        let inner = u16::try_from(der.len() + 2).map_err(too_long)?;
        let outer = u16::try_from(der.len() + 5).map_err(too_long)?;
        self.0.push(Tag::Certificate as u8);
        self.0.extend(outer.to_be_bytes());
        self.0.push(1);
        self.0.extend(inner.to_be_bytes());
        self.0.extend([0, kind as u8]);
        self.0.extend(der);
        Ok(self)
    }

    /// The body.
    pub fn into_body(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        Elements::read(body).unwrap_err().detail().to_owned()
    }

    #[test]
    fn elements_are_read_in_any_order_and_unknown_ones_skipped() {
        let body = [13, 0, 2, b'X', 0, 99, 0, 1, 7, 0, 0, 0, 7, 0, 1, 3, 1, 0, 1, 1, 99, 0, 0];
        let elements = Elements::read(&body).unwrap();
        assert_eq!(elements.find(Tag::DeviceName), Some(&b"X\0"[..]));
        assert_eq!((elements.octet(Tag::Version), elements.octet(Tag::Reason)), (Some(3), Some(1)));
        assert_eq!(elements.find(Tag::Password), None);
        assert!(!elements.is_empty() && Elements::read(&[99, 0, 0]).unwrap().is_empty());
    }

    #[test]
    fn capf_15_an_element_longer_than_the_message_is_refused() {
        for body in [&[13, 0, 3, b'X', 0][..], &[1, 0xff, 0xff], &[1, 0], &[1], &[1, 0, 1, 1, 7, 0]] {
            assert_eq!(refusal(body), "element exceeds message", "{body:?}");
        }
    }

    #[test]
    fn capf_16_one_octet_elements_without_an_octet_are_refused() {
        for tag in [1, 3, 7, 8, 17, 18, 19, 10] {
            assert_eq!(refusal(&[tag, 0, 0]), "bad element length", "{tag}");
        }
    }

    #[test]
    fn capf_17_fixed_elements_of_any_other_length_are_refused() {
        for (tag, lengths) in [(7, [2, 3, 255, 4000]), (10, [1, 3, 256, 5000])] {
            for length in lengths {
                let mut body = vec![tag];
                body.extend(u16::try_from(length).unwrap().to_be_bytes());
                body.extend(vec![3; length]);
                assert_eq!(refusal(&body), "bad element length", "{tag} {length}");
            }
        }
    }

    #[test]
    fn capf_19_an_element_that_comes_twice_is_refused() {
        assert_eq!(refusal(&[13, 0, 1, 0, 13, 0, 1, 0]), "duplicate element");
        assert_eq!(refusal(&[11, 0, 1, 0, 1, 0, 1, 1, 11, 0, 1, 0]), "duplicate element");
    }

    #[test]
    fn capf_20_thousands_of_elements_are_refused() {
        assert_eq!(refusal(&[99, 0, 0].repeat(5000)), "too many elements");
        Elements::read(&[99, 0, 0].repeat(MAX_ELEMENTS)).unwrap();
        assert_eq!(refusal(&[99, 0, 0].repeat(MAX_ELEMENTS + 1)), "too many elements");
    }

    #[test]
    fn a_certificate_is_written_with_both_lengths() {
        let body = Writer::default().certificate(CertificateType::Lsc, &[0x30, 0]).unwrap().into_body();
        assert_eq!(body, [4, 0, 7, 1, 0, 4, 0, 1, 0x30, 0]);
        assert!(Writer::default().certificate(CertificateType::Lsc, &vec![0; 65_531]).is_err());
    }
}
