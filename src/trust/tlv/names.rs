//! X.500 names as lists and signed files carry them: in certificate order, multi-valued RDNs flattened.

use crate::x509::name::attribute;
use crate::x509::name::{Attribute, Name};

/// A name as text: `CN=cucm-pub,OU=Voice,O=Acme`. The types CN L ST O OU C STREET DC UID by their names, others as
/// dotted identifiers; in values `\ " + , ; < >`, a leading `#` or space and a trailing space are escaped.
pub fn text(name: &Name) -> String {
    let mut text = String::new();
    for attribute in name.attributes() {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&type_of(attribute));
        text.push('=');
        text.push_str(&escape(&attribute.value));
    }
    text
}

/// Whether a text means this name. Others join with `;`, put a space behind the separator, know more types by name, and
/// leave values unescaped: because the name is known, each of these can be told.
pub fn denotes(text: &str, name: &Name) -> bool {
    let mut rest = text;
    for (place, attribute) in name.attributes().enumerate() {
        if place > 0 {
            let Some(after) = rest.strip_prefix([',', ';']) else { return false };
            rest = after.trim_start_matches(' ');
        }
        let Some(after) = strip_attribute(rest, attribute) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// What follows the attribute that the text begins with, if it is this one.
fn strip_attribute<'a>(text: &'a str, attribute: &Attribute) -> Option<&'a str> {
    let (kind, value) = text.split_once('=')?;
    // A type with a number beyond 32 bits is printed short, and that text means another one.
    if attribute::by_name(kind) != Some(attribute.oid) && kind != attribute.oid.to_string() {
        return None;
    }
    let is_end = |rest: &&str| rest.is_empty() || rest.starts_with([',', ';']);
    value
        .strip_prefix(escape(&attribute.value).as_str())
        .filter(is_end)
        .or_else(|| value.strip_prefix(attribute.value.as_str()).filter(is_end))
}

fn type_of(attribute: &Attribute) -> String {
    const NAMED: [&str; 9] = ["CN", "L", "ST", "O", "OU", "C", "STREET", "DC", "UID"];
    let known = attribute::by_oid(&attribute.oid).filter(|known| NAMED.contains(&known.name));
    known.map_or_else(|| attribute.oid.to_string(), |known| known.name.to_owned())
}

fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 4);
    let last = value.len().saturating_sub(1);
    for (place, c) in value.char_indices() {
        match c {
            '\\' | '"' | '+' | ',' | ';' | '<' | '>' => out.extend(['\\', c]),
            '#' if place == 0 => out.push_str("\\#"),
            ' ' if place == 0 || place == last => out.push_str("\\ "),
            // The NUL ends a text on the wire (RFC 4514 §2.4).
            '\0' => out.push_str("\\00"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(rdns: &str) -> Name {
        Name::parse(rdns).unwrap()
    }

    #[test]
    fn names_are_written_in_certificate_order_and_flattened() {
        // RFC 4514 text stands in the reverse order.
        let name = name("CN=pub+UID=7,OU=Voice,O=Acme,C=NZ");
        assert!(
            ["C=NZ,O=Acme,OU=Voice,CN=pub,UID=7", "C=NZ,O=Acme,OU=Voice,UID=7,CN=pub"]
                .contains(&&*text(&name))
        );
    }

    #[test]
    fn types_without_a_name_are_dotted_and_values_escaped() {
        let device = name("serialNumber=FCH1,CN=CP-8845");
        assert_eq!(text(&device), "CN=CP-8845,2.5.4.5=FCH1");
        let odd = name(r#"CN=\#a\, b\;c\+d\"e\\f\<g\>h\ ,O=\ x"#);
        assert_eq!(text(&odd), r#"O=\ x,CN=\#a\, b\;c\+d\"e\\f\<g\>h\ "#);
        assert_eq!(text(&name("CN=\\ ")), "CN=\\ ");
        assert_eq!(text(&name("CN=Zürich")), "CN=Zürich");
    }

    #[test]
    fn a_type_that_is_printed_short_still_means_itself() {
        let oid = const_oid::ObjectIdentifier::from_bytes(&[0x6a, 0xd9, 0x89, 0x93, 0xf2, 0x2c, 1]).unwrap();
        let odd = Name::from_attributes(&[Attribute { oid, value: "example".into() }]).unwrap();
        assert!(denotes(&text(&odd), &odd));
    }

    #[test]
    fn both_separators_and_foreign_spellings_mean_the_name() {
        let acme = name("C=US,O=Acme\\, Inc.,CN=pub");
        for written in [
            "CN=pub,O=Acme\\, Inc.,C=US",
            "CN=pub;O=Acme\\, Inc.;C=US",
            "CN=pub;O=Acme, Inc.;C=US",
            "CN=pub, O=Acme, Inc., C=US",
            "commonName=pub;O=Acme, Inc.;C=US",
        ] {
            assert!(denotes(written, &acme), "{written}");
        }
        for other in [
            "",
            "CN=pub",
            "CN=pub,O=Acme\\, Inc.,C=USA",
            "CN=pub,O=Acme,C=US",
            "O=Acme\\, Inc.,CN=pub,C=US",
            "CN=pub,O=Acme\\, Inc.,C=US,",
            "CN=pub,O=Acme\\, Inc.,C=US,C=US",
        ] {
            assert!(!denotes(other, &acme), "{other}");
        }
    }
}
