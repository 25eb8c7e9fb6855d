//! A profile whose certificates a CA elsewhere signs, which is offline (`[offline]`).

use crate::ca::profile::faults::Faults;
use crate::ca::profile::raw::RawProfile;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::pem;

const KEY_CERT_SIGN: u16 = 1 << 5;

/// The CAs elsewhere of a profile.
#[derive(Debug)]
pub(super) struct Issuers {
    /// The one that signs.
    pub signs: Certificate,
    /// Those that signed before: what they signed still proves a device.
    pub former: Vec<Certificate>,
}

/// The most CAs that signed before.
const MOST_FORMER: usize = 10;

/// The CAs that sign and signed, as `[offline]` has them (PEM); none if Signet signs itself. Notes every fault.
#[expect(clippy::option_option, reason = "outer: it could not be read")]
pub(super) fn issuers(raw: &RawProfile, faults: &mut Faults<'_>) -> Option<Option<Issuers>> {
    let Some(offline) = &raw.offline else { return Some(None) };
    if raw.internal || raw.scep.is_some() {
        let rule =
            "[offline] is for devices that come by CAPF: such a profile is not internal and has no [scep]";
        faults.rule(&["offline"], "bad-profile", rule);
    }
    let signs = faults.take(&["offline", "issuer"], signer(&offline.issuer));
    let former = offline.former.as_deref().map_or(Ok(Vec::new()), |text| read("former", text));
    let former = faults.take(&["offline", "former"], former);
    Some(Some(Issuers { signs: signs?, former: former? }))
}

fn signer(text: &str) -> Result<Certificate> {
    let mut found = read("issuer", text)?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) | (Some(_), false) => Err(bad(
            "issuer",
            "is one certificate in PEM, that of the CA that signs; others stand under former",
        )),
    }
}

fn bad(key: &str, rule: &str) -> Error {
    Error::invalid("bad-profile", format!("offline.{key} {rule}"))
}

fn read(key: &str, text: &str) -> Result<Vec<Certificate>> {
    let blocks = pem::decode_all(text.as_bytes(), MOST_FORMER + 1);
    let blocks = blocks.map_err(|e| bad(key, "is no PEM").because(e))?;
    if blocks.len() > MOST_FORMER {
        return Err(bad(key, "names at most ten CAs"));
    }
    blocks.iter().map(|(label, der)| ca(key, label, der)).collect()
}

fn ca(key: &str, label: &str, der: &[u8]) -> Result<Certificate> {
    if label != "CERTIFICATE" {
        return Err(bad(key, "is a certificate in PEM"));
    }
    let certificate = Certificate::from_der(der)?;
    if !certificate.is_ca() || certificate.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN == 0) {
        return Err(bad(key, "is the certificate of a CA: CA:TRUE, keyCertSign"));
    }
    certificate.public_key()?;
    Ok(certificate)
}
