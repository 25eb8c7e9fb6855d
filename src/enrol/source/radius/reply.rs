//! The answer to an Access-Request: believed only if both authenticators hold.
//!
//! The Response Authenticator alone (RFC 2865 §3) can be forged by whoever stands between (CVE-2024-3596), so an answer
//! without Message-Authenticator (RFC 3579 §3.2) is none.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::attribute::{Attributes, MESSAGE_AUTHENTICATOR, REPLY_MESSAGE};
use super::request::Sent;
use super::{HEADER, LONGEST, message_authenticator};
use crate::error::{Error, Result};

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Access-Accept.
    Accept,
    /// Access-Reject, with its Reply-Message.
    Reject(Option<String>),
    /// Access-Challenge: it asks for more than a password.
    Challenge,
}

/// Reads the datagram that came for `sent`. Errors: `radius-reply` saying what is wrong; such a datagram is to be
/// passed over.
pub fn read(datagram: &[u8], sent: &Sent, secret: &[u8]) -> Result<Reply> {
    Unverified::read(datagram)?.verify(sent, secret)
}

/// An answer that is whole, and not yet believed.
pub struct Unverified<'a> {
    packet: &'a [u8],
    attributes: Attributes<'a>,
    /// Where the value of its Message-Authenticator begins, counted from the attributes.
    authenticator: usize,
}

impl<'a> Unverified<'a> {
    /// Takes a datagram apart; octets after the packet's length are padding (RFC 2865 §3). Errors: `radius-reply`.
    pub fn read(datagram: &'a [u8]) -> Result<Self> {
        let packet = framed(datagram)?;
        let attributes = Attributes::read(&packet[HEADER..])?;
        let authenticator = message_authenticator_of(&attributes)?;
        Ok(Self { packet, attributes, authenticator })
    }

    /// What it says, if it answers `sent` and both authenticators hold. Errors: `radius-reply`.
    pub fn verify(&self, sent: &Sent, secret: &[u8]) -> Result<Reply> {
        if self.packet[1] != sent.id {
            return Err(flaw("an answer to another request"));
        }
        hold_response_authenticator(self.packet, sent, secret)?;
        hold_message_authenticator(self.packet, self.authenticator, sent, secret)?;
        self.says()
    }

    /// What it says, whoever it comes from. Errors: `radius-reply` for an unknown code.
    pub fn says(&self) -> Result<Reply> {
        match self.packet[0] {
            2 => Ok(Reply::Accept),
            3 => Ok(Reply::Reject(message(&self.attributes))),
            11 => Ok(Reply::Challenge),
            _ => Err(flaw("an answer of an unknown code")),
        }
    }
}

