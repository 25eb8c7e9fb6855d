//! The security password: how it becomes a key (argon2id, RFC 9106) and how a random one is made.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::frame::KEY_LEN;
use crate::error::{Error, Result};
use crate::random::Random;

/// Length of the salt in bytes (RFC 9106 §3.1 recommends 16).
pub const SALT_LEN: usize = 16;

/// Memory in KiB that a file may ask for: 1 GiB.
const MAX_MEMORY: u32 = 1024 * 1024;
/// Passes that a file may ask for.
const MAX_PASSES: u32 = 20;
/// Lanes that a file may ask for.
const MAX_LANES: u32 = 16;
/// A password's greatest length in bytes.
const MAX_PASSWORD: usize = 1024;

/// What one guess at the password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes, computed one after the other here.
    pub lanes: u32,
}

impl Cost {
    /// 64 MiB, 3 passes, 1 lane: the second recommendation of RFC 9106 §4 with one lane, since it is
    /// computed on one thread; about a fifth of a second at start.
    pub const DEFAULT: Self = Self { memory: 64 * 1024, passes: 3, lanes: 1 };

    /// Whether a file may ask for it: no more than 1 GiB, 20 passes and 16 lanes, and what argon2 demands.
    pub fn is_bearable(self) -> bool {
        self.memory <= MAX_MEMORY
            && self.passes <= MAX_PASSES
            && self.lanes <= MAX_LANES
            && self.params().is_some()
    }

    /// The greater of the two in each part.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            passes: self.passes.max(other.passes),
            lanes: self.lanes.max(other.lanes),
        }
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory, self.passes, self.lanes, Some(KEY_LEN)).ok()
    }
}

/// The 256-bit key of a password. Errors: `invalid-password` if it is empty or over 1024 bytes; `internal`.
pub fn derive(password: &str, salt: &[u8; SALT_LEN], cost: Cost) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Err(Error::invalid("invalid-password", "the security password has 1 to 1024 bytes"));
    }
    let params = cost.params().ok_or_else(|| Error::internal("the argon2 parameters are out of range"))?;
    let mut key = Zeroizing::new([0; KEY_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| Error::internal("argon2 failed: is there memory enough?"))?;
    Ok(key)
}

/// Crockford's base 32 in lower case: no i, l, o or u to misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a random password, 5 bits each: 160 bits.
const CHARACTERS: usize = 32;

/// A random password of 160 bits: eight groups of four letters and digits, joined by hyphens.
/// Errors: `internal` if randomness fails.
pub fn generate_password(random: &Random) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(random.bytes::<CHARACTERS>()?);
    // Room for all of it at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / 4));
    for (n, byte) in bytes.iter().enumerate() {
        if n > 0 && n % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_password_is_long_readable_and_never_the_same() {
        let random = Random::system();
        let one = generate_password(&random).unwrap();
        assert_eq!(one.len(), 39);
        assert!(one.split('-').all(|g| g.len() == 4 && g.bytes().all(|b| ALPHABET.contains(&b))));
        assert_ne!(*one, *generate_password(&random).unwrap());
    }

    #[test]
    fn the_default_cost_is_bearable_and_a_greedy_one_is_not() {
        assert!(Cost::DEFAULT.is_bearable());
        for greedy in [
            Cost { memory: MAX_MEMORY + 1, ..Cost::DEFAULT },
            Cost { passes: 21, ..Cost::DEFAULT },
            Cost { lanes: 17, ..Cost::DEFAULT },
            Cost { memory: 0, ..Cost::DEFAULT },
            Cost { passes: 0, ..Cost::DEFAULT },
            Cost { lanes: 0, ..Cost::DEFAULT },
        ] {
            assert!(!greedy.is_bearable(), "{greedy:?}");
        }
    }

    #[test]
    fn a_password_is_neither_empty_nor_endless() {
        let cheap = Cost { memory: 8, passes: 1, lanes: 1 };
        for bad in [String::new(), "x".repeat(1025)] {
            assert_eq!(derive(&bad, &[0; SALT_LEN], cheap).unwrap_err().code(), "invalid-password");
        }
        assert!(derive(&"x".repeat(1024), &[0; SALT_LEN], cheap).is_ok());
    }
}
