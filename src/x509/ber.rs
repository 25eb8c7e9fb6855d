//! Lenient BER to strict DER framing, in one bounded pass (X.690 §8.1, §10.1, §10.2).
//!
//! Field clients send indefinite lengths, constructed OCTET STRINGs and lengths that are longer than
//! they need be. All of that becomes definite, primitive and minimal; the order of elements and every
//! primitive value stay as they were received, so that what was signed as DER is still what was signed.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::x509::tlv;

/// How deep elements may stand inside each other (checklist G).
pub const MAX_DEPTH: usize = 32;

const CONSTRUCTED: u8 = 0x20;
const CONSTRUCTED_OCTET_STRING: u8 = tlv::OCTET_STRING | CONSTRUCTED;

/// Reads exactly one BER element of at most `max` bytes and returns it as DER; what is DER already is
/// returned as it is. Errors: `bad-ber` (also for `trailing data` and `ASN.1 nesting limit`).
pub fn to_der(input: &[u8], max: usize) -> Result<Cow<'_, [u8]>> {
    if input.len() > max {
        return Err(Error::new(crate::error::Kind::TooLarge, "bad-ber", format!("over {max} bytes")));
    }
    Normaliser { input, at: 0, open: Vec::with_capacity(16) }.run()
}

/// A constructed element whose content is being read.
struct Open {
    tag: u8,
    /// Where its identifier octet stands in the input.
    start: usize,
    /// Where its content ends; none while its length is indefinite.
    end: Option<usize>,
    /// Where the part of the input begins that is not yet in `content`.
    copied: usize,
    /// The content as DER, up to `copied`. Empty while nothing had to change.
    content: Vec<u8>,
    changed: bool,
}

struct Normaliser<'a> {
    input: &'a [u8],
    at: usize,
    open: Vec<Open>,
}

struct Header {
    tag: u8,
    /// None: indefinite.
    length: Option<usize>,
    minimal: bool,
}

impl<'a> Normaliser<'a> {
    fn run(mut self) -> Result<Cow<'a, [u8]>> {
        loop {
            if let Some(done) = self.step()? {
                if self.at != self.input.len() {
                    return Err(bad("trailing data"));
                }
                return Ok(done);
            }
        }
    }

    /// Reads one header or closes one element; returns the whole when the outermost is closed.
    fn step(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        if self.open.last().is_some_and(|open| open.end == Some(self.at)) {
            return self.close(self.at);
        }
        if self.open.last().is_some_and(|open| open.end.is_none())
            && self.input[self.at..].starts_with(&[0, 0])
        {
            let end = self.at;
            self.at += 2;
            return self.close(end);
        }
        let start = self.at;
        let header = self.header()?;
        let end = match header.length {
            Some(length) => Some(self.content_end(length)?),
            None if header.tag & CONSTRUCTED == 0 => return Err(bad("a primitive element without a length")),
            None => None,
        };
        if header.tag & CONSTRUCTED == 0 {
            return self.primitive(start, &header, end.unwrap_or(self.at));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(bad("ASN.1 nesting limit"));
        }
        let changed = !header.minimal || header.length.is_none() || header.tag == CONSTRUCTED_OCTET_STRING;
        self.open.push(Open { tag: header.tag, start, end, copied: self.at, content: Vec::new(), changed });
        Ok(None)
    }

    fn primitive(&mut self, start: usize, header: &Header, end: usize) -> Result<Option<Cow<'a, [u8]>>> {
        if header.tag == 0 {
            return Err(bad("an end of contents where no length is indefinite"));
        }
        let content = &self.input[self.at..end];
        self.at = end;
        let der = (!header.minimal).then(|| tlv::tlv(header.tag, content));
        self.deliver(header.tag, start, content, der)
    }

    /// Closes the innermost element, whose content ends before `end`.
    fn close(&mut self, end: usize) -> Result<Option<Cow<'a, [u8]>>> {
        let Some(mut open) = self.open.pop() else { return Err(bad("unbalanced end of contents")) };
        if !open.changed {
            return self.deliver(open.tag, open.start, &[], None);
        }
        open.content.extend_from_slice(&self.input[open.copied..end]);
        let tag = if open.tag == CONSTRUCTED_OCTET_STRING { tlv::OCTET_STRING } else { open.tag };
        let der = tlv::tlv(tag, &open.content);
        self.deliver(tag, open.start, &open.content, Some(der))
    }

    /// Hands a finished element, which stands in the input from `start` to `self.at`, to the one around it;
    /// `der` is given if it had to change.
    fn deliver(
        &mut self,
        tag: u8,
        start: usize,
        content: &[u8],
        der: Option<Vec<u8>>,
    ) -> Result<Option<Cow<'a, [u8]>>> {
        let (input, at) = (self.input, self.at);
        let Some(parent) = self.open.last_mut() else {
            return Ok(Some(der.map_or(Cow::Borrowed(&input[start..at]), Cow::Owned)));
        };
        if parent.tag == CONSTRUCTED_OCTET_STRING {
            if tag != tlv::OCTET_STRING {
                return Err(bad("a constructed OCTET STRING holds OCTET STRINGs only"));
            }
            parent.content.extend_from_slice(content);
            parent.copied = at;
        } else if let Some(der) = der {
            parent.content.extend_from_slice(&input[parent.copied..start]);
            parent.content.extend_from_slice(&der);
            parent.copied = at;
            parent.changed = true;
        }
        Ok(None)
    }

    fn header(&mut self) -> Result<Header> {
        let tag = self.octet()?;
        if tag & 0x1f == 0x1f {
            return Err(bad("a tag number over 30"));
        }
        let first = self.octet()?;
        if first < 0x80 {
            return Ok(Header { tag, length: Some(usize::from(first)), minimal: true });
        }
        if first == 0x80 {
            return Ok(Header { tag, length: None, minimal: false });
        }
        let (mut length, mut leading_zero) = (0usize, false);
        for place in 0..first & 0x7f {
            let octet = self.octet()?;
            leading_zero |= place == 0 && octet == 0;
            length = length.checked_mul(256).ok_or_else(truncated)? | usize::from(octet);
        }
        Ok(Header { tag, length: Some(length), minimal: length >= 0x80 && !leading_zero })
    }

    fn octet(&mut self) -> Result<u8> {
        let limit = self.limit();
        let octet = self.input[..limit].get(self.at).copied().ok_or_else(truncated)?;
        self.at += 1;
        Ok(octet)
    }

    fn content_end(&self, length: usize) -> Result<usize> {
        self.at.checked_add(length).filter(|end| *end <= self.limit()).ok_or_else(truncated)
    }

    /// Where the innermost definite length ends.
    fn limit(&self) -> usize {
        self.open.iter().rev().find_map(|open| open.end).unwrap_or(self.input.len())
    }
}

