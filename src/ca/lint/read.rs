//! A TBSCertificate taken apart without copying (RFC 5280 §4.1).

use const_oid::ObjectIdentifier;
use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};

use super::broken;
use crate::error::Result;

/// More extensions than this are refused.
const MAX_EXTENSIONS: usize = 32;

/// One element: its tag, its content and all of it.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    pub tag: Tag,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

/// An extension as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Ext<'a> {
    pub oid: ObjectIdentifier,
    pub critical: bool,
    pub value: &'a [u8],
}

/// The fields that the rules look at.
#[derive(Debug)]
pub struct Parts<'a> {
    /// Content of the version INTEGER.
    pub version: &'a [u8],
    /// Content of the serial's INTEGER.
    pub serial: &'a [u8],
    /// The issuer, DER.
    pub issuer: &'a [u8],
    pub not_before: Element<'a>,
    pub not_after: Element<'a>,
    /// The RDNs.
    pub subject: &'a [u8],
    /// Whether issuer and subject are the same bytes.
    pub is_self_issued: bool,
    /// Whether the key is RSA.
    pub has_rsa_key: bool,
    pub extensions: Vec<Ext<'a>>,
}

impl<'a> Parts<'a> {
    /// Reads strict DER. Errors: `lint`.
    pub fn read(tbs: &'a [u8]) -> Result<Self> {
        let mut fields = Elements::new(single(tbs, Tag::Sequence, "TBSCertificate")?, "TBSCertificate");
        let version = single(fields.next(context(0))?.content, Tag::Integer, "version")?;
        let serial = fields.next(Tag::Integer)?.content;
        fields.next(Tag::Sequence)?;
        let issuer = fields.next(Tag::Sequence)?.whole;
        let mut validity = Elements::new(fields.next(Tag::Sequence)?.content, "validity");
        let (not_before, not_after) = (validity.any()?, validity.any()?);
        validity.finish()?;
        let subject = fields.next(Tag::Sequence)?;
        let (is_self_issued, subject) = (subject.whole == issuer, subject.content);
        let has_rsa_key = is_rsa(fields.next(Tag::Sequence)?.content)?;
        let extensions = single(fields.next(context(3))?.content, Tag::Sequence, "extensions")?;
        fields.finish()?;
        let extensions = read_extensions(extensions)?;
        Ok(Self {
            version,
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            is_self_issued,
            has_rsa_key,
            extensions,
        })
    }

    /// The extension of that type.
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&Ext<'a>> {
        self.extensions.iter().find(|e| e.oid == oid)
    }
}

/// The context-specific constructed tag of that number.
pub fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// Reads the elements of one level, one after another.
#[derive(Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    field: &'static str,
}

impl<'a> Elements<'a> {
    /// Over `bytes`; `field` names them in errors.
    pub fn new(bytes: &'a [u8], field: &'static str) -> Self {
        Self { rest: bytes, field }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element. Errors: `lint` if it is no DER.
    pub fn any(&mut self) -> Result<Element<'a>> {
        let bad = |e: der::Error| broken(self.field, "is not DER").because(e);
        let mut reader = SliceReader::new(self.rest).map_err(bad)?;
        let header = Header::decode(&mut reader).map_err(bad)?;
        let content = reader.read_slice(header.length()).map_err(bad)?;
        let (whole, rest) =
            self.rest.split_at(self.rest.len() - usize::try_from(reader.remaining_len()).map_err(bad)?);
        self.rest = rest;
        Ok(Element { tag: header.tag(), content, whole })
    }

    /// The next element, which must have that tag.
    pub fn next(&mut self, tag: Tag) -> Result<Element<'a>> {
        let element = self.any()?;
        if element.tag == tag {
            return Ok(element);
        }
        Err(broken(self.field, format_args!("holds {} where {tag} belongs", element.tag)))
    }

    /// The next element if it has that tag.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let before = self.rest;
        let element = self.any()?;
        if element.tag == tag {
            return Ok(Some(element));
        }
        self.rest = before;
        Ok(None)
    }

    /// Fails if anything is left.
    pub fn finish(&self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(broken(self.field, "has trailing bytes")) }
    }
}

/// The content of the single element that `bytes` is, which must have that tag.
pub fn single<'a>(bytes: &'a [u8], tag: Tag, field: &'static str) -> Result<&'a [u8]> {
    let mut elements = Elements::new(bytes, field);
    let element = elements.next(tag)?;
    elements.finish()?;
    Ok(element.content)
}

/// Reads the content of an OBJECT IDENTIFIER.
pub fn oid(content: &[u8], field: &'static str) -> Result<ObjectIdentifier> {
    ObjectIdentifier::from_bytes(content)
        .map_err(|e| broken(field, "holds a malformed object identifier").because(e))
}

fn is_rsa(spki: &[u8]) -> Result<bool> {
    let field = "subjectPublicKeyInfo";
    let algorithm = Elements::new(spki, field).next(Tag::Sequence)?.content;
    let oid = oid(Elements::new(algorithm, field).next(Tag::ObjectIdentifier)?.content, field)?;
    Ok(oid == const_oid::db::rfc5912::RSA_ENCRYPTION)
}

fn read_extensions(content: &[u8]) -> Result<Vec<Ext<'_>>> {
    let mut elements = Elements::new(content, "extensions");
    let mut found: Vec<Ext<'_>> = Vec::with_capacity(10);
    while !elements.is_empty() {
        let extension = read_extension(elements.next(Tag::Sequence)?.content)?;
        if found.iter().any(|other| other.oid == extension.oid) {
            return Err(broken("extensions", format_args!("hold {} twice", extension.oid)));
        }
        found.push(extension);
        if found.len() > MAX_EXTENSIONS {
            return Err(broken("extensions", "are too many"));
        }
    }
    Ok(found)
}

fn read_extension(content: &[u8]) -> Result<Ext<'_>> {
    let mut fields = Elements::new(content, "extensions");
    let oid = oid(fields.next(Tag::ObjectIdentifier)?.content, "extensions")?;
    let critical = match fields.optional(Tag::Boolean)?.map(|e| e.content) {
        None => false,
        Some([0xff]) => true,
        Some(_) => return Err(broken("extensions", "spell out a DEFAULT FALSE, which DER forbids")),
    };
    let value = fields.next(Tag::OctetString)?.content;
    fields.finish()?;
    Ok(Ext { oid, critical, value })
}
