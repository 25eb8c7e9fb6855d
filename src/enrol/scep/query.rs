//! The query of a SCEP request, with the quirks of field clients.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::{Error, Result};

/// Padding may be missing, and the last character's spare bits may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// GetCACaps
    Capabilities,
    /// GetCACert
    CaCertificates,
    /// GetNextCACert
    NextCaCertificates,
    /// PKIOperation
    Pki,
}

/// The two parameters, read once.
#[derive(Debug)]
pub struct Query {
    /// What is asked for.
    pub operation: Operation,
    message: Option<String>,
}

impl Query {
    /// Reads a query string. Errors: `scep-query` for an unknown, missing or repeated operation (SCEP-72).
    pub fn read(query: &str) -> Result<Self> {
        let (mut operation, mut message) = (None, None);
        for (name, value) in query.split('&').map(|p| p.split_once('=').unwrap_or((p, ""))) {
            let seen = match percent_decode(name).to_ascii_lowercase().as_slice() {
                b"operation" => operation.replace(value),
                b"message" => message.replace(value),
                _ => None,
            };
            if seen.is_some() {
                return Err(bad("a parameter stands twice: unknown operation"));
            }
        }
        let operation = self::operation(operation.ok_or_else(|| bad("operation missing"))?)?;
        Ok(Self { operation, message: message.map(str::to_owned) })
    }

    /// The message of a GET. Errors: `scep-query`.
    pub fn message(&self) -> Result<Vec<u8>> {
        let text = self.message.as_deref().filter(|m| !m.is_empty()).ok_or_else(|| bad("message missing"))?;
        let mut base64 = percent_decode(text);
        base64.retain(|b| !matches!(b, b'\r' | b'\n' | b'\t'));
        // A space is a plus that was decoded once too often.
        base64.iter_mut().filter(|b| **b == b' ').for_each(|b| *b = b'+');
        LENIENT.decode(&base64).map_err(|_| bad("message is not base64"))
    }
}

fn operation(value: &str) -> Result<Operation> {
    match percent_decode(value).to_ascii_lowercase().as_slice() {
        b"getcacaps" => Ok(Operation::Capabilities),
        b"getcacert" => Ok(Operation::CaCertificates),
        b"getnextcacert" => Ok(Operation::NextCaCertificates),
        b"pkioperation" => Ok(Operation::Pki),
        _ => Err(bad("unknown operation")),
    }
}

/// `%XX` becomes a byte, everything else stays, also a `+` and a broken escape.
fn percent_decode(text: &str) -> Vec<u8> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let decoded = escaped.and_then(|hex| std::str::from_utf8(hex).ok()).filter(|hex| !hex.contains('+'));
        match decoded.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn bad(detail: &str) -> Error {
    Error::malformed("scep-query", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Vec<u8> {
        Query::read(&format!("operation=PKIOperation&message={text}")).unwrap().message().unwrap()
    }

    #[test]
    fn every_way_to_write_a_message_is_read() {
        let bytes = [0xfb, 0xff, 0xfe, 0xfb, 0xef, 0xbe, 0x01];
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(base64.contains('+') && base64.contains('/') && base64.ends_with("=="));
        let escaped = base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
        let (first, last) = base64.split_at(4);
        for text in [
            base64.clone(),
            escaped,
            base64.trim_end_matches('=').to_owned(),
            base64.replace('+', " "),
            base64.replace('+', "%20"),
            format!("{first}%0A{last}%0D%0A"),
        ] {
            assert_eq!(message(&text), bytes, "{text}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_message_is_ignored_where_it_means_nothing() {
        for text in
            ["operation=GetCACert&message=../../x", "Operation=getcacert", "message=&operation=GetCACert"]
        {
            assert_eq!(Query::read(text).unwrap().operation, Operation::CaCertificates, "{text}");
        }
    }

    /// SCEP-72
    #[test]
    fn an_operation_is_known_and_stands_there_once() {
        let detail = |text: &str| Query::read(text).unwrap_err().detail().to_owned();
        assert_eq!(detail("operation=../../etc"), "unknown operation");
        assert_eq!(detail("operation=UpdateReq"), "unknown operation");
        assert!(detail("operation=GetCACert&operation=GetCACert").contains("unknown operation"));
        assert_eq!(detail(""), "operation missing");
        assert_eq!(detail("operation"), "unknown operation");
        let read = |text: &str| Query::read(text).unwrap().message().unwrap_err().detail().to_owned();
        assert_eq!(read("operation=PKIOperation"), "message missing");
        assert_eq!(read("operation=PKIOperation&message=%00"), "message is not base64");
    }
}
