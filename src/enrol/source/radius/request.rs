//! Access-Request (RFC 2865 §4.1), with its Message-Authenticator first (RFC 3579 §3.2, and as a defence against
//! CVE-2024-3596 of the deprecation draft of RADIUS over UDP).

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::attribute::{CALLING_STATION_ID, MESSAGE_AUTHENTICATOR, NAS_IDENTIFIER, USER_NAME, USER_PASSWORD};
use super::{HEADER, message_authenticator};
use crate::error::{Error, Result};
use crate::random::Random;

/// Code 1.
const ACCESS_REQUEST: u8 = 1;
/// The most octets of an attribute's value, and of a password (RFC 2865 §5, §5.2).
const LONGEST_VALUE: usize = 253;
const LONGEST_PASSWORD: usize = 128;
/// A password is hidden in blocks of an MD5 sum.
const BLOCK: usize = 16;

/// What a server is asked.
pub struct AccessRequest<'a> {
    /// User-Name: the device's name.
    pub user: &'a str,
    /// User-Password: the challenge.
    pub password: &'a str,
    /// NAS-Identifier: who asks.
    pub nas_identifier: &'a str,
    /// Calling-Station-Id: the device's address.
    pub station: Option<&'a str>,
}

/// A request as it was sent, and what an answer is held against.
pub struct Sent {
    /// The packet.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its identifier.
    pub id: u8,
    /// Its Request Authenticator.
    pub authenticator: [u8; 16],
}

impl AccessRequest<'_> {
    /// Writes the packet with a fresh identifier and authenticator.
    /// Errors: `radius-attribute` for a name or password that does not fit.
    pub fn write(&self, secret: &[u8], random: &Random) -> Result<Sent> {
        let [id] = random.bytes()?;
        self.write_as(secret, id, random.bytes()?)
    }

    fn write_as(&self, secret: &[u8], id: u8, authenticator: [u8; 16]) -> Result<Sent> {
        let hidden = hide(self.password, secret, &authenticator)?;
        let mut bytes = Zeroizing::new(vec![ACCESS_REQUEST, id, 0, 0]);
        bytes.extend(authenticator);
        put(&mut bytes, MESSAGE_AUTHENTICATOR, &[0; 16])?;
        put(&mut bytes, USER_NAME, self.user.as_bytes())?;
        put(&mut bytes, USER_PASSWORD, &hidden)?;
        put(&mut bytes, NAS_IDENTIFIER, self.nas_identifier.as_bytes())?;
        if let Some(station) = self.station {
            put(&mut bytes, CALLING_STATION_ID, station.as_bytes())?;
        }
        let length = u16::try_from(bytes.len()).map_err(|_| unfit("the request is too long"))?;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let mac = message_authenticator(secret, &[&bytes])?;
        bytes[HEADER + 2..HEADER + 18].copy_from_slice(&mac);
        Ok(Sent { bytes, id, authenticator })
    }
}

fn put(packet: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<()> {
    if value.is_empty() || value.len() > LONGEST_VALUE {
        return Err(unfit("a RADIUS attribute has 1 to 253 octets"));
    }
    packet.extend([kind, value.len() as u8 + 2]);
    packet.extend(value);
    Ok(())
}

/// RFC 2865 §5.2: each block of the padded password, masked by an MD5 sum over the secret and the block before.
fn hide(password: &str, secret: &[u8], authenticator: &[u8; 16]) -> Result<Zeroizing<Vec<u8>>> {
    let password = password.as_bytes();
    if password.is_empty() || password.len() > LONGEST_PASSWORD {
        return Err(unfit("a challenge for RADIUS has 1 to 128 octets"));
    }
    let mut hidden = Zeroizing::new(password.to_vec());
    hidden.resize(password.len().next_multiple_of(BLOCK), 0);
    let mut before = *authenticator;
    for block in hidden.chunks_mut(BLOCK) {
        let mask =
            Zeroizing::new(<[u8; 16]>::from(Md5::new().chain_update(secret).chain_update(before).finalize()));
        block.iter_mut().zip(mask.iter()).for_each(|(octet, mask)| *octet ^= mask);
        before.copy_from_slice(block);
    }
    Ok(hidden)
}

fn unfit(why: &str) -> Error {
    Error::invalid("radius-attribute", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrol::source::radius::tests::{AUTHENTICATOR, SECRET};

    /// RFC 2865 §7.1
    #[test]
    fn a_password_is_hidden_as_in_the_rfc() {
        let hidden = hide("arctangent", SECRET, &AUTHENTICATOR).unwrap();
        let expected =
            [0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a, 0x0a, 0xee];
        assert_eq!(*hidden, expected);
        assert_eq!(hide(&"x".repeat(17), SECRET, &AUTHENTICATOR).unwrap().len(), 32);
    }

    #[test]
    fn the_message_authenticator_stands_first_and_covers_all() {
        let request = AccessRequest {
            user: "nemo",
            password: "arctangent",
            nas_identifier: "signet",
            station: Some("10.0.0.9"),
        };
        let sent = request.write_as(SECRET, 7, AUTHENTICATOR).unwrap();
        assert_eq!(sent.bytes[..4], [1, 7, 0, sent.bytes.len() as u8]);
        assert_eq!(sent.bytes[HEADER..HEADER + 2], [80, 18]);
        let mut blank = sent.bytes.to_vec();
        blank[HEADER + 2..HEADER + 18].fill(0);
        let mac = message_authenticator(SECRET, &[&blank]).unwrap();
        assert_eq!(sent.bytes[HEADER + 2..HEADER + 18], mac);
        assert!(!sent.bytes.windows(10).any(|w| w == b"arctangent"));
        let rest = &sent.bytes[HEADER + 18..];
        assert_eq!(rest[..6], *b"\x01\x06nemo");
        assert!(rest.ends_with(b"\x20\x08signet\x1f\x0a10.0.0.9"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "x".repeat(254);
        let ask = |user, password| {
            let request = AccessRequest { user, password, nas_identifier: "signet", station: None };
            request.write_as(SECRET, 0, AUTHENTICATOR).map(|_| ()).map_err(|e| e.code())
        };
        assert_eq!(ask(&long[1..], &long[..128]), Ok(()));
        for (user, password) in [(&*long, "x"), ("", "x"), ("x", &long[..129]), ("x", "")] {
            assert_eq!(ask(user, password), Err("radius-attribute"));
        }
    }
}
