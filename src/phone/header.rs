//! The header that lists and signed files share: elements by tag, and the signature cut out of what it signs.

use std::collections::HashMap;
use std::ops::Range;

use super::certificate::RsaKey;
use super::{Fault, Outcome};

/// Elements whose length spans the elements that follow: their value is not skipped.
const CONTAINERS: [u8; 6] = [3, 7, 9, 16, 17, 21];
/// Every element in the order in which a header has them; those of encrypted files are the last. What is not known comes after.
const ORDER: [u8; 27] =
    [1, 2, 28, 3, 4, 6, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
/// Those of them that every header has.
const REQUIRED: [u8; 14] = [1, 2, 3, 4, 6, 5, 7, 8, 9, 10, 11, 12, 14, 15];
/// So many octets of padding at the most: a header's length is a multiple of one more.
const MOST_PADDING: usize = 3;
const LENGTH: u8 = 2;
const PADDING: u8 = 13;
const SIGNATURE: u8 = 12;

/// A header that was read.
#[derive(Clone, Debug)]
pub struct Header {
    elements: HashMap<u8, Range<usize>>,
    signature_element: Range<usize>,
    /// The place in the order of the last element that was read.
    reached: usize,
    /// How long it is: what it describes follows.
    pub length: usize,
}

impl Header {
    /// Reads the header at the beginning of a file. Faults: a length that lies, an element that is missing, stands there twice
    /// or out of order, names or a time that are none, padding that is none.
    pub fn read(file: &[u8]) -> Outcome<Self> {
        let (elements, signature_element) = (HashMap::new(), 0..0);
        let mut header = Self { elements, signature_element, reached: 0, length: file.len() };
        // Where the containers end that the next element stands in, the innermost last.
        let (mut at, mut open): (usize, Vec<Open>) = (0, Vec::new());
        while at < header.length {
            if open.last().is_some_and(|container| container.end == at) {
                open.pop();
                continue;
            }
            let tag = *file.get(at).ok_or_else(|| Fault::new("the header is longer than the file"))?;
            if tag == PADDING {
                is_padding(file.get(at..header.length).unwrap_or_default())?;
                at = header.length;
                break;
            }
            at = header.element(file, tag, at, &mut open)?;
        }
        match (at == header.length, open.iter().all(|container| container.end == at)) {
            (true, true) => header.checked(file),
            (false, _) | (_, false) => Err(Fault::new("the header ends within an element")),
        }
    }

    /// What every header has is there, and as it must be.
    fn checked(self, file: &[u8]) -> Outcome<Self> {
        for tag in REQUIRED {
            self.value(file, tag)?;
        }
        for text in [4, 6, 14] {
            self.text(file, text)?;
        }
        if self.value(file, 15)?.len() != 4 {
            return Err(Fault::new("the time of the header has not four octets"));
        }
        match self.length.is_multiple_of(MOST_PADDING + 1) {
            true => Ok(self),
            false => Err(Fault::new("the header is not padded to a multiple of four octets")),
        }
    }

    /// Reads one element, and says where the next one begins.
    fn element(&mut self, file: &[u8], tag: u8, at: usize, open: &mut Vec<Open>) -> Outcome<usize> {
        let inside = open.last();
        if inside.map(|container| container.tag) != parent(tag) {
            return Err(Fault::new(format!("element {tag} of the header stands in the wrong place")));
        }
        let value =
            value_at(file, at, inside.map_or(self.length, |container| container.end.min(self.length)))?;
        let (start, end) = (value.start, value.end);
        if tag == LENGTH {
            self.length = usize::from(u16_of(file.get(value.clone()))?);
            if self.length > file.len() {
                return Err(Fault::new("the header is longer than the file"));
            }
        }
        if tag == SIGNATURE {
            self.signature_element = at..end;
        }
        if self.elements.insert(tag, value).is_some() {
            return Err(Fault::new(format!("element {tag} of the header stands there twice")));
        }
        let place = ORDER.iter().position(|known| *known == tag).unwrap_or(ORDER.len());
        if place < std::mem::replace(&mut self.reached, place) {
            return Err(Fault::new(format!("element {tag} of the header stands out of order")));
        }
        if !CONTAINERS.contains(&tag) {
            return Ok(end);
        }
        open.push(Open { tag, end });
        Ok(start)
    }

    /// The value of an element.
    pub fn value<'a>(&self, file: &'a [u8], tag: u8) -> Outcome<&'a [u8]> {
        let range = self.elements.get(&tag).cloned();
        range
            .and_then(|range| file.get(range))
            .ok_or_else(|| Fault::new(format!("the header has no element {tag}")))
    }

    /// The text of an element, without its NUL.
    pub fn text(&self, file: &[u8], tag: u8) -> Outcome<String> {
        let value = self.value(file, tag)?;
        let text = value.strip_suffix(&[0]).ok_or_else(|| Fault::new("a text does not end in NUL"))?;
        String::from_utf8(text.to_vec()).map_err(|_| Fault::new("a text is not UTF-8"))
    }

    /// The signer's serial number, minimal.
    pub fn signer_serial<'a>(&self, file: &'a [u8]) -> Outcome<&'a [u8]> {
        self.value(file, 5).map(minimal)
    }

    /// Whether this key signed the file: everything but the signature's element. The header must say RSA,
    /// and the size of that key: there is no code for other keys.
    pub fn verify(&self, file: &[u8], signer: RsaKey<'_>) -> Outcome<()> {
        let bits = match self.value(file, 11)? {
            [1] => 1024,
            [2] => 2048,
            [3] => 4096,
            _ => return Err(Fault::new("the signer's key is of a size that phones do not take")),
        };
        if self.value(file, 10)? != [0] || signer.bits() != Some(bits) {
            return Err(Fault::new("the signer's key is not the one that the header describes"));
        }
        let digest = self.value(file, 8)?;
        let signature = self.value(file, SIGNATURE)?;
        let cut = &self.signature_element;
        let signed = [file.get(..cut.start), file.get(cut.end..)].map(Option::unwrap_or_default).concat();
        match digest {
            [1] => signer.verify_sha1(&signed, signature),
            [3] => signer.verify_sha512(&signed, signature),
            _ => Err(Fault::new("the file is signed by a digest that phones do not take")),
        }
    }
}

