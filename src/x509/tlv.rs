//! Framing of DER: tag, length, content, with the received bytes kept (X.690 §8.1, §10.1).
//!
//! Values are read from slices without copying, so that what is signed stays exactly what was
//! received. One-octet tags and minimal definite lengths only.

use const_oid::ObjectIdentifier;

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// NumericString.
pub const NUMERIC_STRING: u8 = 0x12;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// TeletexString.
pub const TELETEX_STRING: u8 = 0x14;
/// IA5String.
pub const IA5_STRING: u8 = 0x16;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// VisibleString.
pub const VISIBLE_STRING: u8 = 0x1a;
/// UniversalString.
pub const UNIVERSAL_STRING: u8 = 0x1c;
/// BMPString.
pub const BMP_STRING: u8 = 0x1e;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// The DER is not what it should be; the caller says what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its identifier octet.
    pub tag: u8,
    /// Its content.
    pub content: &'a [u8],
    /// All of it, tag and length included.
    pub whole: &'a [u8],
}

/// Reads elements one after another.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over the elements in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element, if there is one.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, of any type.
    pub fn any(&mut self) -> Result<Tlv<'a>, Broken> {
        let (tag, header, length) = header(self.rest)?;
        let end = header.checked_add(length).ok_or(Broken)?;
        let whole = self.rest.get(..end).ok_or(Broken)?;
        self.rest = &self.rest[end..];
        Ok(Tlv { tag, content: &whole[header..], whole })
    }

    /// The next element, which must have `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, Broken> {
        if self.peek() == Some(tag) { self.any() } else { Err(Broken) }
    }

    /// The next element if it has `tag`.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Broken> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// A reader over the content of the next element, which must have `tag`.
    pub fn enter(&mut self, tag: u8) -> Result<Reader<'a>, Broken> {
        self.expect(tag).map(|t| Reader::new(t.content))
    }

    /// Fails if anything is left.
    pub fn finish(&self) -> Result<(), Broken> {
        if self.rest.is_empty() { Ok(()) } else { Err(Broken) }
    }
}

/// The single element that `bytes` consists of, which must have `tag`.
pub fn single(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, Broken> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.finish()?;
    Ok(element)
}

/// An element's (tag, header length, content length), from the beginning of `bytes`.
pub fn header(bytes: &[u8]) -> Result<(u8, usize, usize), Broken> {
    let (&tag, after) = bytes.split_first().ok_or(Broken)?;
    let (&first, after) = after.split_first().ok_or(Broken)?;
    if tag & 0x1f == 0x1f || first == 0x80 {
        return Err(Broken);
    }
    if first < 0x80 {
        return Ok((tag, 2, usize::from(first)));
    }
    let octets = usize::from(first & 0x7f);
    let length = after.get(..octets).filter(|_| octets <= 4).ok_or(Broken)?;
    let value = length.iter().fold(0usize, |n, &b| (n << 8) | usize::from(b));
    let minimal = value >= 0x80 && length[0] != 0;
    if minimal { Ok((tag, 2 + octets, value)) } else { Err(Broken) }
}

/// The content of an INTEGER, which must be minimal and not empty.
pub fn integer(element: Tlv<'_>) -> Result<&[u8], Broken> {
    match element.content {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(Broken),
        content if element.tag == INTEGER => Ok(content),
        _ => Err(Broken),
    }
}

/// The octets of a BIT STRING that has no unused bits.
pub fn bit_string(element: Tlv<'_>) -> Result<&[u8], Broken> {
    match element.content.split_first() {
        Some((0, bits)) if element.tag == BIT_STRING => Ok(bits),
        _ => Err(Broken),
    }
}

/// An OBJECT IDENTIFIER: minimal arcs below 2^32, at most 39 octets.
pub fn oid(element: Tlv<'_>) -> Result<ObjectIdentifier, Broken> {
    if element.tag != OID || !is_valid_oid(element.content) {
        return Err(Broken);
    }
    ObjectIdentifier::from_bytes(element.content).map_err(|_| Broken)
}

/// Whether these are the content octets of an OBJECT IDENTIFIER that we can hold.
pub fn is_valid_oid(content: &[u8]) -> bool {
    let mut at_start = true;
    for &octet in content {
        if at_start && octet == 0x80 {
            return false;
        }
        at_start = octet < 0x80;
    }
    at_start && ObjectIdentifier::from_bytes(content).is_ok()
}

/// One element with `tag` around `content`.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    push(&mut out, tag, content);
    out
}

/// One element with `tag` around the concatenation of `parts`.
pub fn join(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    push_header(&mut out, tag, length);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// Appends one element.
pub fn push(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    push_header(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Appends the tag and length of an element whose content follows.
pub fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
        return;
    }
    let octets = length.to_be_bytes();
    let skip = octets.iter().take_while(|b| **b == 0).count();
    out.push(0x80 | (octets.len() - skip) as u8);
    out.extend_from_slice(&octets[skip..]);
}

/// How many octets the tag and length of an element with `length` octets of content take.
pub fn header_len(length: usize) -> usize {
    let octets = (usize::BITS - length.leading_zeros()).div_ceil(8) as usize;
    if length < 0x80 { 2 } else { 2 + octets }
}

/// An INTEGER that is not negative.
pub fn unsigned(value: u64) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let skip = octets.iter().take_while(|b| **b == 0).count().min(7);
    let mut content = Vec::with_capacity(9);
    if octets[skip] >= 0x80 {
        content.push(0);
    }
    content.extend_from_slice(&octets[skip..]);
    tlv(INTEGER, &content)
}

/// An OBJECT IDENTIFIER.
pub fn object_identifier(oid: &ObjectIdentifier) -> Vec<u8> {
    tlv(OID, oid.as_bytes())
}

/// A BIT STRING without unused bits.
pub fn bits(content: &[u8]) -> Vec<u8> {
    join(BIT_STRING, &[&[0], content])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_alike() {
        for length in [0usize, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000] {
            let element = tlv(OCTET_STRING, &vec![7; length]);
            assert_eq!(element.len(), header_len(length) + length);
            assert_eq!(single(&element, OCTET_STRING).unwrap().content.len(), length);
        }
    }

    #[test]
    fn lengths_that_are_not_minimal_or_not_definite_are_broken() {
        for bytes in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x1f, 0x01, 0],
            &[4, 5, 1],
        ] {
            assert_eq!(Reader::new(bytes).any(), Err(Broken), "{bytes:02x?}");
        }
    }

    #[test]
    fn integers_and_oids_are_minimal() {
        assert!(integer(single(&[2, 2, 0, 0x7f], INTEGER).unwrap()).is_err());
        assert!(integer(single(&[2, 2, 0, 0x80], INTEGER).unwrap()).is_ok());
        assert_eq!(unsigned(0x80), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(0), [2, 1, 0]);
        assert!(!is_valid_oid(&[0x2a, 0x80, 0x01]));
        assert!(!is_valid_oid(&[0x2a, 0x81]));
        assert!(!is_valid_oid(&[]));
        assert!(is_valid_oid(&[0x2a, 0x86, 0x48]));
    }
}
