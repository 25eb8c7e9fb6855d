//! What a profile makes of the subject that was asked for.

use const_oid::ObjectIdentifier;

use crate::ca::profile::attribute;
use crate::ca::profile::pattern::Pattern;
use crate::error::{Error, Result};
use crate::x509::name::{Attribute, Name};

/// Most attributes of one type (OU and DC repeat; a second CN would be ambiguous).
const MAX_REPEATS: usize = 8;

/// The rules for all attributes; what has no rule is forbidden.
#[derive(Debug, Default)]
pub struct SubjectRules {
    /// In the profile's order: fixed ones are written first, in this order.
    pub(super) attributes: Vec<AttributeRule>,
}

/// The rule for one attribute.
#[derive(Debug)]
pub struct AttributeRule {
    pub(super) oid: ObjectIdentifier,
    pub(super) from: From,
    pub(super) required: bool,
    pub(super) patterns: Vec<Pattern>,
}

/// Where an attribute comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The request.
    Request,
    /// The profile, whatever the request says.
    Fixed(String),
}

impl SubjectRules {
    /// The subject to be written for the one asked for. Errors: `bad-csr` naming attribute and rule.
    pub fn apply(&self, asked: &Name) -> Result<Name> {
        for rule in &self.attributes {
            rule.hold(asked)?;
        }
        let mut written = self.fixed();
        for a in asked.attributes() {
            match self.rule(a.oid).map(|r| &r.from) {
                None => return Err(refused(a.oid, "is not allowed by this profile")),
                Some(From::Fixed(_)) => {} // ours stands there already
                Some(From::Request) => written.push(a.clone()),
            }
        }
        Name::from_attributes(&written).map_err(|e| Error::bad_csr(e.detail().to_owned()))
    }

    fn rule(&self, oid: ObjectIdentifier) -> Option<&AttributeRule> {
        self.attributes.iter().find(|r| r.oid == oid)
    }

    fn fixed(&self) -> Vec<Attribute> {
        let fixed = self.attributes.iter().filter_map(|r| match &r.from {
            From::Fixed(value) => Some(Attribute { oid: r.oid, value: value.clone() }),
            From::Request => None,
        });
        fixed.collect()
    }
}

impl AttributeRule {
    fn hold(&self, asked: &Name) -> Result<()> {
        if matches!(self.from, From::Fixed(_)) {
            return Ok(());
        }
        let values: Vec<&str> =
            asked.attributes().filter(|a| a.oid == self.oid).map(|a| a.value.as_str()).collect();
        if self.required && values.is_empty() {
            return Err(refused(self.oid, "is required"));
        }
        let most = if self.oid == attribute::CN { 1 } else { MAX_REPEATS };
        if values.len() > most {
            return Err(refused(self.oid, "is repeated too often"));
        }
        let fits = |v: &&str| self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(v));
        if !values.iter().all(fits) {
            return Err(refused(self.oid, "does not fit the profile's pattern"));
        }
        Ok(())
    }
}

fn refused(oid: ObjectIdentifier, rule: &str) -> Error {
    Error::bad_csr(format!("subject {} {rule}", attribute::name(oid)))
}
