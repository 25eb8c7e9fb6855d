//! Names as lists and files write them: `TYPE=value` in the certificate's order, joined by `,` or `;`.

use crate::x509::name::Name;
use const_oid::ObjectIdentifier;

/// Types that are written by a word; others as dotted numbers.
const WORDS: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// Whether `text` is how a list may write `name`, with either separator.
pub fn is_name(text: &str, name: &Name) -> bool {
    let mut attributes = name.attributes();
    let mut parts = Parts(text);
    loop {
        match (parts.next(), attributes.next()) {
            (None, None) => return true,
            (Some((word, value)), Some(attribute)) => {
                if !is_type(word, &attribute.oid) || value != attribute.value {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}

fn is_type(word: &str, oid: &ObjectIdentifier) -> bool {
    let dotted =
        WORDS.iter().find(|(_, known)| known.eq_ignore_ascii_case(word)).map_or(word, |(dotted, _)| dotted);
    dotted.parse::<ObjectIdentifier>().is_ok_and(|read| read == *oid)
}

/// The parts of a name: type and value, without escapes. What is no part ends in one that no attribute has.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a str, String);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (word, rest) = self.0.split_once('=').unwrap_or((self.0, ""));
        let (value, rest) = value(rest);
        self.0 = rest;
        // `CN=a, O=b` is written by some.
        Some((word.trim_start(), value))
    }
}

/// A value up to the next separator that is not escaped, and what follows it. An escape is `\` and a character, or
/// two hexadecimal digits of a byte.
fn value(text: &str) -> (String, &str) {
    let mut bytes = Vec::with_capacity(text.len().min(128));
    let mut rest = text.as_bytes();
    let mut at = 0;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b',' | b';' => {
                at += 1;
                break;
            }
            b'\\' => {
                let (escaped, length) = escaped(tail);
                bytes.extend(escaped);
                at += 1 + length;
                rest = &tail[length..];
            }
            other => {
                bytes.push(other);
                at += 1;
                rest = tail;
            }
        }
    }
    // A separator is one byte, and so is what an escape begins with: `at` is a boundary, or what follows is no name.
    (String::from_utf8(bytes).unwrap_or_default(), text.get(at..).unwrap_or("?"))
}

fn escaped(after: &[u8]) -> (Option<u8>, usize) {
    let digit = |b: u8| char::from(b).to_digit(16);
    match after {
        [high, low, ..] if digit(*high).is_some() && digit(*low).is_some() => {
            let byte = digit(*high).zip(digit(*low)).and_then(|(h, l)| u8::try_from(h * 16 + l).ok());
            (byte, 2)
        }
        [one, ..] => (Some(*one), 1),
        [] => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its first attribute is the last of RFC 4514 text.
    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn either_separator_names_the_same() {
        let signer = name("C=DE,O=Acme,CN=ITLRecovery");
        assert!(is_name("CN=ITLRecovery,O=Acme,C=DE", &signer));
        assert!(is_name("CN=ITLRecovery;O=Acme;C=DE", &signer));
        assert!(is_name("CN=ITLRecovery, O=Acme; C=DE", &signer));
        for other in
            ["", "CN=ITLRecovery", "C=DE,O=Acme,CN=ITLRecovery", "CN=ITLRecovery,O=Acme,C=DE,L=x", "x"]
        {
            assert!(!is_name(other, &signer), "{other}");
        }
    }

    #[test]
    fn escapes_and_types_without_a_word_are_read() {
        let signer = name(r"O=Gr\C3\BC\C3\9F\2c Gott\; Co,CN=a");
        assert!(is_name(r"CN=a,O=Grüß\, Gott\; Co", &signer));
        assert!(is_name(r"CN=a;2.5.4.10=Grüß\2C Gott\3b Co", &signer));
        assert!(!is_name(r"CN=a,O=Grüß, Gott; Co", &signer));
        assert!(!is_name(r"CN=a,O=Grüß\", &signer));
    }
}
