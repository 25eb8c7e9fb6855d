//! Which element of a header stands in which, and that each stands there once.

use super::tags::header as tag;
use super::{Element, Part, Reader};
use crate::error::Result;

const TWICE: &str = "it stands there twice";

/// The elements of a header by their tags.
pub(super) struct Found<'a>([Option<Element<'a>>; 32]);

impl<'a> Found<'a> {
    /// Reads the elements behind the header length, in any order, containers opened. Errors: `bad-trust-list`,
    /// `bad-signed-file` for an unknown element, one that stands twice or where it does not belong, and a length
    /// that lies.
    pub fn read(mut reader: Reader<'a>) -> Result<Self> {
        let mut found = Self([None; 32]);
        while !reader.is_empty() {
            if reader.rest().first() == Some(&tag::PADDING) {
                check_padding(&reader)?;
                break;
            }
            found.take(reader.element()?, None)?;
        }
        Ok(found)
    }

    /// The element of a tag. Errors: as [`Found::read`], if it is missing.
    pub fn require(&self, tag: u8, reader: &Reader<'a>) -> Result<Element<'a>> {
        self.get(tag).ok_or_else(|| missing(tag, reader))
    }

    /// The element of a tag, if it is there.
    pub fn get(&self, tag: u8) -> Option<Element<'a>> {
        self.0.get(usize::from(tag)).copied().flatten()
    }

    fn take(&mut self, element: Element<'a>, container: Option<u8>) -> Result<()> {
        let Some(place) = container_of(element.tag) else {
            let is_first = matches!(element.tag, tag::VERSION | tag::LENGTH);
            return Err(element.fault(if is_first { TWICE } else { "no such element is known" }));
        };
        // Some writers let 16 span the digest that follows it.
        let is_late = matches!(element.tag, tag::PLAIN_DIGEST_ALGORITHM | tag::PLAIN_DIGEST)
            && container == Some(tag::ENCRYPTION_INFO);
        if place != container && !is_late {
            return Err(element.fault(&match (place, container) {
                (Some(place), _) => format!("it belongs into element {place}"),
                (None, _) => "it does not belong into another element".to_owned(),
            }));
        }
        if let Some(slot) = self.0.get_mut(usize::from(element.tag))
            && slot.replace(element).is_some()
        {
            return Err(element.fault(TWICE));
        }
        if is_container(element.tag) {
            let mut inside = element.inside();
            while !inside.is_empty() {
                self.take(inside.element()?, Some(element.tag))?;
            }
        }
        Ok(())
    }
}

/// The container that an element belongs into, `Some(None)` for the header itself; none if the tag is not known. The first
/// two are read before.
fn container_of(tag: u8) -> Option<Option<u8>> {
    match tag {
        tag::SIGNER_VERSION
        | tag::SIGNER_INFO
        | tag::SIGNATURE_INFO
        | tag::SIGNATURE
        | tag::FILE_NAME
        | tag::TIMESTAMP
        | tag::ENCRYPTION_INFO
        | tag::PLAIN_DIGEST_ALGORITHM
        | tag::PLAIN_DIGEST => Some(None),
        tag::SIGNER_NAME | tag::ISSUER_NAME | tag::SERIAL => Some(Some(tag::SIGNER_INFO)),
        tag::DIGEST | tag::SIGNATURE_ALGORITHM_INFO => Some(Some(tag::SIGNATURE_INFO)),
        tag::SIGNATURE_ALGORITHM | tag::MODULUS => Some(Some(tag::SIGNATURE_ALGORITHM_INFO)),
        tag::IV_INFO | tag::KEY_INFO => Some(Some(tag::ENCRYPTION_INFO)),
        tag::IV_MARK | tag::IV | tag::BODY_PADDING => Some(Some(tag::IV_INFO)),
        tag::KEY_MARK | tag::KEY_SIZE | tag::CIPHER | tag::WRAPPED_KEY => Some(Some(tag::KEY_INFO)),
        _ => None,
    }
}

fn is_container(tag: u8) -> bool {
    matches!(
        tag,
        tag::SIGNER_INFO
            | tag::SIGNATURE_INFO
            | tag::SIGNATURE_ALGORITHM_INFO
            | tag::ENCRYPTION_INFO
            | tag::IV_INFO
            | tag::KEY_INFO
    )
}

/// Padding, octets that are their own tags and have no length, ends a header: up to three.
fn check_padding(reader: &Reader<'_>) -> Result<()> {
    let rest = reader.rest();
    if rest.len() <= 3 && rest.iter().all(|octet| *octet == tag::PADDING) {
        return Ok(());
    }
    let detail = format!(
        "header: element 13 (padding) at offset {}: 0 to 3 octets of padding end a header, and nothing follows them",
        reader.at()
    );
    Err(reader.format.bad(detail))
}

/// The error that an element is missing.
pub(in crate::trust) fn missing(tag: u8, reader: &Reader<'_>) -> crate::error::Error {
    let part = match reader.part {
        Part::Header => "header".to_owned(),
        Part::Record(number) => format!("record {number}"),
    };
    let name = match reader.part {
        Part::Header => super::tags::name_in_header(tag),
        Part::Record(_) => super::tags::name_in_record(tag),
    };
    reader.format.bad(format!("{part}: element {tag} ({}) is missing", name.unwrap_or("unknown")))
}
