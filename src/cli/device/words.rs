//! The words of operations, for clap and for sheets.

use crate::admin::api::devices::FILTERS;
use crate::device::records::{Action, Authentication, KeyOrder};
use crate::error::{Error, Result};

/// What is to be done with a device, or `none`. Errors: `invalid-operation`.
pub fn operation(word: &str) -> Result<String> {
    if word != "none" {
        word.parse::<Action>()?;
    }
    Ok(word.to_owned())
}

/// How a device proves itself. Errors: `invalid-authentication`.
pub fn authentication(word: &str) -> Result<String> {
    word.parse::<Authentication>().map(|_| word.to_owned())
}

/// A key, or an EC key and the RSA key of a device that cannot make it, as `p-384/rsa-2048`. Errors: `invalid-key-order`.
pub fn key(text: &str) -> Result<String> {
    text.parse::<KeyOrder>().map(|_| text.to_owned())
}

/// An authentication string, or `generate`. Errors: `invalid-authentication-string`.
pub fn string(text: &str) -> Result<String> {
    if text == "generate" || crate::device::string::check(text).is_ok() {
        return Ok(text.to_owned());
    }
    let rule = "an authentication string is 4 to 10 digits, or generate";
    Err(Error::invalid("invalid-authentication-string", rule))
}

/// A filter, as `model=8845`. Errors: `invalid-filter`.
pub fn filter(text: &str) -> Result<(String, String)> {
    let given = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let given = given.filter(|(name, _)| FILTERS.contains(name));
    let named = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    named.ok_or_else(|| {
        Error::invalid("invalid-filter", format!("a filter is NAME=VALUE; names are {}", FILTERS.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_at_before_they_are_sent() {
        assert!(["install", "upgrade", "none"].iter().all(|word| operation(word).is_ok()));
        assert!(["", "instal", "None"].iter().all(|word| operation(word).is_err()));
        assert!(["1234", "0123456789", "generate"].iter().all(|text| string(text).is_ok()));
        assert!(["", "123", "12a4", "12345678901"].iter().all(|text| string(text).is_err()));
        assert_eq!(filter("lsc_issuer=CN=a").unwrap(), ("lsc_issuer".to_owned(), "CN=a".to_owned()));
        assert!(["", "model", "model=", "=x", "colour=red"].iter().all(|text| filter(text).is_err()));
    }
}
