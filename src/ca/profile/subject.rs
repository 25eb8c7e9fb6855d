//! What a profile makes of the subject that was asked for.

use const_oid::ObjectIdentifier;

use crate::ca::profile::attribute;
use crate::ca::profile::pattern::Pattern;
use crate::error::{Error, Misfit, ProfileRule, Result};
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
                None => return Err(self.forbidden(a)),
                Some(From::Fixed(_)) => {} // ours stands there already
                Some(From::Request) => written.push(a.clone()),
            }
        }
        Name::from_attributes(&written).map_err(|e| Error::bad_csr(e.detail().to_owned()))
    }

    fn forbidden(&self, attribute: &Attribute) -> Error {
        let named: Vec<String> = self.attributes.iter().map(|rule| attribute::name(rule.oid)).collect();
        let unfit = (ProfileRule::SubjectForbidden, attribute.value.as_str(), named.join(", "));
        refused(attribute.oid, "is not allowed", unfit)
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
            let unfit = (ProfileRule::SubjectRequired, "", "one value".to_owned());
            return Err(refused(self.oid, "is required", unfit));
        }
        let most = if self.oid == attribute::CN { 1 } else { MAX_REPEATS };
        if values.len() > most {
            let unfit = (ProfileRule::SubjectRepeated, "", format!("at most {most}"));
            let found = format!("is repeated too often: {} times, at most {most}", values.len());
            return Err(refused(self.oid, &found, unfit));
        }
        let fits = |v: &&&str| self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(v));
        if let Some(value) = values.iter().find(|v| !fits(v)) {
            let patterns: Vec<String> = self.patterns.iter().map(Pattern::to_string).collect();
            let rule = format!("does not fit the profile's pattern {}", patterns.join(" or "));
            return Err(refused(self.oid, &rule, (ProfileRule::SubjectPattern, value, patterns.join(", "))));
        }
        Ok(())
    }
}

fn refused(oid: ObjectIdentifier, said: &str, (rule, value, allowed): (ProfileRule, &str, String)) -> Error {
    let part = format!("subject {}", attribute::name(oid));
    let shown = if value.is_empty() { String::new() } else { format!(" \"{value:.100}\"") };
    Error::bad_csr(format!("{part}{shown} {said}")).misfit(Misfit::new(rule, part, value, allowed))
}
