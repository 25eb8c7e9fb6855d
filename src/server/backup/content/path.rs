//! Where a file of a backup may go: to known places in the data folder, and nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::keys::software::archive::KEY_FILES;
use crate::server::backup::damaged;

/// The deepest path, in names.
const MAX_DEPTH: usize = 8;
/// The longest name, in bytes, as Linux has it.
const MAX_NAME: usize = 255;

/// A relative path of plain names below a place that belongs into a backup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SafePath(String);

impl SafePath {
    /// Reads a path, as `policies/roles.toml`. Errors: `damaged-backup` for one that leads elsewhere.
    pub fn parse(text: &str) -> Result<Self> {
        let names: Vec<&str> = text.split('/').collect();
        let plain = names.len() <= MAX_DEPTH && names.iter().all(|name| is_plain(name));
        let known = match names.as_slice() {
            ["signet.toml" | "admin.token" | "tls-ca.pem"] => true,
            ["keys", name] => KEY_FILES.iter().any(|suffix| name.ends_with(suffix)),
            ["audit", "head.json" | "key.pem"] => true,
            ["policies", _, ..] => true,
            _ => false,
        };
        if plain && known {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
        Err(damaged(format!("{shown} is no file of a data folder")))
    }

    /// Itself below `folder`.
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }

    /// Itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only its owner may read it.
    pub fn is_private(&self) -> bool {
        self.0.starts_with("keys/") || self.0 == "admin.token" || self.0 == "signet.toml"
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || c == '\\' || c == '/')
}
