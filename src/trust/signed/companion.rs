//! The plain file beside an encrypted one, by which a phone learns which key it needs.

use md5::Digest as _;

use super::xml;
use crate::error::Result;
use crate::x509::cert::Certificate;

/// What of a phone's configuration stands in it: how it gets an address, its firmware, and where CAPF is.
const KEPT: [&str; 4] = ["ipAddressMode", "loadInformation", "capfAuthMode", "capfList"];

/// The configuration that is signed as `<file>.sgn` beside `<file>.enc.sgn`: with `fullConfig` false, a few elements of
/// the full one as they stand there, the MD5 of the device's certificate, and `encrConfig` true. A phone that has another
/// certificate goes to CAPF. Errors: `bad-phone-configuration` unless the file is XML in UTF-8 around `device`.
pub fn companion(configuration: &[u8], device: &Certificate) -> Result<Vec<u8>> {
    let text = xml::text(configuration)?;
    let elements = xml::elements(text)?;
    if elements.first().is_none_or(|root| root.name != "device") {
        return Err(xml::bad(0, "the root element of a phone's configuration is device"));
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device>\n");
    push(&mut out, "<fullConfig>false</fullConfig>");
    for kept in elements.iter().filter(|element| element.depth == 1 && KEPT.contains(&element.name)) {
        push(&mut out, text.get(kept.whole.clone()).unwrap_or_default());
    }
    push(&mut out, &format!("<certHash>{}</certHash>", hash(device)));
    push(&mut out, "<encrConfig>true</encrConfig>");
    out.push_str("</device>\n");
    Ok(out.into_bytes())
}

fn push(out: &mut String, line: &str) {
    out.push_str("  ");
    out.push_str(line);
    out.push('\n');
}

/// MD5 of the DER, lower-case hexadecimal: a name for the key, no protection.
fn hash(device: &Certificate) -> String {
    md5::Md5::digest(device.der()).iter().map(|octet| format!("{octet:02x}")).collect()
}