/// Padding ends a header, and nothing follows it.
fn is_padding(rest: &[u8]) -> Outcome<()> {
    match rest.len() <= MOST_PADDING && rest.iter().all(|octet| *octet == PADDING) {
        true => Ok(()),
        false => Err(Fault::new("the padding is more than up to three octets at the header's end")),
    }
}

/// The container that an element belongs into.
fn parent(tag: u8) -> Option<u8> {
    match tag {
        4..=6 => Some(3),
        8 | 9 => Some(7),
        10 | 11 => Some(9),
        17 | 21 => Some(16),
        18..=20 => Some(17),
        22..=25 => Some(21),
        _ => None,
    }
}

/// A container that is being read.
struct Open {
    tag: u8,
    end: usize,
}

/// Where the value of the element at `at` lies, which ends before `end`.
pub fn value_at(bytes: &[u8], at: usize, end: usize) -> Outcome<Range<usize>> {
    let length = u16_of(bytes.get(at + 1..at + 3))?;
    let value = at + 3..at + 3 + usize::from(length);
    if value.end > end.min(bytes.len()) {
        return Err(Fault::new("an element is longer than what holds it"));
    }
    Ok(value)
}

/// Two bytes, big-endian.
pub fn u16_of(bytes: Option<&[u8]>) -> Outcome<u16> {
    let pair: Option<[u8; 2]> = bytes.and_then(|b| b.try_into().ok());
    pair.map(u16::from_be_bytes).ok_or_else(|| Fault::new("a number of two bytes is missing"))
}

/// A serial number without leading zeros.
pub fn minimal(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|b| **b == 0).count();
    serial.get(zeros.min(serial.len().saturating_sub(1))..).unwrap_or_default()
}
