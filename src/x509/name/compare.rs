//! Comparison by RFC 5280 §7.1.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::Attribute;

/// Whether two names are the same: RDNs in order, the attributes within one in any order.
pub(super) fn same(a: &[Vec<Attribute>], b: &[Vec<Attribute>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_rdn(a, b))
}

fn same_rdn(a: &[Attribute], b: &[Attribute]) -> bool {
    if let ([a], [b]) = (a, b) {
        return a.oid == b.oid && same_text(&a.value, &b.value);
    }
    let sorted = |rdn: &[Attribute]| {
        let mut rdn: Vec<_> = rdn.iter().map(|x| (x.oid, prepare(&x.value).into_owned())).collect();
        rdn.sort();
        rdn
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// As of what [`prepare`] makes of them; most names are ASCII and need no copy.
fn same_text(a: &str, b: &str) -> bool {
    if !(a.is_ascii() && b.is_ascii()) {
        return prepare(a) == prepare(b);
    }
    let (mut words, mut others) = (a.split_ascii_whitespace(), b.split_ascii_whitespace());
    loop {
        match (words.next(), others.next()) {
            (None, None) => return true,
            (Some(word), Some(other)) if word.eq_ignore_ascii_case(other) => {}
            (Some(_) | None, _) => return false,
        }
    }
}

/// RFC 4518 in short: case folded, NFKC, white space trimmed and compressed. Nothing is dropped:
/// names that differ in invisible characters stay different.
fn prepare(value: &str) -> Cow<'_, str> {
    if value.is_ascii() {
        let lower = value.to_ascii_lowercase();
        return Cow::Owned(lower.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    }
    let folded: String = value.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    Cow::Owned(folded.split_whitespace().collect::<Vec<_>>().join(" "))
}
