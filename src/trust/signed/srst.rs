//! The certificate of an SRST gateway inside a phone's configuration, so that the phone trusts it when the call manager is
//! out of reach.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::xml::{self, XmlElement};
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;

/// The element that holds the certificate, unless a phone wants another.
pub const SRST_CERTIFICATE: &str = "certificate";
/// The element of a configuration that describes SRST.
const SRST: &str = "srstInfo";
/// Whether phones speak TLS with it.
const IS_SECURE: &str = "isSecure";

/// Puts a certificate (base64 of its DER, one line) into `srstInfo` as the element of this name, in place of the one that
/// stands there, and sets `isSecure` to true. Every other byte stays. Errors: `bad-phone-configuration` unless the
/// file is XML in UTF-8 with one `srstInfo` that has content; `bad-element-name`.
pub fn insert_srst(configuration: &[u8], gateway: &Certificate, element: &str) -> Result<Vec<u8>> {
    if !xml::is_name(element) || element == IS_SECURE {
        return Err(Error::invalid(
            "bad-element-name",
            "the element is named by letters, digits, `_`, `-` and `.`",
        ));
    }
    let text = xml::text(configuration)?;
    let with_certificate = set(text, element, &STANDARD.encode(gateway.der()))?;
    set(&with_certificate, IS_SECURE, "true").map(String::into_bytes)
}

/// The configuration where `srstInfo` has one child of this name with this text: in place of the one that is there, or
/// as the last.
fn set(text: &str, name: &str, value: &str) -> Result<String> {
    let elements = xml::elements(text)?;
    let mut srst = elements.iter().filter(|found| found.name == SRST);
    let (Some(found), None) = (srst.next(), srst.next()) else {
        return Err(xml::bad(
            0,
            "the certificate goes into the one srstInfo, and there is none or more than one",
        ));
    };
    let Some(inside) = found.inside.clone() else {
        return Err(xml::bad(found.whole.start, "srstInfo is empty: SRST is not configured"));
    };
    let is_child =
        |e: &&XmlElement<'_>| e.name == name && e.depth == found.depth + 1 && inside.contains(&e.whole.start);
    let place = elements.iter().find(is_child).map_or(inside.end..inside.end, |child| child.whole.clone());
    let mut out = text.to_owned();
    out.replace_range(place, &format!("<{name}>{value}</{name}>"));
    Ok(out)
}
