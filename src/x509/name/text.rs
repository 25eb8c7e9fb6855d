//! The text form of names (RFC 4514).

use std::fmt::{self, Write as _};

use super::unsafe_text::{push_hex, unsafe_character};
use super::{Attribute, attribute, bad, decode};
use crate::error::Result;
use crate::x509::tlv::Reader;

/// The longest text that is read, in octets.
const MAX_LEN: usize = 8 << 10;

/// Prints RDNs, the last first.
pub(super) fn print(rdns: &[Vec<Attribute>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, rdn) in rdns.iter().rev().enumerate() {
        if i > 0 {
            f.write_char(',')?;
        }
        for (j, attribute) in rdn.iter().enumerate() {
            if j > 0 {
                f.write_char('+')?;
            }
            write!(f, "{}={}", attribute::name_of(&attribute.oid), escape(&attribute.value))?;
        }
    }
    Ok(())
}

/// Reads RDNs in encoded order (the last of the text first).
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Attribute>>> {
    if text.len() > MAX_LEN {
        return Err(bad("the name is over 8 KiB"));
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut rdns = split(text, b',')
        .into_iter()
        .map(|rdn| split(rdn, b'+').into_iter().map(parse_attribute).collect())
        .collect::<Result<Vec<Vec<_>>>>()?;
    rdns.reverse();
    Ok(rdns)
}

fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', c]),
            '#' if i == 0 => out.push_str("\\#"),
            ' ' if i == 0 || i == last => out.push_str("\\ "),
            c if unsafe_character(c) => push_hex(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// Splits at a separator that no backslash stands before.
fn split(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (i, b) in text.bytes().enumerate() {
        if !escaped && b == separator {
            parts.push(&text[start..i]);
            start = i + 1;
        }
        escaped = !escaped && b == b'\\';
    }
    parts.push(&text[start..]);
    parts
}

fn parse_attribute(text: &str) -> Result<Attribute> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| bad("a name is written as CN=phone1,O=Acme: an attribute has no `=`"))?;
    let name = name.trim();
    let oid = attribute::by_name(name)
        .ok_or_else(|| bad(format!("unknown attribute {}", super::escape_line(&shorten(name)))))?;
    let value = trim(value);
    let value = match value.strip_prefix('#') {
        Some(hex) => hex_value(hex),
        None => unescape(value),
    };
    Ok(Attribute { oid, value: value.map_err(|e| bad(format!("{name}: {}", e.detail())))? })
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Without the white space around it; a space at the end that is escaped stays.
fn trim(value: &str) -> &str {
    let start = value.trim_start_matches(' ');
    let end = start.trim_end_matches(' ');
    let backslashes = end.bytes().rev().take_while(|b| *b == b'\\').count();
    let keep = usize::from(backslashes % 2 == 1 && end.len() < start.len());
    &start[..end.len() + keep]
}

fn unescape(value: &str) -> Result<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        rest = after;
        match b {
            b'\\' => rest = unescape_one(rest, &mut octets)?,
            b'"' | b'<' | b'>' | b';' => {
                return Err(bad(format!("`{}` must be escaped with a backslash", char::from(b))));
            }
            b => octets.push(b),
        }
    }
    String::from_utf8(octets).map_err(|_| bad("invalid UTF-8"))
}

/// Reads what follows a backslash: a special character or two hexadecimal digits.
fn unescape_one<'a>(rest: &'a [u8], octets: &mut Vec<u8>) -> Result<&'a [u8]> {
    match rest {
        [c, after @ ..] if b",+\"\\<>;=# ".contains(c) => {
            octets.push(*c);
            Ok(after)
        }
        [high, low, after @ ..] => {
            octets.push(hex_octet(*high, *low)?);
            Ok(after)
        }
        _ => Err(bad("a backslash at the end")),
    }
}

/// `#` and the hexadecimal BER of a string (RFC 4514 §2.4).
fn hex_value(hex: &str) -> Result<String> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad("an odd number of hexadecimal digits"));
    }
    let der = pairs.iter().map(|[high, low]| hex_octet(*high, *low)).collect::<Result<Vec<_>>>()?;
    let mut reader = Reader::new(&der);
    let element = reader.any().and_then(|e| reader.finish().map(|()| e));
    decode::string(element.map_err(|_| bad("not the DER of a string"))?)
}

fn hex_octet(high: u8, low: u8) -> Result<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    match (digit(high), digit(low)) {
        (Some(high), Some(low)) => Ok(high << 4 | low),
        _ => Err(bad("a backslash stands before two hexadecimal digits or a special character")),
    }
}
