//! Authentication strings: digits that a user types in on the phone, one device's, for one operation.
//!
//! They are short, so they are kept as a MAC under a key of the vault: a copy of the store alone does not tell them, and
//! guessing at the door is counted and slowed down ([`crate::device::Change::wrong_string`]).

use std::ops::RangeInclusive;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::device::records::{DeviceRecord, MAC_LENGTH, StringMac};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::keys::{KeyStore, Sealer};
use crate::random::Random;

/// How many digits a string has.
pub const LENGTH: RangeInclusive<usize> = 4..=10;
/// How many one has that we make.
pub const USUAL_LENGTH: usize = 8;

/// Makes and compares the MACs of authentication strings.
#[derive(Debug)]
pub struct Strings(Sealer);

impl Strings {
    /// With the key of this vault. Errors: `internal`.
    pub fn of(keys: &dyn KeyStore) -> Result<Self> {
        keys.sealer("device-string").map(Self)
    }

    /// What is kept of a string of one operation of one device.
    pub fn mac(&self, device: RecordId, operation: RecordId, string: &str) -> StringMac {
        let context = [device.as_bytes().as_slice(), operation.as_bytes()].concat();
        StringMac(self.0.mac(&context, string.as_bytes()))
    }

    /// Whether this is the string of the device's operation, in the same time whatever is wrong with it: where there is
    /// no device, no operation or no string, one is compared that nobody has.
    pub fn is_right(&self, device: Option<&DeviceRecord>, given: &str) -> bool {
        let known = device.and_then(|device| Some((device.id, device.operation.as_ref()?)));
        let kept = known.and_then(|(_, operation)| operation.string.as_ref());
        let context = known.map_or([0; 32], |(device, operation)| {
            let mut context = [0; 32];
            context[..16].copy_from_slice(device.as_bytes());
            context[16..].copy_from_slice(operation.id.as_bytes());
            context
        });
        let made = self.0.mac(&context, given.as_bytes());
        let same = made.ct_eq(kept.map_or(&[0; MAC_LENGTH], |mac| &mac.0));
        bool::from(same) && kept.is_some()
    }
}

/// Holds that a string is 4 to 10 digits. Errors: `invalid-authentication-string`.
pub fn check(string: &str) -> Result<()> {
    if LENGTH.contains(&string.len()) && string.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::invalid("invalid-authentication-string", "an authentication string is 4 to 10 digits"))
}

/// A new string of [`USUAL_LENGTH`] digits. Errors: `internal` if randomness fails.
pub fn generate(random: &Random) -> Result<Zeroizing<String>> {
    let mut digits = Zeroizing::new(String::with_capacity(USUAL_LENGTH));
    while digits.len() < USUAL_LENGTH {
        let bytes: Zeroizing<[u8; 16]> = Zeroizing::new(random.bytes()?);
        // 250 is the largest multiple of ten in a byte: every digit is as likely.
        let (usable, missing) = (bytes.iter().filter(|byte| **byte < 250), USUAL_LENGTH - digits.len());
        digits.extend(usable.map(|byte| char::from(b'0' + byte % 10)).take(missing));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_digits_that_a_keypad_has() {
        for good in ["1234", "0000000000"] {
            check(good).unwrap();
        }
        for bad in ["", "123", "12345678901", "12a4", "١٢٣٤", "12 4"] {
            assert_eq!(check(bad).unwrap_err().code(), "invalid-authentication-string", "{bad}");
        }
    }

    #[test]
    fn one_of_ours_is_eight_digits_and_another_each_time() {
        let random = Random::system();
        let made: Vec<_> = (0..20).map(|_| generate(&random).unwrap()).collect();
        made.iter().for_each(|string| check(string).unwrap());
        assert!(made.iter().all(|string| string.len() == USUAL_LENGTH));
        assert!(made.windows(2).all(|two| two[0] != two[1]));
    }
}
