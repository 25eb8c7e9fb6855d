//! Writing the entries of a CRL (RFC 5280 §5.1.2.6, §5.3), encoded as they come: a list may hold a million.

use super::{RawEntry, Reason, Revoked};
use crate::error::{Error, Result};
use crate::x509::tlv;
use crate::x509::validity;

/// removeFromCRL, which stands in delta CRLs alone.
const REMOVE_FROM_CRL: u8 = 8;

/// The entries of a CRL in order, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryList {
    der: Vec<u8>,
    count: u64,
}

impl EntryList {
    /// A list of these. Errors: as [`Self::push`].
    pub fn of<'a>(revoked: impl IntoIterator<Item = &'a Revoked>) -> Result<Self> {
        let mut list = Self::default();
        revoked.into_iter().try_for_each(|entry| list.push(entry))?;
        Ok(list)
    }

    /// Adds an entry. Errors: `internal` for a time out of range.
    pub fn push(&mut self, entry: &Revoked) -> Result<()> {
        let start = self.begin();
        tlv::push(&mut self.der, tlv::INTEGER, entry.serial.content());
        validity::push(&mut self.der, entry.at)?;
        let extensions = self.begin();
        if entry.reason != Reason::Unspecified {
            self.der.extend_from_slice(&reason_code(entry.reason.code()));
        }
        if let Some(at) = entry.invalidity {
            self.der.extend_from_slice(&[0x30, 24, tlv::OID, 3, 0x55, 0x1d, 24, tlv::OCTET_STRING, 17]);
            validity::push_generalized(&mut self.der, at)?;
        }
        if self.der.len() == extensions {
            self.der.truncate(extensions - 2);
        } else {
            self.end(extensions)?;
        }
        self.end(start)?;
        self.count += 1;
        Ok(())
    }

    /// Adds an entry of another list, as it stands there.
    pub fn push_raw(&mut self, entry: &RawEntry<'_>) {
        self.der.extend_from_slice(entry.der);
        self.count += 1;
    }

    /// Adds the entry of a delta CRL by which an earlier one is taken back: released, or expired and gone.
    /// Errors: `internal`.
    pub fn push_removal(&mut self, entry: &RawEntry<'_>) -> Result<()> {
        let start = self.begin();
        self.der.extend_from_slice(entry.head);
        let extensions = self.begin();
        self.der.extend_from_slice(&reason_code(REMOVE_FROM_CRL));
        self.end(extensions)?;
        self.end(start)?;
        self.count += 1;
        Ok(())
    }

    /// The entries, encoded one after another.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Begins a SEQUENCE of at most 127 octets. Returns where its content starts.
    fn begin(&mut self) -> usize {
        self.der.extend([tlv::SEQUENCE, 0]);
        self.der.len()
    }

    /// Ends the SEQUENCE whose content started at `start`. Serials have at most 64 octets, so that the length of an
    /// entry takes one octet.
    fn end(&mut self, start: usize) -> Result<()> {
        match u8::try_from(self.der.len() - start) {
            Ok(length @ 0..=0x7f) => self.der[start - 1] = length,
            _ => return Err(Error::internal("a serial number too long for a CRL")),
        }
        Ok(())
    }
}

/// The extension reasonCode (2.5.29.21), not critical.
fn reason_code(code: u8) -> [u8; 12] {
    [0x30, 10, tlv::OID, 3, 0x55, 0x1d, 21, tlv::OCTET_STRING, 3, tlv::ENUMERATED, 1, code]
}
