//! The header that lists and signed files share: elements by tag, and the signature cut out of what it signs.

use std::collections::HashMap;
use std::ops::Range;

use super::certificate::Certificate;
use super::{Fault, Outcome};

/// Elements whose length spans the elements that follow: their value is not skipped.
const CONTAINERS: [u8; 6] = [3, 7, 9, 16, 17, 21];
const PADDING: u8 = 13;
const SIGNATURE: u8 = 12;

/// A header that was read.
#[derive(Clone, Debug)]
pub struct Header {
    elements: HashMap<u8, Range<usize>>,
    signature_element: Range<usize>,
    /// How long it is: what it describes follows.
    pub length: usize,
}

impl Header {
    /// Reads the header at the beginning of a file.
    pub fn read(file: &[u8]) -> Outcome<Self> {
        let mut header = Self { elements: HashMap::new(), signature_element: 0..0, length: file.len() };
        let mut at = 0;
        while at < header.length {
            let tag = file[at];
            if tag == PADDING {
                at += 1;
                continue;
            }
            let value = value_at(file, at, header.length)?;
            let (start, end) = (value.start, value.end);
            match tag {
                2 => header.length = usize::from(u16_of(file.get(start..end))?),
                SIGNATURE => header.signature_element = at..end,
                _ => {}
            }
            at = if CONTAINERS.contains(&tag) { start } else { end };
            if header.length > file.len() {
                return Err(Fault::new("the header is longer than the file"));
            }
            if header.elements.insert(tag, value).is_some() {
                return Err(Fault::new(format!("element {tag} of the header stands there twice")));
            }
        }
        Ok(header)
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

    /// Whether the key of this certificate signed the file: everything but the signature's element. The header must say RSA,
    /// and the size of that key: there is no code for other keys.
    pub fn verify(&self, file: &[u8], signer: &Certificate) -> Outcome<()> {
        let bits = match self.value(file, 11)? {
            [1] => 1024,
            [2] => 2048,
            [3] => 4096,
            _ => return Err(Fault::new("the signer's key is of a size that phones do not take")),
        };
        if self.value(file, 10)? != [0] || signer.rsa_bits() != Some(bits) {
            return Err(Fault::new("the signer's key is not the one that the header describes"));
        }
        let digest = self.value(file, 8)?;
        let signature = self.value(file, SIGNATURE)?;
        let cut = &self.signature_element;
        let signed = [&file[..cut.start], &file[cut.end..]].concat();
        match digest {
            [1] => signer.verify_rsa_sha1(&signed, signature),
            [3] => signer.verify_rsa_sha512(&signed, signature),
            _ => Err(Fault::new("the file is signed by a digest that phones do not take")),
        }
    }
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
    &serial[zeros.min(serial.len().saturating_sub(1))..]
}
