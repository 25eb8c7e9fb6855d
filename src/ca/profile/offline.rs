//! A profile whose certificates a CA elsewhere signs, which is offline (`[offline]`).

use crate::ca::profile::faults::Faults;
use crate::ca::profile::raw::RawProfile;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::pem;

const KEY_CERT_SIGN: u16 = 1 << 5;

/// The CA that signs, as `[offline]` has it (PEM); none if Signet signs itself. Notes every fault.
#[expect(clippy::option_option, reason = "outer: it could not be read")]
pub(super) fn issuer(raw: &RawProfile, faults: &mut Faults<'_>) -> Option<Option<Certificate>> {
    let Some(offline) = &raw.offline else { return Some(None) };
    if raw.internal || raw.scep.is_some() {
        let rule =
            "[offline] is for devices that come by CAPF: such a profile is not internal and has no [scep]";
        faults.rule(&["offline"], "bad-profile", rule);
    }
    faults.take(&["offline", "issuer"], read(&offline.issuer)).map(Some)
}

fn read(text: &str) -> Result<Certificate> {
    let bad = |rule: &str| Error::invalid("bad-profile", format!("offline.issuer {rule}"));
    let blocks = pem::decode_all(text.as_bytes(), 2).map_err(|e| bad("is no PEM").because(e))?;
    let [(label, der)] = blocks.as_slice() else {
        return Err(bad("is one certificate in PEM, that of the CA that signs"));
    };
    if label != "CERTIFICATE" {
        return Err(bad("is a certificate in PEM"));
    }
    let certificate = Certificate::from_der(der)?;
    if !certificate.is_ca() || certificate.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN == 0) {
        return Err(bad("is the certificate of a CA: CA:TRUE, keyCertSign"));
    }
    certificate.public_key()?;
    Ok(certificate)
}