fn truncated() -> Error {
    bad("truncated or inconsistent lengths")
}

fn bad(detail: &str) -> Error {
    Error::malformed("bad-ber", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(input: &[u8]) -> Result<Vec<u8>> {
        to_der(input, 65_536).map(Cow::into_owned)
    }

    fn detail(input: &[u8]) -> String {
        read(input).unwrap_err().detail().to_owned()
    }

    /// `depth` sequences inside each other, in either form of length.
    fn nested(depth: usize, indefinite: bool) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inner, _| {
            if indefinite { [&[0x30, 0x80], &inner[..], &[0, 0]].concat() } else { tlv::tlv(0x30, &inner) }
        })
    }

    #[test]
    fn der_is_returned_without_a_copy() {
        let der = [0x30, 0x06, 0x02, 0x01, 0x05, 0x04, 0x01, 0xaa];
        assert!(matches!(to_der(&der, 64).unwrap(), Cow::Borrowed(b) if b == der));
    }

    #[test]
    fn indefinite_lengths_become_definite() {
        let ber =
            [0x30, 0x80, 0x02, 0x01, 0x05, 0x30, 0x80, 0x05, 0x00, 0x00, 0x00, 0x02, 0x01, 0x06, 0x00, 0x00];
        assert_eq!(
            read(&ber).unwrap(),
            [0x30, 0x0a, 0x02, 0x01, 0x05, 0x30, 0x02, 0x05, 0x00, 0x02, 0x01, 0x06]
        );
    }

    #[test]
    fn constructed_octet_strings_become_primitive_however_they_nest() {
        let ber = [
            0x30, 0x80, 0x24, 0x80, 0x04, 0x02, 1, 2, 0x24, 0x04, 0x04, 0x02, 3, 4, 0x04, 0x00, 0x00, 0x00,
            0x05, 0x00, 0x00, 0x00,
        ];
        assert_eq!(read(&ber).unwrap(), [0x30, 0x08, 0x04, 0x04, 1, 2, 3, 4, 0x05, 0x00]);
        assert!(detail(&[0x24, 0x03, 0x02, 0x01, 0x05]).contains("OCTET STRINGs only"));
    }

    #[test]
    fn lengths_longer_than_needed_become_minimal() {
        assert_eq!(read(&[0x30, 0x82, 0, 5, 0x04, 0x83, 0, 0, 0]).unwrap(), [0x30, 0x02, 0x04, 0x00]);
    }

    #[test]
    fn what_need_not_change_inside_a_changed_element_stays_byte_for_byte() {
        let signed = [0x31, 0x06, 0x02, 0x01, 0x09, 0x02, 0x01, 0x01];
        let ber = [&[0x30, 0x80, 0xa0, 0x80][..], &signed, &[0, 0], &signed, &[0, 0]].concat();
        let der = read(&ber).unwrap();
        assert_eq!(der, [&[0x30, 0x12, 0xa0, 0x08][..], &signed, &signed].concat());
    }

    /// SCEP-05, SCEP-07
    #[test]
    fn broken_framing_is_refused_with_the_reason() {
        assert_eq!(detail(&[0x30, 0x00, 0x00]), "trailing data");
        assert_eq!(detail(&[0x30, 0x80, 0, 0, 7]), "trailing data");
        assert!(detail(&[0x30, 0x80, 0x05, 0x00]).contains("truncated"));
        assert!(detail(&[0x04, 0x80, 0x00, 0x00]).contains("primitive"));
        assert!(detail(&[0x30, 0x02, 0x00, 0x00]).contains("end of contents"));
        assert!(detail(&[0x30, 0x03, 0x04, 0x05, 1]).contains("truncated"));
        assert!(detail(&[0x30, 0x8f, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]).contains("truncated"));
        assert!(read(&[]).is_err());
        assert_eq!(to_der(&[0x30, 0x00], 1).unwrap_err().kind(), crate::error::Kind::TooLarge);
    }

    /// SCEP-08
    #[test]
    fn depth_32_is_read_and_33_is_refused() {
        for indefinite in [false, true] {
            assert!(read(&nested(32, indefinite)).is_ok());
            assert_eq!(detail(&nested(33, indefinite)), "ASN.1 nesting limit");
            assert_eq!(detail(&nested(15_000, indefinite)), "ASN.1 nesting limit");
        }
        let strings = [0x24, 0x80].repeat(33);
        assert_eq!(detail(&strings), "ASN.1 nesting limit");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_the_result_is_der(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(der) = read(&bytes) {
                prop_assert!(matches!(to_der(&der, 65_536).unwrap(), Cow::Borrowed(_)));
            }
        }
    }
}
