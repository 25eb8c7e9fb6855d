//! The SUDI data (element 16): a certificate and two signatures, each `type:u8 length:u16 value`, in this order.

use super::Unproven;

const CERTIFICATE: u8 = 0;
const SHA1: u8 = 1;
const SHA512: u8 = 3;

/// Its three parts.
pub(super) struct Parts<'a> {
    /// The SUDI certificate, DER.
    pub certificate: &'a [u8],
    /// The signature with SHA-1.
    pub sha1: &'a [u8],
    /// The signature with SHA-512.
    pub sha512: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads them: these three, and nothing behind them.
    pub fn read(data: &'a [u8]) -> Result<Self, Unproven> {
        let (certificate, rest) = part(data, CERTIFICATE)?;
        let (sha1, rest) = part(rest, SHA1)?;
        let (sha512, rest) = part(rest, SHA512)?;
        if rest.is_empty() { Ok(Self { certificate, sha1, sha512 }) } else { Err(Unproven::SudiStructure) }
    }
}

fn part(data: &[u8], kind: u8) -> Result<(&[u8], &[u8]), Unproven> {
    match *data {
        [found, high, low, ref rest @ ..] if found == kind => {
            rest.split_at_checked(usize::from(u16::from_be_bytes([high, low]))).ok_or(Unproven::SudiStructure)
        }
        _ => Err(Unproven::SudiStructure),
    }
}

/// What its signatures are over. The session id is little-endian here, and nowhere else.
pub(super) fn message(session: u32, certificate: &[u8]) -> Vec<u8> {
    [&session.to_le_bytes()[..], certificate].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<u8> {
        let part = |kind: u8, value: &[u8]| [&[kind, 0, value.len() as u8], value].concat();
        [part(CERTIFICATE, b"der"), part(SHA1, b"one"), part(SHA512, b"five")].concat()
    }

    #[test]
    fn capf_45_lengths_that_lie_are_refused_and_nothing_is_read_beyond_them() {
        let data = whole();
        let parts = Parts::read(&data).unwrap();
        assert_eq!((parts.certificate, parts.sha1, parts.sha512), (&b"der"[..], &b"one"[..], &b"five"[..]));
        for end in 0..data.len() {
            assert_eq!(Parts::read(&data[..end]).err(), Some(Unproven::SudiStructure), "cut at {end}");
        }
        // Where the lengths' octets stand.
        for place in [1, 2, 7, 8, 13, 14] {
            for lie in [1u8, 9, 0x7f, 0xff] {
                let mut lying = data.clone();
                lying[place] = lying[place].wrapping_add(lie);
                assert_eq!(
                    Parts::read(&lying).err(),
                    Some(Unproven::SudiStructure),
                    "octet {place} and {lie} more"
                );
            }
        }
        let longer = [&data[..], &[0]].concat();
        assert_eq!(Parts::read(&longer).err(), Some(Unproven::SudiStructure));
    }

    #[test]
    fn the_parts_stand_in_their_order() {
        let mut data = whole();
        for (place, kind) in [(0, SHA1), (6, SHA512), (6, 2), (12, SHA1)] {
            let before = std::mem::replace(&mut data[place], kind);
            assert_eq!(Parts::read(&data).err(), Some(Unproven::SudiStructure));
            data[place] = before;
        }
    }

    #[test]
    fn the_session_is_little_endian() {
        assert_eq!(message(0x0102_0304, b"der"), b"\x04\x03\x02\x01der");
    }
}
