//! RADIUS attributes: type, length, value (RFC 2865 §5).

use crate::error::{Error, Result};

pub(super) const USER_NAME: u8 = 1;
pub(super) const USER_PASSWORD: u8 = 2;
pub(super) const REPLY_MESSAGE: u8 = 18;
pub(super) const CALLING_STATION_ID: u8 = 31;
pub(super) const NAS_IDENTIFIER: u8 = 32;
pub(super) const MESSAGE_AUTHENTICATOR: u8 = 80;

/// The attributes of a packet, each known to be whole.
pub(super) struct Attributes<'a>(&'a [u8]);

/// One of them.
pub(super) struct Attribute<'a> {
    /// Its type.
    pub kind: u8,
    /// Where its value begins.
    pub at: usize,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Errors: `radius-reply` if the lengths do not add up.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match rest.get(1).map(|length| usize::from(*length)) {
                Some(length @ 2..) if length <= rest.len() => &rest[length..],
                Some(_) | None => {
                    return Err(Error::malformed("radius-reply", "an answer whose attributes are not whole"));
                }
            };
        }
        Ok(Self(bytes))
    }

    /// All of them, in order.
    pub fn all(&self) -> impl Iterator<Item = Attribute<'a>> {
        let bytes = self.0;
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next;
            let length = usize::from(*bytes.get(start + 1)?);
            next = start + length.max(2);
            let value = bytes.get(start + 2..next)?;
            Some(Attribute { kind: bytes[start], at: start + 2, value })
        })
    }
}
