//! DNS names (RFC 5280 §4.2.1.6, RFC 1034 §3.5, RFC 5890): CSR-40, -41, -43, -44.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::error::{Error, Result};

/// The most octets of a name, without the root's dot.
const MAX_NAME: usize = 253;
/// The most octets of a label.
const MAX_LABEL: usize = 63;

/// Checks a name of A-labels; returns it in lower case.
pub(super) fn check(name: &str) -> Result<String> {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Err(Error::bad_csr("IP address in DNS name"));
    }
    let name = name.to_ascii_lowercase();
    let host = match name.strip_prefix("*.") {
        Some(host) if !host.contains('*') && host.contains('.') => host,
        _ if name.contains('*') => return Err(Error::bad_csr("wildcard not allowed here")),
        _ => &name,
    };
    if name.len() > MAX_NAME || !host.split('.').all(is_label) {
        return Err(malformed());
    }
    if host.rsplit('.').next().is_some_and(is_number) {
        return Err(Error::bad_csr("IP address in DNS name"));
    }
    if host.split('.').any(|label| label.starts_with("xn--") && !is_a_label(label)) {
        return Err(confusable());
    }
    Ok(name)
}

/// As [`check`], for what people type: U-labels are turned into A-labels first.
pub(super) fn from_text(name: &str) -> Result<String> {
    if name.is_ascii() {
        return check(name);
    }
    check(&to_ascii(name).ok_or_else(confusable)?)
}

/// Letters, digits and inner hyphens, 1 to 63.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A last label that resolvers read as an address: decimal, or hexadecimal with 0x (WHATWG URL §3.5).
fn is_number(label: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    digits(label) || label.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether `xn--…` decodes to a U-label that encodes to the same again and whose characters IDNA2008
/// allows: letters, digits, marks and hyphens of one script among Latin, Greek and Cyrillic.
fn is_a_label(label: &str) -> bool {
    let (unicode, outcome) =
        Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    outcome.is_ok()
        && !unicode.is_ascii()
        && unicode.nfc().eq(unicode.chars())
        && unicode.chars().all(|c| c.is_alphanumeric() || c == '-' || is_combining_mark(c))
        && !mixes_scripts(&unicode)
        && to_ascii(&unicode).as_deref() == Some(label)
}

fn to_ascii(name: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(
        name.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    ascii.ok().map(|a| a.into_owned())
}

/// Whether a label holds letters of more than one of the scripts that look alike.
fn mixes_scripts(label: &str) -> bool {
    let has = |script: fn(char) -> bool| usize::from(label.chars().any(script));
    let latin =
        |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let greek = |c: char| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}');
    let cyrillic = |c: char| matches!(c, '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}');
    has(latin) + has(greek) + has(cyrillic) > 1
}

fn malformed() -> Error {
    Error::bad_csr("malformed DNS name")
}

fn confusable() -> Error {
    Error::bad_csr("invalid or confusable IDN")
}
