//! Typed fields of an object, each refusal with its JSON pointer.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::rules;
use super::value::{Value, pointer};
use crate::error::{Error, Result};

/// The most characters of a single line, unless a field says less.
const LINE: usize = 1024;
/// The largest integer that every JSON reader keeps exactly (RFC 8259 §6).
const EXACT: u64 = (1 << 53) - 1;

/// The members of one object that are still to be taken.
#[derive(Debug)]
pub struct Fields<'a> {
    pointer: String,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// The members of `value`, which must be an object that has no other names than `known`.
    /// Errors: `type-mismatch`, `unknown-field`.
    pub fn of(value: Value<'a>, at: &str, known: &[&str]) -> Result<Self> {
        let Value::Object(members) = value else { return Err(mismatch("an object", &value).at(at)) };
        if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(&name.as_ref())) {
            let detail = format!("the fields here are: {}", known.join(", "));
            return Err(Error::malformed("unknown-field", detail).at(pointer(at, name)));
        }
        Ok(Self { pointer: at.to_owned(), members })
    }

    /// A single line, if it is there and not null. Errors: `type-mismatch` and those of [`rules::line`].
    pub fn line(&mut self, name: &str) -> Result<Option<String>> {
        self.text(name)?.map(|t| rules::line(&t, LINE).map_err(|e| self.at(name, e))).transpose()
    }

    /// A single line. Errors: also `missing-field`, `null-not-allowed`.
    pub fn required_line(&mut self, name: &str) -> Result<String> {
        self.must(name)?;
        let line = self.line(name)?;
        line.ok_or_else(|| self.missing(name))
    }

    /// A name of ours, parsed. Errors: also `confusable-name` and those of the type.
    pub fn required_name<T: FromStr<Err = Error>>(&mut self, name: &str) -> Result<T> {
        self.must(name)?;
        let found = self.name(name)?;
        found.ok_or_else(|| self.missing(name))
    }

    /// A name of ours, parsed, if it is there.
    pub fn name<T: FromStr<Err = Error>>(&mut self, name: &str) -> Result<Option<T>> {
        let read = |t: Cow<'a, str>| rules::name(&t).and_then(|n| n.parse());
        self.text(name)?.map(|t| read(t).map_err(|e| self.at(name, e))).transpose()
    }

    /// A single line, parsed by `read`. Errors: also those of `read`.
    pub fn parsed<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.line(name)?.map(|t| read(&t).map_err(|e| self.at(name, e))).transpose()
    }

    /// PEM (or base64) of something public, of many lines. Errors: also `private-key-not-accepted`.
    pub fn required_pem(&mut self, name: &str) -> Result<String> {
        self.must(name)?;
        let text = self.text(name)?.ok_or_else(|| self.missing(name))?;
        rules::public_pem(&text).map_err(|e| self.at(name, e))?;
        Ok(text.into_owned())
    }

    /// As [`Self::required_pem`], if it is there and not null.
    pub fn pem(&mut self, name: &str) -> Result<Option<String>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        rules::public_pem(&text).map_err(|e| self.at(name, e))?;
        Ok(Some(text.into_owned()))
    }

    /// A secret or private key, kept out of logs and wiped after use.
    pub fn secret(&mut self, name: &str) -> Result<Option<Zeroizing<String>>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let text = Zeroizing::new(text.into_owned());
        rules::lines(&text).map_err(|e| self.at(name, e))?;
        Ok(Some(text))
    }

    /// A secret that must be there. Errors: also `missing-field`, `null-not-allowed`.
    pub fn required_secret(&mut self, name: &str) -> Result<Zeroizing<String>> {
        self.must(name)?;
        let secret = self.secret(name)?;
        secret.ok_or_else(|| self.missing(name))
    }

    /// A boolean; false if it is not there.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(self.at(name, mismatch("a boolean", &other))),
        }
    }

    /// An integer within `range`. Errors: `out-of-range`; nothing is rounded.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(written)) => {
                let value = written.parse::<u64>().ok().filter(|n| *n <= EXACT && range.contains(n));
                value.map(Some).ok_or_else(|| self.at(name, out_of_range(&range)))
            }
            Some(other) => Err(self.at(name, mismatch("an integer", &other))),
        }
    }

    /// A list of single lines; empty if it is not there. Errors: `too-many-items` over `most`.
    pub fn lines(&mut self, name: &str, most: usize) -> Result<Vec<String>> {
        let here = pointer(&self.pointer, name);
        self.list(name, most)?
            .into_iter()
            .enumerate()
            .map(|(i, item)| element(item).map_err(|e| e.at(format!("{here}/{i}"))))
            .collect()
    }

    /// A list of objects; empty if it is not there. Errors: `too-many-items` over `most`, and as [`Fields::of`].
    pub fn objects(&mut self, name: &str, most: usize, known: &[&str]) -> Result<Vec<Fields<'a>>> {
        let here = pointer(&self.pointer, name);
        let items = self.list(name, most)?.into_iter().enumerate();
        items.map(|(i, item)| Fields::of(item, &format!("{here}/{i}"), known)).collect()
    }

    /// An object within this one. Errors: `type-mismatch`, `unknown-field`.
    pub fn object(&mut self, name: &str, known: &[&str]) -> Result<Option<Fields<'a>>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => Fields::of(value, &pointer(&self.pointer, name), known).map(Some),
        }
    }

    /// `error`, naming the field.
    pub fn at(&self, name: &str, error: Error) -> Error {
        error.at(pointer(&self.pointer, name))
    }

    /// `missing-field` for this name.
    pub fn missing(&self, name: &str) -> Error {
        self.at(name, Error::invalid("missing-field", format!("{name} is needed")))
    }

    fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let place = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.swap_remove(place).1)
    }

    fn list(&mut self, name: &str, most: usize) -> Result<Vec<Value<'a>>> {
        let items = match self.take(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::List(items)) => items,
            Some(other) => return Err(self.at(name, mismatch("an array", &other))),
        };
        if items.len() > most {
            return Err(self.at(name, Error::invalid("too-many-items", format!("at most {most} items"))));
        }
        Ok(items)
    }

    fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.at(name, mismatch("a string", &other))),
        }
    }

    fn must(&self, name: &str) -> Result<()> {
        match self.members.iter().find(|(known, _)| known == name) {
            Some((_, Value::Null)) => {
                Err(self.at(name, Error::invalid("null-not-allowed", format!("{name} may not be null"))))
            }
            Some(_) => Ok(()),
            None => Err(self.missing(name)),
        }
    }
}

fn element(item: Value<'_>) -> Result<String> {
    match item {
        Value::Text(text) => rules::line(&text, LINE),
        Value::Null => Err(Error::invalid("null-not-allowed", "an item may not be null")),
        other => Err(mismatch("a string", &other)),
    }
}

fn mismatch(expected: &str, found: &Value<'_>) -> Error {
    Error::malformed("type-mismatch", format!("{expected} is expected, not {}", found.sort()))
}

fn out_of_range(range: &RangeInclusive<u64>) -> Error {
    Error::invalid(
        "out-of-range",
        format!("an integer from {} to {} is expected", range.start(), range.end()),
    )
}
