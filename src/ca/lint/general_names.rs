//! Alternative names and the URLs of CRL and issuer (RFC 5280 §4.2.1.6, §4.2.1.13, §4.2.2.1).

use der::{Class, Tag};

use super::broken;
use super::read::{Element, Elements, context, single};
use crate::error::Result;

/// Holds a GeneralNames value.
pub fn hold(value: &[u8]) -> Result<()> {
    let field = "subjectAltName";
    let mut names = Elements::new(single(value, Tag::Sequence, field)?, field);
    if names.is_empty() {
        return Err(broken(field, "is empty"));
    }
    while !names.is_empty() {
        name(names.any()?, field)?;
    }
    Ok(())
}

fn name(element: Element<'_>, field: &'static str) -> Result<()> {
    if element.tag.class() != Class::ContextSpecific {
        return Err(broken(field, "holds something that is no GeneralName"));
    }
    let text = || std::str::from_utf8(element.content).ok().filter(|t| t.is_ascii() && !t.is_empty());
    let holds = match element.tag.number().0 {
        1 => text().is_some_and(|t| t.bytes().filter(|b| *b == b'@').count() == 1),
        2 => text().is_some_and(is_dns_name),
        6 => text().is_some_and(is_absolute),
        7 => matches!(element.content.len(), 4 | 16),
        _ => true,
    };
    if holds { Ok(()) } else { Err(broken(field, format_args!("holds a malformed {}", sort(element.tag)))) }
}

fn sort(tag: Tag) -> &'static str {
    match tag.number().0 {
        1 => "rfc822Name",
        2 => "dNSName",
        6 => "URI",
        7 => "iPAddress",
        _ => "name",
    }
}

/// A-labels of letters, digits and inner hyphens, 1 to 63 each; a wildcard only as the whole first label.
fn is_dns_name(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let rest = text.strip_prefix("*.").unwrap_or(text);
    text.len() <= 253 && rest.split('.').all(label)
}

fn is_absolute(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

/// Holds CRLDistributionPoints: every point has a full name of http URLs.
pub fn distribution_points(value: &[u8]) -> Result<()> {
    let field = "cRLDistributionPoints";
    let mut points = Elements::new(single(value, Tag::Sequence, field)?, field);
    if points.is_empty() {
        return Err(broken(field, "is empty"));
    }
    while !points.is_empty() {
        let mut point = Elements::new(points.next(Tag::Sequence)?.content, field);
        let full_name = single(point.next(context(0))?.content, context(0), field)?;
        let mut urls = Elements::new(full_name, field);
        while !urls.is_empty() {
            http_url(urls.any()?, field)?;
        }
    }
    Ok(())
}

/// Holds AuthorityInfoAccess: every location is an http URL.
pub fn information_access(value: &[u8]) -> Result<()> {
    let field = "authorityInfoAccess";
    let mut descriptions = Elements::new(single(value, Tag::Sequence, field)?, field);
    if descriptions.is_empty() {
        return Err(broken(field, "is empty"));
    }
    while !descriptions.is_empty() {
        let mut description = Elements::new(descriptions.next(Tag::Sequence)?.content, field);
        description.next(Tag::ObjectIdentifier)?;
        http_url(description.any()?, field)?;
        description.finish()?;
    }
    Ok(())
}

fn http_url(element: Element<'_>, field: &'static str) -> Result<()> {
    let is_uri = element.tag.class() == Class::ContextSpecific && element.tag.number().0 == 6;
    let host = std::str::from_utf8(element.content).ok().and_then(|url| url.strip_prefix("http://"));
    if is_uri && host.is_some_and(|host| host.is_ascii() && !host.is_empty() && !host.starts_with('/')) {
        return Ok(());
    }
    Err(broken(field, "must be an absolute http URL"))
}
