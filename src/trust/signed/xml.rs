//! Just enough XML to find the elements of a phone's configuration and leave every other byte as it stands.
//!
//! Elements, attributes, comments, processing instructions and CDATA; a DOCTYPE is refused, so that no entity is ever
//! expanded.

use std::ops::Range;

use crate::error::{Error, Result};

/// The deepest nesting.
const MAX_DEPTH: usize = 64;
/// The most elements.
const MAX_ELEMENTS: usize = 50_000;

/// One element of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct XmlElement<'a> {
    pub name: &'a str,
    /// How many elements it stands in.
    pub depth: usize,
    /// From its start tag to its end tag, both included.
    pub whole: Range<usize>,
    /// What stands between them; none for an empty element's only tag.
    pub inside: Option<Range<usize>>,
}

/// The elements of a document in the order of their start tags, the root first. Errors: `bad-phone-configuration`.
pub(super) fn elements(text: &str) -> Result<Vec<XmlElement<'_>>> {
    let mut scan = Scan { text, at: 0, found: Vec::new(), open: Vec::new() };
    while let Some(start) = scan.next_markup()? {
        scan.markup(start)?;
    }
    match (scan.open.last(), scan.found.is_empty()) {
        (None, false) => Ok(scan.found),
        (Some(open), _) => Err(bad(text.len(), &format!("the element {} is not closed", scan.name(*open)))),
        (None, true) => Err(bad(text.len(), "there is no element")),
    }
}

/// The document as text. Errors: `bad-phone-configuration` if it is not UTF-8.
pub(super) fn text(document: &[u8]) -> Result<&str> {
    std::str::from_utf8(document).map_err(|e| bad(e.valid_up_to(), "the file is not UTF-8"))
}

/// The error that the document breaks `rule` at this octet.
pub(super) fn bad(at: usize, rule: &str) -> Error {
    Error::malformed("bad-phone-configuration", format!("the configuration file, at octet {at}: {rule}"))
}

/// Whether a text is an element name.
pub(super) fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
    starts && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'))
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    found: Vec<XmlElement<'a>>,
    /// The places in `found` of those that are open.
    open: Vec<usize>,
}

impl<'a> Scan<'a> {
    /// The offset of the next `<`; between elements of the document only white space may stand.
    fn next_markup(&mut self) -> Result<Option<usize>> {
        let rest = self.rest();
        let length = rest.find('<').unwrap_or(rest.len());
        let between = rest.get(..length).unwrap_or_default();
        let is_blank = between.trim_start_matches('\u{feff}').trim_ascii().is_empty();
        if self.open.is_empty() && !is_blank {
            return Err(bad(self.at, "text stands outside of the root element"));
        }
        let start = self.at + length;
        Ok((length < rest.len()).then_some(start))
    }

    fn markup(&mut self, start: usize) -> Result<()> {
        self.at = start;
        let rest = self.rest();
        for (begins, ends) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
            if let Some(inner) = rest.strip_prefix(begins) {
                let length =
                    inner.find(ends).ok_or_else(|| bad(start, &format!("{begins} has no {ends}")))?;
                self.at += begins.len() + length + ends.len();
                return Ok(());
            }
        }
        if rest.starts_with("<!") {
            return Err(bad(start, "a DOCTYPE is not taken"));
        }
        match rest.strip_prefix("</") {
            Some(inner) => self.end_tag(start, inner),
            None => self.start_tag(start),
        }
    }

    fn start_tag(&mut self, start: usize) -> Result<()> {
        let tag = tag_length(self.rest()).ok_or_else(|| bad(start, "a tag does not end"))?;
        let inner = self.rest().get(1..tag - 1).unwrap_or_default();
        let (inner, is_empty) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let name = inner.split_ascii_whitespace().next().unwrap_or_default();
        if !is_name(name) || !inner.starts_with(name) {
            return Err(bad(start, "a tag begins with a name"));
        }
        if self.open.is_empty() && !self.found.is_empty() {
            return Err(bad(start, "there are two root elements"));
        }
        if self.open.len() == MAX_DEPTH || self.found.len() == MAX_ELEMENTS {
            return Err(bad(start, "too many elements, or nested too deeply"));
        }
        self.at += tag;
        let inside = (!is_empty).then_some(self.at..self.at);
        if !is_empty {
            self.open.push(self.found.len());
        }
        let depth = self.open.len() - usize::from(!is_empty);
        self.found.push(XmlElement { name, depth, whole: start..self.at, inside });
        Ok(())
    }

    fn end_tag(&mut self, start: usize, inner: &str) -> Result<()> {
        let length = inner.find('>').ok_or_else(|| bad(start, "a tag does not end"))?;
        let name = inner.get(..length).unwrap_or_default().trim_ascii_end();
        self.at = start + "</".len() + length + 1;
        let opened = self.open.pop().and_then(|place| self.found.get_mut(place));
        let Some(element) = opened.filter(|element| element.name == name) else {
            return Err(bad(start, "an end tag closes no element"));
        };
        element.whole.end = self.at;
        if let Some(inside) = &mut element.inside {
            inside.end = start;
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn name(&self, place: usize) -> &'a str {
        self.found.get(place).map_or("", |element| element.name)
    }
}

/// The octets of the tag that a text begins with: `>` in a quoted value does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (place, octet) in text.bytes().enumerate() {
        match (quote, octet) {
            (None, b'>') => return Some(place + 1),
            (None, b'<') if place > 0 => return None,
            (None, b'"' | b'\'') => quote = Some(octet),
            (Some(open), _) if open == octet => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, usize, &str)> {
        let inside = |e: &XmlElement<'_>| e.inside.clone().map_or("", |range| &text[range]);
        elements(text).unwrap().iter().map(|e| (e.name, e.depth, inside(e))).collect()
    }

    #[test]
    fn elements_are_found_with_what_stands_in_them() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <no> -->\n<device a='>' b=\"/\">\n<x/><y >1<![CDATA[</y>]]></y >\n</device>\n";
        assert_eq!(
            found(text),
            [
                ("device", 0, "\n<x/><y >1<![CDATA[</y>]]></y >\n"),
                ("x", 1, ""),
                ("y", 1, "1<![CDATA[</y>]]>")
            ]
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a></a>x",
            "<a",
            "<a b=\"></a>",
            "<a <b>></a>",
            "< a></a>",
            "<1/>",
            "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
            "<a><!-- </a>",
            "<a><![CDATA[</a>",
        ] {
            assert_eq!(elements(text).unwrap_err().code(), "bad-phone-configuration", "{text}");
        }
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        assert!(elements(&deep).unwrap_err().detail().contains("nested too deeply"));
        assert!(text(b"<a>\xff</a>").unwrap_err().detail().contains("octet 3: the file is not UTF-8"));
    }
}
