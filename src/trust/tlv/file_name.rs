//! The name of a file as its header carries it.

use crate::error::{Error, Result};

/// The longest name, in octets.
const MAX_LEN: usize = 255;

/// A file's base name: no folder, nothing that a path, a header line or a terminal could be tricked with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Reads a name. Errors: `bad-file-name`.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |rule: &str| Err(Error::invalid("bad-file-name", format!("a file name {rule}")));
        if text.is_empty() || text.len() > MAX_LEN {
            return bad("has 1 to 255 octets");
        }
        if text.contains(['/', '\\']) || text == "." || text == ".." {
            return bad("is a base name, without a folder");
        }
        if text.chars().any(crate::x509::name::unsafe_character) {
            return bad("holds no control and no invisible characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with more at its end, as `.sgn`. Errors: `bad-file-name` if it gets too long.
    pub fn with(&self, suffix: &str) -> Result<Self> {
        Self::parse(&format!("{}{suffix}", self.0))
    }

    /// The name without what it ends in; none if it ends otherwise or nothing would be left.
    pub fn without(&self, suffix: &str) -> Option<Self> {
        self.0.strip_suffix(suffix).and_then(|name| Self::parse(name).ok())
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for FileName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
