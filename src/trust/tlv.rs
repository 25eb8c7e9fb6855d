//! The elements of trust lists and signed files: `tag:u8 length:u16 value`, integers big-endian, texts ending in NUL.
//!
//! A tag means one thing in a header and another in a record, so that a reader knows where it stands, and says so when
//! it refuses.

use crate::error::{Error, Kind, Result};

mod draft;
mod encryption;
mod file_name;
mod header;
mod layout;
pub mod names;
pub mod serial;
mod tags;

pub(super) use draft::Draft;
pub use draft::ToBeSigned;
pub(super) use encryption::EncryptionInfo;
pub use file_name::FileName;
pub(super) use header::Header;
pub use header::{SignerName, SignerVersion};
pub(super) use layout::missing;
pub(super) use tags::record as record_tag;

/// The octets of a tag and its length.
pub(super) const FRAME: usize = 3;

/// Which of the formats is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A CTL or ITL.
    TrustList,
    /// A `.sgn` or `.enc.sgn` file.
    SignedFile,
}

impl Format {
    /// An error of this format: `bad-trust-list` or `bad-signed-file`.
    pub fn bad(self, detail: impl Into<String>) -> Error {
        match self {
            Self::TrustList => Error::malformed("bad-trust-list", detail),
            Self::SignedFile => Error::malformed("bad-signed-file", detail),
        }
    }

    /// Errors: `trust-list-too-large`, `signed-file-too-large` if there are more octets than `most`.
    pub fn check_size(self, octets: usize, most: usize) -> Result<()> {
        if octets <= most {
            return Ok(());
        }
        let (code, what) = match self {
            Self::TrustList => ("trust-list-too-large", "trust list"),
            Self::SignedFile => ("signed-file-too-large", "file"),
        };
        let detail = format!("the {what} has {octets} octets; at most {most} are read");
        Err(Error::new(Kind::TooLarge, code, detail))
    }
}

/// Where a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// In the header.
    Header,
    /// In the record of this number, the first being 1.
    Record(usize),
}

/// One element, with its place in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub tag: u8,
    /// The offset of its tag in the file.
    pub at: usize,
    pub value: &'a [u8],
    format: Format,
    part: Part,
}

/// Reads elements one after another.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
    format: Format,
    part: Part,
}

impl<'a> Reader<'a> {
    /// Over `bytes`, which begin at the offset `at` of the file.
    pub fn new(bytes: &'a [u8], at: usize, format: Format, part: Part) -> Self {
        Self { rest: bytes, at, format, part }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The offset of the next element.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next element. Errors: `bad-trust-list`, `bad-signed-file`.
    pub fn element(&mut self) -> Result<Element<'a>> {
        let (tag, length, rest) = match *self.rest {
            [tag, high, low, ref rest @ ..] => (tag, usize::from(u16::from_be_bytes([high, low])), rest),
            [tag, ..] => return Err(self.fault(tag, "it ends within its length")),
            [] => return Err(self.format.bad(format!("an element is missing at offset {}", self.at))),
        };
        let Some(value) = rest.get(..length) else {
            let room = rest.len();
            return Err(self.fault(tag, &format!("its length is {length}, and {room} octets are left")));
        };
        let found = Element { tag, at: self.at, value, format: self.format, part: self.part };
        self.rest = &rest[length..];
        self.at += FRAME + length;
        Ok(found)
    }

    /// The next element, which must have `tag` and as many octets.
    pub fn expect<const N: usize>(&mut self, tag: u8) -> Result<[u8; N]> {
        let found = self.element()?;
        if found.tag == tag {
            found.octets()
        } else {
            Err(found.fault(&format!("element {tag} belongs here")))
        }
    }

    fn fault(&self, tag: u8, rule: &str) -> Error {
        fault(self.format, self.part, tag, self.at, rule)
    }
}

impl<'a> Element<'a> {
    /// A reader over the elements in it.
    pub fn inside(&self) -> Reader<'a> {
        Reader::new(self.value, self.at + FRAME, self.format, self.part)
    }

    /// The error that it breaks `rule`.
    pub fn fault(&self, rule: &str) -> Error {
        fault(self.format, self.part, self.tag, self.at, rule)
    }

    /// Its value, of exactly `N` octets.
    pub fn octets<const N: usize>(&self) -> Result<[u8; N]> {
        self.value
            .try_into()
            .map_err(|_| self.fault(&format!("it has {} octets in place of {N}", self.value.len())))
    }

    /// Its value as a number of one octet.
    pub fn byte(&self) -> Result<u8> {
        self.octets::<1>().map(|[byte]| byte)
    }

    /// Its value as a number of two octets.
    pub fn word(&self) -> Result<u16> {
        self.octets().map(u16::from_be_bytes)
    }

    /// Its value as text, without the NUL that ends it.
    pub fn text(&self) -> Result<&'a str> {
        let Some((0, text)) = self.value.split_last() else {
            return Err(self.fault("a text ends in NUL"));
        };
        if text.contains(&0) {
            return Err(self.fault("a NUL stands within the text"));
        }
        std::str::from_utf8(text).map_err(|_| self.fault("the text is not UTF-8"))
    }

    /// The octets of a serial number.
    pub fn serial(&self) -> Result<&'a [u8]> {
        match self.value.len() {
            1..=serial::MAX_LEN => Ok(self.value),
            _ => Err(self.fault("a serial number has 1 to 64 octets")),
        }
    }
}

fn fault(format: Format, part: Part, tag: u8, at: usize, rule: &str) -> Error {
    let name = |known: Option<&str>| known.map(|name| format!(" ({name})")).unwrap_or_default();
    format.bad(match part {
        Part::Header => {
            format!("header: element {tag}{} at offset {at}: {rule}", name(tags::name_in_header(tag)))
        }
        Part::Record(number) => {
            format!(
                "record {number}: element {tag}{} at offset {at}: {rule}",
                name(tags::name_in_record(tag))
            )
        }
    })
}

/// Appends an element. Errors: `element-too-long` over 65,535 octets.
pub(super) fn push(out: &mut Vec<u8>, tag: u8, value: &[u8]) -> Result<()> {
    push_frame(out, tag, value.len())?;
    out.extend_from_slice(value);
    Ok(())
}

/// Appends the tag and length of an element whose value follows. Errors: as [`push`].
pub(super) fn push_frame(out: &mut Vec<u8>, tag: u8, length: usize) -> Result<()> {
    let length = length_of(length, &format!("element {tag}"))?;
    out.push(tag);
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends a text and its NUL. Errors: as [`push`]; `internal` if a NUL stands in it.
pub(super) fn push_text(out: &mut Vec<u8>, tag: u8, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::internal("a text with a NUL was to be written into a trust list"));
    }
    push_frame(out, tag, text.len() + 1)?;
    out.extend_from_slice(text.as_bytes());
    out.push(0);
    Ok(())
}

/// A length as it is written. Errors: `element-too-long`, naming `what`.
pub(super) fn length_of(length: usize, what: &str) -> Result<u16> {
    u16::try_from(length).map_err(|_| {
        let detail = format!("{what} would have {length} octets; the format has room for 65,535");
        Error::new(Kind::TooLarge, "element-too-long", detail)
    })
}

#[cfg(test)]
mod tests;
