//! Values with a form of their own.

use zeroize::Zeroizing;

use super::bad_length;
use crate::enrol::capf::frame::malformed;
use crate::error::Result;

/// The longest authentication string that is looked at; phones take 4 to 10 digits.
const MAX_PASSWORD: usize = 64;

/// What a certificate is to the device. From a device it is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CertificateType {
    /// Locally significant: ours.
    Lsc = 1,
    /// Installed by the manufacturer.
    Mic = 2,
}

/// The DER in a certificate element: `01`, its length + 2, `00`, a type that is not relied on, DER.
/// Errors: `capf-message` "bad certificate element".
pub(in crate::enrol::capf) fn certificate(value: &[u8]) -> Result<&[u8]> {
    match value {
        [1, high, low, rest @ ..] if usize::from(u16::from_be_bytes([*high, *low])) == rest.len() => {
            match rest {
                [0, _, der @ ..] if !der.is_empty() => Ok(der),
                _ => Err(malformed("bad certificate element")),
            }
        }
        _ => Err(malformed("bad certificate element")),
    }
}

/// The authentication string: text that ends with NUL; none where there is nothing before it.
/// Errors: `capf-message` "bad element length", "malformed authentication string".
pub(in crate::enrol::capf) fn password(value: &[u8]) -> Result<Option<Zeroizing<String>>> {
    if value.len() > MAX_PASSWORD {
        return Err(bad_length());
    }
    let bad = || malformed("malformed authentication string");
    let Some((0, text)) = value.split_last() else { return Err(bad()) };
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err(bad());
    }
    let text: Zeroizing<String> = Zeroizing::new(text.iter().copied().map(char::from).collect());
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_what_both_lengths_say() {
        assert_eq!(certificate(&[1, 0, 4, 0, 2, 0x30, 0]).unwrap(), [0x30, 0]);
        for bad in [
            &[][..],
            &[1, 0, 2, 0, 1],
            &[1, 0, 5, 0, 1, 0x30, 0],
            &[1, 0, 3, 0, 1, 0x30, 0],
            &[2, 0, 4, 0, 1, 0x30, 0],
            &[1, 0, 4, 1, 1, 0x30, 0],
            &[1, 0xff, 0xff, 0, 1, 0x30],
            b"-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(certificate(bad).unwrap_err().detail(), "bad certificate element", "{bad:?}");
        }
    }

    #[test]
    fn capf_35_an_empty_authentication_string_is_none() {
        assert_eq!(password(b"\0").unwrap(), None);
        assert_eq!(password(b"123456\0").unwrap().unwrap().as_str(), "123456");
        for bad in [&b""[..], b"1234", b"12\x0034\0", b"12\n4\0"] {
            assert_eq!(password(bad).unwrap_err().detail(), "malformed authentication string");
        }
        assert_eq!(password(&[b'1'; 65]).unwrap_err().detail(), "bad element length");
    }
}
