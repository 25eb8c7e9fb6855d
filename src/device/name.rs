//! Names of devices as call control knows them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// So many parts of a name are found by themselves.
const MOST_PARTS: usize = 10;
/// What the API has in the place of a name.
const RESERVED: [&str; 2] = ["batch", "operations"];

/// A device's name: `SEP` and 12 hexadecimal digits for every desk phone, `CSF…`, `TCT…`, `BOT…`, `TAB…` for soft
/// clients, any other for gateways: 1 to 128 letters, digits, `.`, `_` and `-`. Names that differ by case alone are
/// one name; of a desk phone it is written in capitals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is known by, whatever its case: capitals.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// The words it is found by, in capitals: itself, the MAC address of a desk phone, the parts of another's name.
    pub fn words(&self) -> Vec<String> {
        let whole = self.folded();
        if self.is_desk_phone() {
            return vec![whole[3..].to_owned(), whole];
        }
        let parts = whole.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| part.len() > 1);
        let mut words: Vec<String> = parts.map(str::to_owned).take(MOST_PARTS).collect();
        words.push(whole);
        words.sort_unstable();
        words.dedup();
        words
    }

    /// Whether it is a desk phone's: `SEP` and a MAC address.
    pub fn is_desk_phone(&self) -> bool {
        is_desk_phone(&self.0)
    }
}

fn is_desk_phone(text: &str) -> bool {
    let digits = text.get(3..).unwrap_or_default();
    text.len() == 15
        && text.is_char_boundary(3)
        && text[..3].eq_ignore_ascii_case("SEP")
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

impl FromStr for DeviceName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let is_path = text.bytes().all(|b| b == b'.');
        let is_reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is_reserved {
            let rule = format!("a device is not named {text}: the API has that word in its own paths");
            return Err(Error::invalid("invalid-device-name", rule));
        }
        if !(1..=128).contains(&text.len()) || !text.bytes().all(allowed) || is_path {
            let rule = "a device's name is 1 to 128 letters, digits, dots, underscores and hyphens, as in SEP0123456789AB";
            return Err(Error::invalid("invalid-device-name", rule));
        }
        Ok(Self(if is_desk_phone(text) { text.to_ascii_uppercase() } else { text.to_owned() }))
    }
}

impl TryFrom<String> for DeviceName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for DeviceName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for DeviceName {}

#[cfg(test)]
mod tests {
    use super::*;

    /// CAPF-25.
    #[test]
    fn a_desk_phone_is_one_whatever_its_case() {
        let name: DeviceName = "sep0123456789ab".parse().unwrap();
        assert_eq!(name.as_str(), "SEP0123456789AB");
        assert!(name.is_desk_phone());
        let soft: DeviceName = "CSFjdoe".parse().unwrap();
        assert_eq!(soft.as_str(), "CSFjdoe");
        assert_eq!(soft, "csfJDOE".parse().unwrap());
        assert!(!soft.is_desk_phone());
    }

    #[test]
    fn it_is_found_by_its_mac_address_or_by_its_parts() {
        let words = |name: &str| name.parse::<DeviceName>().unwrap().words();
        assert_eq!(words("SEP0123456789AB"), ["0123456789AB", "SEP0123456789AB"]);
        assert_eq!(words("gw-Berlin.7"), ["BERLIN", "GW", "GW-BERLIN.7"]);
        assert_eq!(words("CSFjdoe"), ["CSFJDOE"]);
    }

    /// CAPF-23.
    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "batch",
            "Operations",
            "SEP 1",
            "SEPx\0admin",
            "SEP/../x",
            "Gerät",
            &"A".repeat(129),
        ] {
            assert!(text.parse::<DeviceName>().is_err(), "{text:?}");
        }
    }
}
