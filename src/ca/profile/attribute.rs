//! Subject attributes by the names that operators write (RFC 4519, RFC 2985).

use const_oid::ObjectIdentifier;

use crate::error::{Error, Result};

/// commonName.
pub const CN: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

const NAMES: [(&str, &str); 21] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("street", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("description", "2.5.4.13"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("name", "2.5.4.41"),
    ("GN", "2.5.4.42"),
    ("dnQualifier", "2.5.4.46"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("unstructuredName", "1.2.840.113549.1.9.2"),
    ("unstructuredAddress", "1.2.840.113549.1.9.8"),
];

/// The type of an attribute, from its name or its dotted OID. Errors: `unknown-attribute`, `invalid-oid`.
pub fn oid(name: &str) -> Result<ObjectIdentifier> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return dotted(name);
    }
    let known = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    let (_, dots) = known.ok_or_else(|| {
        let all: Vec<_> = NAMES.iter().map(|(n, _)| *n).collect();
        Error::invalid(
            "unknown-attribute",
            format!("{name:.40} is no attribute; known are {} and dotted OIDs", all.join(", ")),
        )
    })?;
    dotted(dots)
}

/// The name of an attribute's type, or its dotted OID.
pub fn name(oid: ObjectIdentifier) -> String {
    let dots = oid.to_string();
    NAMES.iter().find(|(_, d)| *d == dots).map_or(dots, |(n, _)| (*n).to_owned())
}

/// Reads a dotted OID. Errors: `invalid-oid` (ADMINJSON-42).
pub fn dotted(text: &str) -> Result<ObjectIdentifier> {
    ObjectIdentifier::new(text)
        .map_err(|e| Error::invalid("invalid-oid", format!("{text:.80} is not an OID")).because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dotted_oids_are_read() {
        assert_eq!(oid("cn").unwrap(), CN);
        assert_eq!(oid("2.5.4.3").unwrap(), CN);
        assert_eq!(name(CN), "CN");
        for (known, _) in NAMES {
            assert_eq!(name(oid(known).unwrap()), known);
        }
    }

    #[test]
    fn adminjson_42_broken_oids_are_refused() {
        for text in ["1.2.840.", "3.1", "1.40", "1", "1..2"] {
            assert_eq!(oid(text).unwrap_err().code(), "invalid-oid", "{text}");
        }
        assert_eq!(oid("shoeSize").unwrap_err().code(), "unknown-attribute");
    }
}
