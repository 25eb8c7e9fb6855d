//! The words of operations as people and sheets write them.

use crate::error::{Error, Result};
use crate::x509::key::KeyAlgorithm;

/// What can be done with a device.
pub const OPERATIONS: &[&str] = &["install", "fetch", "delete", "none"];
/// How a device proves itself.
pub const AUTHENTICATIONS: &[&str] = &["string", "null-string", "existing-lsc", "existing-mic"];

/// Whether a word is among these. Errors: `invalid-value`.
pub fn one_of(what: &str, words: &[&str], word: &str) -> Result<()> {
    if words.contains(&word) {
        return Ok(());
    }
    Err(Error::invalid("invalid-value", format!("{what} is one of {}", words.join(", "))))
}

/// For clap: an operation.
pub fn operation(word: &str) -> Result<String> {
    one_of("operation", OPERATIONS, word).map(|()| word.to_owned())
}

/// For clap: how a device proves itself.
pub fn authentication(word: &str) -> Result<String> {
    one_of("auth", AUTHENTICATIONS, word).map(|()| word.to_owned())
}

/// An authentication string, or `generate`. Errors: `invalid-authentication-string`.
pub fn string(text: &str) -> Result<()> {
    let is_string = (4..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_string || text == "generate" {
        return Ok(());
    }
    let rule = "an authentication string is 4 to 10 digits, as they are on a phone; or generate";
    Err(Error::invalid("invalid-authentication-string", rule))
}

/// A key, or an EC key and the RSA key of a device that cannot make it, as `p-384/rsa-2048`.
/// Errors: `invalid-key-algorithm`.
pub fn key(text: &str) -> Result<String> {
    let (preferred, backup) = text.split_once('/').map_or((text, None), |(first, second)| (first, Some(second)));
    let preferred: KeyAlgorithm = preferred.parse()?;
    let backup = backup.map(str::parse::<KeyAlgorithm>).transpose()?;
    match backup {
        Some(backup) if preferred.is_rsa() || !backup.is_rsa() => {
            let rule = "what stands after the slash is the RSA key of a device that cannot make the EC key before it";
            Err(Error::invalid("invalid-key-algorithm", rule))
        }
        Some(_) | None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_or_ec_with_an_rsa_backup() {
        for good in ["rsa-2048", "p-256", "p-384/rsa-2048", "p-521/rsa-4096"] {
            assert_eq!(key(good).unwrap(), good);
        }
        for bad in ["", "rsa", "rsa-1024", "rsa-2048/p-256", "p-256/p-384", "p-256/", "p-256/rsa-2048/rsa-3072"] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_string_is_what_a_keypad_has() {
        assert!(string("1234").is_ok() && string("0123456789").is_ok() && string("generate").is_ok());
        for bad in ["", "123", "12345678901", "12a4", "１２３４", "12 4"] {
            assert!(string(bad).is_err(), "{bad}");
        }
    }
}
