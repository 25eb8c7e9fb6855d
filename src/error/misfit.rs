//! What of a request did not fit its profile, in parts, so that an explanation can name each.

use serde::{Deserialize, Serialize};

/// Which sort of rule of a profile refused. Stored with refused requests: new ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProfileRule {
    /// A subject attribute that the profile does not name.
    SubjectForbidden,
    /// A subject attribute that must be there.
    SubjectRequired,
    /// A subject attribute that stands there too often.
    SubjectRepeated,
    /// The value of a subject attribute fits no pattern.
    SubjectPattern,
    /// A sort of alternative name that the profile does not allow.
    SanType,
    /// A wildcard where there may be none.
    SanWildcard,
    /// An alternative name that fits no pattern.
    SanPattern,
    /// Too few or too many alternative names.
    SanCount,
    /// The common name is none of the alternative names.
    CommonNameAmong,
    /// A key of a type or size that is not allowed.
    Key,
    /// A rule in CEL.
    Expression,
}

/// A value that broke a rule of a profile. As the requester wrote it; never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// The sort of rule.
    pub rule: ProfileRule,
    /// What of the request: `subject O`, `SAN`, `key`; for a rule in CEL its message.
    pub part: String,
    /// The value that was asked for; empty where there is none.
    pub value: String,
    /// What the profile allows.
    pub allowed: String,
}

impl Misfit {
    /// With values cut at 200 characters.
    pub fn new(
        rule: ProfileRule,
        part: impl Into<String>,
        value: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        let cut = |text: String| text.chars().take(200).collect();
        Self { rule, part: cut(part.into()), value: cut(value.into()), allowed: cut(allowed.into()) }
    }
}
