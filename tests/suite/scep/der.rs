//! A DER writer of the tests' own, so that ours is not judged by itself.

use const_oid::ObjectIdentifier;

/// One element around its parts.
pub fn t(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        n @ ..=0x7f => out.push(n as u8),
        n @ ..=0xff => out.extend([0x81, n as u8]),
        n => out.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend(content);
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    t(0x30, parts)
}

pub fn set(parts: &[&[u8]]) -> Vec<u8> {
    t(0x31, parts)
}

pub fn int(content: &[u8]) -> Vec<u8> {
    t(2, &[content])
}

pub fn octets(content: &[u8]) -> Vec<u8> {
    t(4, &[content])
}

pub fn printable(text: &str) -> Vec<u8> {
    t(0x13, &[text.as_bytes()])
}

pub fn utf8(text: &str) -> Vec<u8> {
    t(0x0c, &[text.as_bytes()])
}

pub fn oid(dotted: &str) -> Vec<u8> {
    t(6, &[ObjectIdentifier::new_unwrap(dotted).as_bytes()])
}

/// An AlgorithmIdentifier with NULL.
pub fn algorithm(dotted: &str) -> Vec<u8> {
    seq(&[&oid(dotted), &[5, 0]])
}

/// A BIT STRING without unused bits.
pub fn bits(content: &[u8]) -> Vec<u8> {
    t(3, &[&[0], content])
}

/// CN=`common_name`
pub fn name(common_name: &str) -> Vec<u8> {
    seq(&[&set(&[&seq(&[&oid("2.5.4.3"), &utf8(common_name)])])])
}

/// A ContentInfo.
pub fn content_info(content_type: &str, content: &[u8]) -> Vec<u8> {
    seq(&[&oid(content_type), &t(0xa0, &[content])])
}

/// The same bytes with every constructed element of indefinite length and, where the tag is OCTET STRING, in
/// pieces of at most `piece` bytes: the BER that jscep, Bouncy Castle and old macOS send. What is tagged
/// `kept` (signed attributes, certificates) stays as it is.
pub fn to_ber(der: &[u8], piece: usize, kept: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = der;
    while let Some(&tag) = rest.first() {
        let (header, length) = header(rest);
        let (whole, after) = rest.split_at(header + length);
        let content = &whole[header..];
        rest = after;
        if kept.contains(&tag) || (tag & 0x20 == 0 && tag != 4) {
            out.extend(whole);
        } else if tag == 4 {
            out.extend([0x24, 0x80]);
            content.chunks(piece).for_each(|chunk| out.extend(octets(chunk)));
            out.extend([0, 0]);
        } else {
            out.extend([tag, 0x80]);
            out.extend(to_ber(content, piece, kept));
            out.extend([0, 0]);
        }
    }
    out
}

/// The same bytes with every length written in four octets, also where one would do.
pub fn to_long_lengths(der: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = der;
    while let Some(&tag) = rest.first() {
        let (header, length) = header(rest);
        let (whole, after) = rest.split_at(header + length);
        rest = after;
        let inner =
            if tag & 0x20 == 0 { whole[header..].to_vec() } else { to_long_lengths(&whole[header..]) };
        out.extend([tag, 0x84]);
        out.extend((inner.len() as u32).to_be_bytes());
        out.extend(inner);
    }
    out
}

fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        n @ ..=0x7f => (2, usize::from(n)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
    }
}
