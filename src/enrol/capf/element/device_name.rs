//! The name by which a device calls itself.

use crate::enrol::capf::frame::malformed;
use crate::error::{Error, Result};

/// The longest name, in characters.
const MAX_LEN: usize = 64;

/// A device's name as it was sent: proofs are signed over these very octets.
#[derive(Clone, PartialEq, Eq)]
pub struct SentName(String);

impl SentName {
    /// Reads text that ends with NUL: letters, digits, `.`, `_` and `-`. Errors: `capf-message` "malformed device name"
    /// (CAPF-23, -59).
    pub(in crate::enrol::capf) fn read(value: &[u8]) -> Result<Self> {
        let Some((0, name)) = value.split_last() else { return Err(bad()) };
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > MAX_LEN || !name.iter().all(allowed) {
            return Err(bad());
        }
        Ok(Self(name.iter().copied().map(char::from).collect()))
    }

    /// As it was sent, without NUL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn bad() -> Error {
    malformed("malformed device name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_as_it_was_sent() {
        assert_eq!(SentName::read(b"sep00aabbccddee\0").unwrap().as_str(), "sep00aabbccddee");
        assert_eq!(SentName::read(b"CSFj.doe-1_x\0").unwrap().as_str(), "CSFj.doe-1_x");
    }

    #[test]
    fn capf_23_names_without_an_end_or_with_one_inside_are_refused() {
        for name in [&b""[..], b"\0", b"SEP001122334455", b"SEPx\0admin\0", b"SEPx\0admin", b"SEP\0\0"] {
            assert_eq!(SentName::read(name).unwrap_err().detail(), "malformed device name", "{name:?}");
        }
    }

    #[test]
    fn capf_59_control_characters_and_endless_names_are_refused_and_not_repeated() {
        let long = [b"SEP".as_slice(), &[b'A'; 16_000], &[0]].concat();
        for name in [&b"SEP\x1b[31m\0"[..], b"SEP\n\0", b"SEP 1\0", "SEP\u{e9}\0".as_bytes(), &long] {
            let refused = SentName::read(name).unwrap_err();
            assert_eq!(refused.to_string(), "malformed device name");
        }
        SentName::read(&[&[b'A'; 64][..], &[0]].concat()).unwrap();
        assert!(SentName::read(&[&[b'A'; 65][..], &[0]].concat()).is_err());
    }
}
