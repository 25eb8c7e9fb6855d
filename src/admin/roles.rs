//! Who may do what: `policies/roles.toml`, validated as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Kind, Result};

mod permission;

pub use permission::Permission;

/// The file within the policies folder.
pub const FILE: &str = "roles.toml";
const SHIPPED: &str = include_str!("../../policies/roles.toml");

/// A named set of permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    permissions: BTreeSet<Permission>,
}

impl Role {
    /// Whether it holds this permission.
    pub fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// All roles, immutable.
#[derive(Clone, Debug)]
pub struct Roles(BTreeMap<String, Arc<Role>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    roles: BTreeMap<String, Draft>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    description: String,
    permissions: Vec<String>,
}

impl Roles {
    /// The set that is compiled in.
    pub fn shipped() -> Result<Self> {
        Self::parse(SHIPPED)
    }

    /// Writes the shipped file into `policies` (a folder), leaving an existing one alone. Errors: `policies`.
    pub fn write_shipped(policies: &Path) -> Result<()> {
        use std::io::Write as _;
        let path = policies.join(FILE);
        match std::fs::File::create_new(&path) {
            Ok(mut file) => file.write_all(SHIPPED.as_bytes()).map_err(|e| unwritable(&path, e)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(unwritable(&path, e)),
        }
    }

    /// Reads `roles.toml` below `policies`; the shipped set if there is none. Errors: `bad-roles` with file, line
    /// and reason.
    pub fn load(policies: &Path) -> Result<Self> {
        let path = policies.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::shipped(),
            Err(e) => Err(bad(1, "cannot be read").because(e)),
        }
    }

    /// Reads and validates a whole set. Errors: `bad-roles`.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |s| s.start);
            bad(line_of(text, at), e.message())
        })?;
        let mut roles = BTreeMap::new();
        for (name, draft) in file.roles {
            let line = text.find(&format!("[roles.{name}]")).map_or(1, |at| line_of(text, at));
            let role = draft.check(&name).map_err(|reason| bad(line, &format!("role {name}: {reason}")))?;
            roles.insert(name, Arc::new(role));
        }
        if !roles.values().any(|role| role.allows(Permission::TokensManage)) {
            return Err(bad(1, "no role may manage tokens (tokens:manage): nobody could let anyone in"));
        }
        Ok(Self(roles))
    }

    /// The role of that name.
    pub fn find(&self, name: &str) -> Option<&Arc<Role>> {
        self.0.get(name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Draft {
    fn check(self, name: &str) -> Result<Role, String> {
        name.parse::<crate::id::ProfileId>().map_err(|e| e.detail().to_owned())?;
        let mut permissions = BTreeSet::new();
        for word in &self.permissions {
            let permission = Permission::parse(word).ok_or_else(|| {
                let all: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
                format!("no permission {word:?}; they are {}", all.join(", "))
            })?;
            if !permissions.insert(permission) {
                return Err(format!("{word} stands twice"));
            }
        }
        if permissions.is_empty() {
            return Err("it has no permission".to_owned());
        }
        Ok(Role { name: name.to_owned(), description: self.description, permissions })
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count()
}

fn bad(line: usize, reason: &str) -> Error {
    Error::invalid("bad-roles", format!("line {line}: {reason}")).at(format!("{FILE}:{line}"))
}

fn unwritable(path: &Path, e: std::io::Error) -> Error {
    Error::new(Kind::Storage, "policies", format!("cannot write {}", path.display())).because(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_administrator_may_do_everything_and_the_auditor_changes_nothing() {
        let roles = Roles::shipped().unwrap();
        let administrator = roles.find("administrator").unwrap();
        assert!(Permission::ALL.iter().all(|p| administrator.allows(*p)));
        let auditor = roles.find("auditor").unwrap();
        assert!(Permission::ALL.iter().filter(|p| p.changes()).all(|p| !auditor.allows(*p)));
    }

    #[test]
    fn a_bad_set_is_refused_as_a_whole_with_its_line() {
        let good = "[roles.boss]\ndescription = \"x\"\npermissions = [\"tokens:manage\"]\n";
        assert!(Roles::parse(good).is_ok());
        let cases = [
            (
                "[roles.a]\ndescription = \"x\"\npermissions = [\"rule:world\"]\n",
                "line 5: role a: no permission",
            ),
            ("[roles.a]\ndescription = \"x\"\npermissions = []\n", "line 5: role a: it has no permission"),
            ("[roles.a]\ndescription = \"x\"\npowers = []\n", "line 7"),
            ("[roles.A]\ndescription = \"x\"\npermissions = [\"audit:read\"]\n", "line 5: role A: a name is"),
        ];
        for (more, expected) in cases {
            let error = Roles::parse(&format!("{good}\n{more}")).unwrap_err();
            assert_eq!(error.code(), "bad-roles");
            assert!(error.detail().contains(expected), "{} / {expected}", error.detail());
        }
        let nobody = "[roles.a]\ndescription = \"x\"\npermissions = [\"audit:read\"]\n";
        assert!(Roles::parse(nobody).unwrap_err().detail().contains("tokens:manage"));
    }
}
