//! `index.txt`, in which `openssl ca` keeps what it issued: a line for each certificate, six fields between tabs.

use super::Revocation;
use super::serial;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::crl::Reason;
use crate::x509::utc_time;

/// What a line says.
#[derive(Debug)]
pub enum Line {
    /// A certificate that was not revoked, valid or expired.
    NotRevoked,
    /// A revoked one.
    Revoked(Revocation),
}

/// Reads a line without its end: flag, expiry, revocation, serial number, file, subject. The last two may be in any
/// encoding; they are not looked at. Errors: `bad-index` naming the field.
pub fn line(bytes: &[u8]) -> Result<Line> {
    let fields: Vec<&[u8]> = bytes.split(|b| *b == b'\t').collect();
    let [flag, expiry, revocation, number, _file, _subject] = fields.as_slice() else {
        return Err(bad("six fields between tabs are expected"));
    };
    let number = text(number, "the serial number")?;
    let serial = serial::parse(number).map_err(|_| bad("the serial number is not hexadecimal"))?;
    match *flag {
        b"V" | b"E" => Ok(Line::NotRevoked),
        b"R" => {
            let (at, reason) = revoked(text(revocation, "the revocation")?)?;
            let not_after = time(text(expiry, "the expiry")?, "the expiry")?;
            Ok(Line::Revoked(Revocation { serial, at, reason, not_after: Some(not_after) }))
        }
        _ => Err(bad("the first field is V, R or E")),
    }
}

/// `240101000000Z`, `240101000000Z,keyCompromise` or `240101000000Z,keyTime,20240101000000Z` (openssl-ca(1)).
fn revoked(field: &str) -> Result<(Timestamp, Reason)> {
    let mut parts = field.split(',');
    let at = time(parts.next().unwrap_or_default(), "the revocation")?;
    let reason = match parts.next() {
        None | Some("" | "unspecified" | "removeFromCRL") => Reason::Unspecified,
        Some("keyCompromise" | "keyTime") => Reason::KeyCompromise,
        Some("CACompromise" | "CAkeyTime") => Reason::CaCompromise,
        Some("affiliationChanged") => Reason::AffiliationChanged,
        Some("superseded") => Reason::Superseded,
        Some("cessationOfOperation") => Reason::CessationOfOperation,
        Some("certificateHold" | "holdInstruction") => Reason::CertificateHold,
        Some("privilegeWithdrawn") => Reason::PrivilegeWithdrawn,
        Some("aACompromise" | "AACompromise") => Reason::AaCompromise,
        Some(_) => return Err(bad("the revocation has a reason that openssl does not write")),
    };
    Ok((at, reason))
}

fn time(text: &str, what: &str) -> Result<Timestamp> {
    utc_time(text).ok_or_else(|| bad(&format!("{what} is not a time as 291231235959Z")))
}

fn text<'a>(field: &'a [u8], what: &str) -> Result<&'a str> {
    std::str::from_utf8(field).map_err(|_| bad(&format!("{what} is not text")))
}

fn bad(why: &str) -> Error {
    Error::invalid("bad-index", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked_of(bytes: &[u8]) -> Revocation {
        match line(bytes).unwrap() {
            Line::Revoked(revocation) => revocation,
            Line::NotRevoked => panic!("not revoked"),
        }
    }

    #[test]
    fn lines_as_openssl_writes_them() {
        assert!(matches!(line(b"V\t291231235959Z\t\t1000\tunknown\t/CN=a").unwrap(), Line::NotRevoked));
        assert!(matches!(line(b"E\t191231235959Z\t\t0F\tunknown\t/CN=\xff\xfe").unwrap(), Line::NotRevoked));
        let one = revoked_of(b"R\t291231235959Z\t240229010203Z,keyCompromise\t1001\tunknown\t/CN=\xe9");
        assert_eq!(
            (one.at.to_string().as_str(), one.reason),
            ("2024-02-29T01:02:03Z", Reason::KeyCompromise)
        );
        assert_eq!(one.serial.content(), [0x10, 1]);
        assert_eq!(one.not_after.unwrap().to_string(), "2029-12-31T23:59:59Z");
        let late = revoked_of(b"R\t20510101000000Z\t240229010203Z,keyTime,20240101000000Z\t-01\tx\t/");
        assert_eq!((late.serial.content(), late.reason), (&[0xff][..], Reason::KeyCompromise));
        assert_eq!(late.not_after.unwrap().to_string(), "2051-01-01T00:00:00Z");
        assert_eq!(revoked_of(b"R\t291231235959Z\t240229010203Z\t01\tx\t/").reason, Reason::Unspecified);
    }

    #[test]
    fn a_bad_line_is_refused_with_its_field() {
        for (bytes, part) in [
            (&b""[..], "six fields"),
            (b"R\t291231235959Z\t240229010203Z\t01\tx", "six fields"),
            (b"X\t291231235959Z\t\t01\tx\t/", "first field"),
            (b"R\t291231235959Z\t\t01\tx\t/", "the revocation is not a time"),
            (b"R\t291231235959Z\t241329010203Z\t01\tx\t/", "the revocation is not a time"),
            (b"R\tnever\t240229010203Z\t01\tx\t/", "the expiry is not a time"),
            (b"R\t291231235959Z\t240229010203Z,mood\t01\tx\t/", "reason"),
            (b"V\t291231235959Z\t\t0x01\tx\t/", "serial number is not hex"),
            (b"V\t291231235959Z\t\t\xff\tx\t/", "serial number is not text"),
            (b"V\t291231235959Z\t\t\tx\t/", "serial number is not hex"),
        ] {
            let error = line(bytes).unwrap_err();
            assert!(error.code() == "bad-index" && error.detail().contains(part), "{part}: {error}");
        }
    }
}
