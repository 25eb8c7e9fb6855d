//! Query parameters: each name once, none unknown, all of them data.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::{Answer, Refusal};
use crate::error::{Error, Result};

/// The parameters of a query, still to be taken.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string. Errors: `invalid-query`, `invalid-utf8`, `duplicate-parameter`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Error::malformed("duplicate-parameter", format!("{name:.64} is given twice")));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Parameters that came otherwise, each name once.
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Holds that only these names are given. Errors: `unknown-parameter`.
    pub fn only(self, known: &[&str]) -> Result<Self> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let detail = format!("no parameter {name}; here they are: {}", known.join(", "));
                Err(Error::malformed("unknown-parameter", detail))
            }
        }
    }

    /// Takes a parameter's value; none if it is not given or empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(place).1).filter(|value| !value.is_empty())
    }

    /// Takes a parameter and reads it. Errors: those of `read`.
    pub fn parsed<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.take(name).map(|value| read(&value)).transpose()
    }

    /// The names given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Answer<Self> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default())?)
    }
}

/// Percent-decodes a name or value; `+` is a space.
fn decode(text: &str) -> Result<String> {
    let bad = || Error::malformed("invalid-query", "a % in the query is followed by two hexadecimal digits");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|d| std::str::from_utf8(d).ok()).ok_or_else(bad)?;
                if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(bad());
                }
                out.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
                rest = &rest[2..];
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| Error::malformed("invalid-utf8", "the query is not valid UTF-8"))
}
