//! Writing what is to be signed as a full CRL (RFC 5280 §5.1, §5.2).

use const_oid::db::rfc5280 as oids;

use super::{Reason, Revoked};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::cert::{Extension, ext, extension_list};
use crate::x509::name::Name;
use crate::x509::tlv;
use crate::x509::validity;

/// What is to be signed as a full CRL, v2.
#[derive(Clone, Debug)]
pub struct TbsCrl {
    /// DER AlgorithmIdentifier of the signature to come.
    pub signature_algorithm: Vec<u8>,
    /// The issuer's subject, byte for byte.
    pub issuer: Name,
    /// When it is made.
    pub this_update: Timestamp,
    /// When the next is there at the latest.
    pub next_update: Timestamp,
    /// Entries; an empty list is left out.
    pub revoked: Vec<Revoked>,
    /// The issuer's SubjectKeyIdentifier.
    pub authority_key_id: Vec<u8>,
    /// CRLNumber.
    pub number: u64,
}

impl TbsCrl {
    /// The DER to be signed. Errors: `internal` for a time out of range.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        let mut updates = Vec::with_capacity(34);
        validity::push(&mut updates, self.this_update)?;
        validity::push(&mut updates, self.next_update)?;
        let entries = self.entries()?;
        let mut list_header = Vec::with_capacity(6);
        if !entries.is_empty() {
            tlv::push_header(&mut list_header, tlv::SEQUENCE, entries.len());
        }
        Ok(tlv::join(
            tlv::SEQUENCE,
            &[
                &[tlv::INTEGER, 1, 1], // v2
                &self.signature_algorithm,
                self.issuer.der(),
                &updates,
                &list_header,
                &entries,
                &extension_list(0xa0, &self.extensions()?),
            ],
        ))
    }

    fn extensions(&self) -> Result<[Extension; 2]> {
        let number =
            Extension { oid: oids::ID_CE_CRL_NUMBER, critical: false, value: tlv::unsigned(self.number) };
        Ok([ext::authority_key_id(&self.authority_key_id)?, number])
    }

    /// All entries one after another, in one buffer: a list may hold 100,000.
    fn entries(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.revoked.len() * 56);
        for entry in &self.revoked {
            push_entry(&mut out, entry)?;
        }
        Ok(out)
    }
}

fn push_entry(out: &mut Vec<u8>, entry: &Revoked) -> Result<()> {
    out.extend([tlv::SEQUENCE, 0]);
    let start = out.len();
    tlv::push(out, tlv::INTEGER, entry.serial.content());
    validity::push(out, entry.at)?;
    if entry.reason != Reason::Unspecified {
        out.extend_from_slice(&reason_extension(entry.reason));
    }
    // Serials have at most 64 octets, so the length of an entry takes one octet.
    match u8::try_from(out.len() - start) {
        Ok(length @ 0..=0x7f) => out[start - 1] = length,
        _ => return Err(Error::internal("a serial number too long for a CRL")),
    }
    Ok(())
}

/// Extensions holding a reasonCode (2.5.29.21), not critical.
fn reason_extension(reason: Reason) -> [u8; 14] {
    [0x30, 12, 0x30, 10, tlv::OID, 3, 0x55, 0x1d, 21, tlv::OCTET_STRING, 3, tlv::ENUMERATED, 1, reason.code()]
}
