//! Faults of a profile file, each with its file, line and reason.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};

/// Collects what is wrong with one file.
pub(super) struct Faults<'a> {
    file: &'a str,
    source: &'a str,
    document: Option<Spanned<DeTable<'a>>>,
    found: Vec<Error>,
}

impl<'a> Faults<'a> {
    /// For a file of this name and text.
    pub(super) fn new(file: &'a str, source: &'a str) -> Self {
        Self { file, source, document: DeTable::parse(source).ok(), found: Vec::new() }
    }

    /// Notes a fault at a key (its path, array places as numbers); the nearest key that exists gives the line.
    pub(super) fn note(&mut self, path: &[&str], fault: Error) {
        let line = self.line(path);
        self.found.push(fault.at(format!("{}:{line}", self.file)));
    }

    /// Notes a rule that a key breaks.
    pub(super) fn rule(&mut self, path: &[&str], code: &'static str, reason: impl Into<String>) {
        self.note(path, Error::invalid(code, reason));
    }

    /// Notes what the TOML reader found, with its place.
    pub(super) fn toml(&mut self, fault: &toml::de::Error) {
        let line = fault.span().map_or(1, |span| self.line_at(span.start));
        let reason = fault.message().lines().collect::<Vec<_>>().join(" ");
        self.found.push(Error::invalid("bad-profile", reason).at(format!("{}:{line}", self.file)));
    }

    /// The value, or nothing and its fault noted.
    pub(super) fn take<T>(&mut self, path: &[&str], outcome: Result<T>) -> Option<T> {
        outcome.map_err(|fault| self.note(path, fault)).ok()
    }

    /// Whether nothing was found.
    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// All that was found.
    pub(super) fn into_found(self) -> Vec<Error> {
        self.found
    }

    fn line(&self, path: &[&str]) -> usize {
        let Some(document) = &self.document else {
            return 1;
        };
        let Some((first, rest)) = path.split_first() else {
            return 1;
        };
        let Some(mut value) = document.get_ref().get(*first) else {
            return 1;
        };
        for part in rest {
            match step(value, part) {
                Some(inner) => value = inner,
                None => break,
            }
        }
        self.line_at(value.span().start)
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.source.as_bytes().iter().take(offset);
        before.filter(|b| **b == b'\n').count() + 1
    }
}

fn step<'v, 'i>(value: &'v Spanned<DeValue<'i>>, part: &str) -> Option<&'v Spanned<DeValue<'i>>> {
    match part.parse::<usize>() {
        Ok(place) => value.get_ref().get(place),
        Err(_) => value.get_ref().get(part),
    }
}