fn framed(datagram: &[u8]) -> Result<&[u8]> {
    let Some([high, low]) = datagram.get(2..4) else {
        return Err(flaw("an answer without a length"));
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if !(HEADER..=LONGEST).contains(&length) {
        return Err(flaw("an answer of an impossible length"));
    }
    datagram.get(..length).ok_or_else(|| flaw("an answer that is cut off"))
}

/// Where the value of the one Message-Authenticator begins, counted from the attributes.
fn message_authenticator_of(attributes: &Attributes<'_>) -> Result<usize> {
    let mut all = attributes.all().filter(|a| a.kind == MESSAGE_AUTHENTICATOR);
    let first = all.next().ok_or_else(|| {
        flaw(
            "an answer without Message-Authenticator (update the server, or have it send one: CVE-2024-3596)",
        )
    })?;
    if all.next().is_some() || first.value.len() != 16 {
        return Err(flaw("an answer whose Message-Authenticator is not one of 16 octets"));
    }
    Ok(first.at)
}

/// RFC 2865 §3: MD5 over code, identifier, length, Request Authenticator, attributes and secret.
fn hold_response_authenticator(packet: &[u8], sent: &Sent, secret: &[u8]) -> Result<()> {
    let sum: [u8; 16] = Md5::new()
        .chain_update(&packet[..4])
        .chain_update(sent.authenticator)
        .chain_update(&packet[HEADER..])
        .chain_update(secret)
        .finalize()
        .into();
    if bool::from(sum.ct_eq(&packet[4..HEADER])) {
        return Ok(());
    }
    Err(flaw("an answer whose Response Authenticator is wrong (do both sides have the same secret?)"))
}

/// RFC 3579 §3.2: HMAC-MD5 over the packet with the Request Authenticator, and zeros for the value itself.
fn hold_message_authenticator(packet: &[u8], at: usize, sent: &Sent, secret: &[u8]) -> Result<()> {
    let (before, rest) = packet[HEADER..].split_at(at);
    let (mac, after) = rest.split_at(16);
    let sum = message_authenticator(secret, &[&packet[..4], &sent.authenticator, before, &[0; 16], after])?;
    if bool::from(sum.ct_eq(mac)) {
        return Ok(());
    }
    Err(flaw("an answer whose Message-Authenticator is wrong"))
}

/// The Reply-Messages as one line.
fn message(attributes: &Attributes<'_>) -> Option<String> {
    let parts = attributes.all().filter(|a| a.kind == REPLY_MESSAGE);
    let text: Vec<_> = parts.map(|a| String::from_utf8_lossy(a.value).into_owned()).collect();
    (!text.is_empty()).then(|| text.join(" "))
}

fn flaw(what: &str) -> Error {
    Error::malformed("radius-reply", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrol::source::radius::tests::{SECRET, answer, sent};

    fn told(datagram: &[u8]) -> String {
        read(datagram, &sent(), SECRET).unwrap_err().detail().to_owned()
    }

    #[test]
    fn each_sort_of_answer_is_read_wherever_its_authenticator_stands() {
        assert_eq!(read(&answer(2, b"", b""), &sent(), SECRET).unwrap(), Reply::Accept);
        assert_eq!(read(&answer(11, b"", b""), &sent(), SECRET).unwrap(), Reply::Challenge);
        let message = b"\x12\x09no such\x12\x08device";
        for reject in [answer(3, message, b""), answer(3, b"", message)] {
            let expected = Reply::Reject(Some("no such device".into()));
            assert_eq!(read(&reject, &sent(), SECRET).unwrap(), expected);
        }
        let padded = [&answer(2, b"", b"")[..], &[0; 9]].concat();
        assert_eq!(read(&padded, &sent(), SECRET).unwrap(), Reply::Accept);
    }

    /// RFC 2865 §7.1: right in the words of 2865, and still not believed.
    #[test]
    fn an_answer_without_message_authenticator_is_none() {
        let accept = [
            0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24, 0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf,
            0x9b, 0x55, 0xe0, 0xb2, 0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00, 0x00, 0x00,
            0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03,
        ];
        hold_response_authenticator(&accept, &sent(), SECRET).unwrap();
        assert!(told(&accept).contains("CVE-2024-3596"));
    }

    #[test]
    fn an_answer_cut_anywhere_is_refused() {
        let whole = answer(3, b"\x12\x04no", b"\x12\x04no");
        for length in 0..whole.len() {
            assert!(read(&whole[..length], &sent(), SECRET).is_err(), "{length}");
            // the same with a length that says so
            let mut cut = whole[..length].to_vec();
            if length >= 4 {
                cut[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                assert!(read(&cut, &sent(), SECRET).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let whole = answer(2, b"\x12\x04no", b"");
        for lie in [0, 1, 19, whole.len() - 1, whole.len() + 1, 4097, 65_535] {
            let mut packet = whole.clone();
            packet[2..4].copy_from_slice(&(lie as u16).to_be_bytes());
            assert!(read(&packet, &sent(), SECRET).is_err(), "{lie}");
        }
        for lie in [0, 1, 3, 5, 17, 255] {
            let mut packet = whole.clone();
            packet[HEADER + 1] = lie;
            assert!(read(&packet, &sent(), SECRET).is_err(), "{lie}");
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let whole = answer(2, b"\x12\x04no", b"\x12\x04ok");
        for bit in 0..whole.len() * 8 {
            let mut packet = whole.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&packet, &sent(), SECRET).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_secret_request_or_second_authenticator_is_refused() {
        let accept = answer(2, b"", b"");
        assert!(read(&accept, &sent(), b"another secret").is_err());
        assert!(read(&accept, &Sent { id: 1, ..sent() }, SECRET).unwrap_err().detail().contains("another"));
        assert!(read(&accept, &Sent { authenticator: [9; 16], ..sent() }, SECRET).is_err());
        let second = [&[80, 18][..], &[0; 16]].concat();
        assert!(told(&answer(2, &second, b"")).contains("not one of 16"));
        assert!(told(&answer(5, b"", b"")).contains("unknown code"));
    }
}
