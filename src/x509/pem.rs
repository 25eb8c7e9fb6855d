//! PEM (RFC 7468) and the certs-only PKCS#7 (RFC 2315, degenerate SignedData).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::x509::tlv;

/// The most PEM text that is read, in octets.
const MAX_TEXT: usize = 16 << 20;
/// The longest label that is read.
const MAX_LABEL: usize = 64;

/// The octets in a line of 64 characters.
const LINE: usize = 48;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One PEM block, lines of 64, ending in a newline.
pub fn encode(label: &str, der: &[u8]) -> String {
    let lines = der.len().div_ceil(LINE);
    let mut out = String::with_capacity(lines * 65 + 2 * label.len() + 48);
    [BEGIN, label, DASHES, "\n"].iter().for_each(|part| out.push_str(part));
    for line in der.chunks(LINE) {
        STANDARD.encode_string(line, &mut out);
        out.push('\n');
    }
    [END, label, DASHES, "\n"].iter().for_each(|part| out.push_str(part));
    out
}

/// All blocks of a PEM text as (label, DER), in order; text between them is skipped.
/// Errors: `bad-pem` for a broken block or more than `max` of them.
pub fn decode_all(text: &[u8], max: usize) -> Result<Vec<(String, Vec<u8>)>> {
    if text.len() > MAX_TEXT {
        return Err(bad("the text is over 16 MiB"));
    }
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim);
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix(BEGIN).and_then(|l| l.strip_suffix(DASHES)) else { continue };
        if blocks.len() == max {
            return Err(bad(format!("more than {max} blocks")));
        }
        if label.len() > MAX_LABEL {
            return Err(bad("the label of a block is too long"));
        }
        blocks.push((label.to_owned(), block(label, &mut lines)?));
    }
    Ok(blocks)
}

/// Base64 text without armour, white space ignored. Errors: `bad-pem`.
pub fn decode_base64(text: &[u8]) -> Result<Vec<u8>> {
    if !text.iter().any(u8::is_ascii_whitespace) {
        return STANDARD.decode(text).map_err(|_| bad("not base64"));
    }
    let packed: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(&packed).map_err(|_| bad("not base64"))
}

/// A degenerate SignedData (ContentInfo, DER) that holds these certificates in the given order.
pub fn pkcs7_certs_only(certificates: &[&[u8]]) -> Result<Vec<u8>> {
    let signed_data = tlv::object_identifier(&const_oid::db::rfc5911::ID_SIGNED_DATA);
    let data = tlv::object_identifier(&const_oid::db::rfc5911::ID_DATA);
    let inner = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::unsigned(1),
            &tlv::tlv(tlv::SET, &[]),
            &tlv::tlv(tlv::SEQUENCE, &data),
            &tlv::join(0xa0, certificates),
            &tlv::tlv(tlv::SET, &[]),
        ],
    );
    Ok(tlv::join(tlv::SEQUENCE, &[&signed_data, &tlv::tlv(0xa0, &inner)]))
}

fn block<'a>(label: &str, lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut body = String::with_capacity(1024);
    for line in lines {
        if let Some(end) = line.strip_prefix(END).and_then(|l| l.strip_suffix(DASHES)) {
            if end != label {
                return Err(bad("the BEGIN and END lines of a block differ"));
            }
            return decode_base64(body.as_bytes()).map_err(|_| bad("a block is not base64"));
        }
        if line.starts_with(BEGIN) {
            break;
        }
        body.push_str(line);
    }
    Err(bad("a block has no END line"))
}

fn bad(detail: impl Into<String>) -> Error {
    Error::malformed("bad-pem", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_written_in_lines_of_64_and_read_back() {
        for length in [0, 1, 47, 48, 49, 1000] {
            let der = vec![0xa5; length];
            let text = format!("subject=x\n{}junk\n{}", encode("A", &der), encode("B C", &der));
            assert!(text.lines().all(|l| l.len() <= 64));
            let read = decode_all(text.replace('\n', "\r\n").as_bytes(), 2).unwrap();
            assert_eq!(read, [("A".to_owned(), der.clone()), ("B C".to_owned(), der)]);
        }
    }

    #[test]
    fn broken_blocks_are_refused_with_the_reason() {
        let detail = |text: &str| decode_all(text.as_bytes(), 1).unwrap_err().detail().to_owned();
        assert!(detail("-----BEGIN A-----\nAAAA\n").contains("no END"));
        assert!(detail("-----BEGIN A-----\nAAAA\n-----END B-----\n").contains("differ"));
        assert!(detail("-----BEGIN A-----\nA*AA\n-----END A-----\n").contains("base64"));
        let two = encode("A", b"x").repeat(2);
        assert!(detail(&two).contains("more than 1"));
    }
}
