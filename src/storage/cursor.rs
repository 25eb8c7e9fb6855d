//! Where a page ended: `1 ‖ kind ‖ index ‖ direction ‖ length (2) ‖ index key ‖ record key`.

use crate::error::{Error, Result};
use crate::store::{Direction, Scan};

use super::layout::MAX_KEY;

const VERSION: u8 = 1;

/// The place of one entry in one scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cursor<'a> {
    /// The index key (in the primary order: the record key).
    pub(super) key: &'a [u8],
    /// The record key (in the primary order: empty).
    pub(super) record: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The opaque bytes, for scans like `scan`.
    pub(super) fn encode(&self, scan: &Scan) -> Vec<u8> {
        let mut out = Vec::with_capacity(6 + self.key.len() + self.record.len());
        out.extend([VERSION, scan.kind.id, scan.index.id, direction(scan)]);
        out.extend((self.key.len() as u16).to_be_bytes());
        out.extend_from_slice(self.key);
        out.extend_from_slice(self.record);
        out
    }

    /// Reads the opaque bytes. Errors: `invalid-cursor` if they are not of a scan like `scan`.
    pub(super) fn decode(scan: &Scan, bytes: &'a [u8]) -> Result<Self> {
        parse(scan, bytes).ok_or_else(|| {
            Error::invalid(
                "invalid-cursor",
                "the cursor is not one that this listing gave; begin without one",
            )
        })
    }
}

fn parse<'a>(scan: &Scan, bytes: &'a [u8]) -> Option<Cursor<'a>> {
    let rest = bytes.strip_prefix(&[VERSION, scan.kind.id, scan.index.id, direction(scan)])?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (key, record) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let within = scan.from.as_slice() <= key && scan.to.as_deref().is_none_or(|to| key < to);
    let primary = scan.index.id == crate::store::PRIMARY.id;
    let fits = key.len() <= MAX_KEY && record.len() <= MAX_KEY && record.is_empty() == primary;
    (within && fits).then_some(Cursor { key, record })
}

fn direction(scan: &Scan) -> u8 {
    match scan.direction {
        Direction::Forward => 0,
        Direction::Backward => 1,
    }
}
