//! What differs between two lists, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Entry;
use crate::trust::role::Role;
use crate::trust::sign::SignatureDigest;
use crate::trust::tlv::{SignerVersion, serial};
use crate::x509::name::escape_line;

/// What of a list is compared.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    pub(super) signer_name: String,
    pub(super) signer_serial: &'a [u8],
    pub(super) digest: SignatureDigest,
    pub(super) signer_version: Option<SignerVersion>,
    pub(super) entries: &'a [Entry],
}

/// A certificate as it is told from others: by its subject and its serial number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The subject.
    pub subject: String,
    /// The serial number, upper-case hexadecimal.
    pub serial: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another signer: who signed the old list, and who the new one.
    Signer(Who, Who),
    /// Another digest.
    Digest(SignatureDigest, SignatureDigest),
    /// Another signer version.
    SignerVersion(Option<SignerVersion>, Option<SignerVersion>),
    /// A certificate that stood there in no role, now in this one.
    Added(Who, Role),
    /// A certificate that stands there in no role any more, formerly in this one.
    Removed(Who, Role),
    /// A certificate in other roles.
    Roles(Who, Vec<Role>, Vec<Role>),
}

/// What differs, the signer first, then what went, what came, and what changed its role. The order of entries and what
/// stands beside a certificate (host name, address) do not count.
pub fn diff(old: &Outline<'_>, new: &Outline<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    if (old.signer(), old.signer_serial) != (new.signer(), new.signer_serial) {
        changes.push(Change::Signer(old.signer(), new.signer()));
    }
    if old.digest != new.digest {
        changes.push(Change::Digest(old.digest, new.digest));
    }
    if old.signer_version != new.signer_version {
        changes.push(Change::SignerVersion(old.signer_version, new.signer_version));
    }
    let (before, after) = (old.roles(), new.roles());
    let each = |who: &Who, roles: &BTreeSet<Role>, change: fn(Who, Role) -> Change| {
        roles.iter().map(|role| change(who.clone(), *role)).collect::<Vec<_>>()
    };
    for (_, (who, roles)) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        changes.extend(each(who, roles, Change::Removed));
    }
    for (key, (who, roles)) in &after {
        match before.get(key) {
            None => changes.extend(each(who, roles, Change::Added)),
            Some((_, former)) if former != roles => {
                let list = |roles: &BTreeSet<Role>| roles.iter().copied().collect();
                changes.push(Change::Roles(who.clone(), list(former), list(roles)));
            }
            Some(_) => {}
        }
    }
    changes
}

/// By what two lists mean the same certificate: all of it, or what stands in place of it.
type Key = Vec<u8>;

impl Outline<'_> {
    fn signer(&self) -> Who {
        Who { subject: self.signer_name.clone(), serial: serial::text(self.signer_serial) }
    }

    fn roles(&self) -> BTreeMap<Key, (Who, BTreeSet<Role>)> {
        let mut found: BTreeMap<Key, (Who, BTreeSet<Role>)> = BTreeMap::new();
        for entry in self.entries {
            let who = Who { subject: entry.subject(), serial: serial::text(entry.serial()) };
            let (_, roles) = found.entry(key(entry)).or_insert_with(|| (who, BTreeSet::new()));
            roles.insert(entry.role());
        }
        found
    }
}

fn key(entry: &Entry) -> Key {
    match entry.trusted() {
        super::Trusted::Certificate(certificate) => certificate.fingerprint().to_vec(),
        super::Trusted::Hash(hash) => hash.hash().to_vec(),
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (serial number {})", escape_line(&self.subject), self.serial)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signer(old, new) => write!(f, "signer changed from {old} to {new}"),
            Self::Digest(old, new) => write!(f, "digest changed from {old} to {new}"),
            Self::SignerVersion(old, new) => {
                let said = |v: &Option<SignerVersion>| v.map_or_else(|| "none".to_owned(), |v| v.to_string());
                write!(f, "signer version changed from {} to {}", said(old), said(new))
            }
            Self::Added(who, role) => write!(f, "added {role} {who}"),
            Self::Removed(who, role) => write!(f, "removed {role} {who}"),
            Self::Roles(who, old, new) => {
                write!(f, "role of {who} changed from {} to {}", roles(old), roles(new))
            }
        }
    }
}

fn roles(roles: &[Role]) -> String {
    roles.iter().map(Role::to_string).collect::<Vec<_>>().join(" and ")
}
