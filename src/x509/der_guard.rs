//! A scan before anything from outside is parsed: size, depth and framing are bounded, so that no
//! parser behind it meets a nesting bomb (checklist G: depth 32).

use crate::x509::tlv;

/// How deep elements may be nested.
pub const MAX_DEPTH: usize = 32;

/// What the scan found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More octets than allowed.
    TooLarge,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Not one DER element, or elements that do not fill the one around them.
    Malformed,
    /// An OBJECT IDENTIFIER with an arc that is not minimal or over 32 bits, or over 39 octets (CSR-57).
    MalformedOid,
}

/// Scans one DER element of at most `max` octets without recursion. OBJECT IDENTIFIERs are checked too;
/// the contents of OCTET STRINGs and BIT STRINGs are not looked into.
pub fn scan(bytes: &[u8], max: usize) -> Result<(), Fault> {
    if bytes.len() > max {
        return Err(Fault::TooLarge);
    }
    let mut ends = [0usize; MAX_DEPTH];
    let mut depth = 0;
    let mut at = 0;
    loop {
        let (tag, header, length) = tlv::header(&bytes[at..]).map_err(|_| Fault::Malformed)?;
        let limit = if depth == 0 { bytes.len() } else { ends[depth - 1] };
        let start = at + header;
        let end = start.checked_add(length).filter(|end| *end <= limit).ok_or(Fault::Malformed)?;
        if tag & 0x20 != 0 {
            *ends.get_mut(depth).ok_or(Fault::TooDeep)? = end;
            depth += 1;
            at = start;
        } else {
            check_primitive(tag, &bytes[start..end])?;
            at = end;
        }
        while depth > 0 && at == ends[depth - 1] {
            depth -= 1;
        }
        if depth == 0 {
            return if at == bytes.len() { Ok(()) } else { Err(Fault::Malformed) };
        }
    }
}

fn check_primitive(tag: u8, content: &[u8]) -> Result<(), Fault> {
    if tag == tlv::OID && !tlv::is_valid_oid(content) { Err(Fault::MalformedOid) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inner, _| tlv::tlv(tlv::SEQUENCE, &inner))
    }

    #[test]
    fn depth_is_bounded_at_32() {
        assert_eq!(scan(&nested(32), 1000), Ok(()));
        assert_eq!(scan(&nested(33), 1000), Err(Fault::TooDeep));
        assert_eq!(scan(&nested(20_000), 1 << 20), Err(Fault::TooDeep));
    }

    #[test]
    fn size_and_framing_are_checked() {
        assert_eq!(scan(&[0x30, 0], 1), Err(Fault::TooLarge));
        assert_eq!(scan(&[0x30, 0, 0], 9), Err(Fault::Malformed));
        assert_eq!(scan(&[0x30, 2, 4, 1], 9), Err(Fault::Malformed));
        assert_eq!(scan(&[0x30, 3, 4, 2, 1, 1], 9), Err(Fault::Malformed));
        assert_eq!(scan(&[], 9), Err(Fault::Malformed));
        assert_eq!(scan(&[0x30, 3, 6, 1, 0x80], 9), Err(Fault::MalformedOid));
    }
}
