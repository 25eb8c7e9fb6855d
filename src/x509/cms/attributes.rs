//! Attributes (RFC 5652 §5.3), in the order received.

use const_oid::ObjectIdentifier;

use super::unreadable;
use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// More attributes than any client sends.
const MAX_ATTRIBUTES: usize = 64;

/// A set of attributes.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    content: &'a [u8],
    list: Vec<(ObjectIdentifier, Vec<Tlv<'a>>)>,
}

impl<'a> Attributes<'a> {
    /// Reads the content of a SET OF Attribute. Errors: `bad-cms`.
    pub fn read(content: &'a [u8]) -> Result<Self> {
        let list = read_all(content).map_err(unreadable("an attribute"))?;
        Ok(Self { content, list })
    }

    /// What the signature covers: the attributes as received, tagged as SET (RFC 5652 §5.4).
    pub fn signed_bytes(&self) -> Vec<u8> {
        tlv::tlv(tlv::SET, self.content)
    }

    /// Whether an attribute is there at all.
    pub fn contains(&self, oid: ObjectIdentifier) -> bool {
        self.list.iter().any(|(o, _)| *o == oid)
    }

    /// The only value of an attribute, if it is there. Errors: `cms-attribute` if it has no value, several, or
    /// stands there twice (SCEP-20).
    pub fn single(&self, oid: ObjectIdentifier) -> Result<Option<Tlv<'a>>> {
        let mut found = self.list.iter().filter(|(o, _)| *o == oid);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) if values.len() == 1 => Ok(values.first().copied()),
            (Some(_), _) => Err(Error::invalid("cms-attribute", "attribute must be single-valued")),
        }
    }
}

fn read_all(content: &[u8]) -> Result<Vec<(ObjectIdentifier, Vec<Tlv<'_>>)>, Broken> {
    let (mut attributes, mut list) = (Reader::new(content), Vec::new());
    while !attributes.is_empty() {
        let mut fields = attributes.enter(tlv::SEQUENCE)?;
        let oid = tlv::oid(fields.expect(tlv::OID)?)?;
        let (mut set, mut values) = (fields.enter(tlv::SET)?, Vec::new());
        fields.finish()?;
        while !set.is_empty() {
            values.push(set.any()?);
        }
        if list.len() == MAX_ATTRIBUTES {
            return Err(Broken);
        }
        list.push((oid, values));
    }
    Ok(list)
}
