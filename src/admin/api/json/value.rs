//! A JSON value as it was read: nothing rounded, nothing merged.

use std::borrow::Cow;

/// A JSON value; texts without escapes borrow from the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object: its members in order, each name once.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    /// What it is, for people.
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// `parent` followed by `name` as a JSON pointer (RFC 6901 §3); long names are cut.
pub fn pointer(parent: &str, name: &str) -> String {
    if name.len() <= 64 && !name.contains(['~', '/']) {
        return [parent, "/", name].concat();
    }
    let name: String = name.chars().take(64).collect();
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}
