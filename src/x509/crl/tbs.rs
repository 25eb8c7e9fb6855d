//! Writing what is to be signed as a CRL, complete or delta (RFC 5280 §5.1, §5.2).

use const_oid::db::rfc5280 as oids;

use super::EntryList;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::x509::cert::{Extension, ext, extension_list};
use crate::x509::name::Name;
use crate::x509::tlv;
use crate::x509::validity;

/// What is to be signed as a CRL, v2.
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
    pub entries: EntryList,
    /// The issuer's SubjectKeyIdentifier.
    pub authority_key_id: Vec<u8>,
    /// CRLNumber.
    pub number: u64,
    /// BaseCRLNumber: then it is a delta CRL, of what changed since that one (RFC 5280 §5.2.4).
    pub base: Option<u64>,
    /// The names of its distribution point, as they stand in the certificates that it is about (RFC 5280 §5.2.5).
    /// Empty: it is about all certificates of its issuer.
    pub points: Vec<String>,
    /// Where its delta CRLs are (RFC 5280 §5.2.6).
    pub freshest: Option<String>,
}

impl TbsCrl {
    /// The DER to be signed. Errors: `internal` for a time out of range.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        let mut updates = Vec::with_capacity(34);
        validity::push(&mut updates, self.this_update)?;
        validity::push(&mut updates, self.next_update)?;
        let entries = self.entries.der();
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
                entries,
                &extension_list(0xa0, &self.extensions()?),
            ],
        ))
    }

    fn extensions(&self) -> Result<Vec<Extension>> {
        let number =
            Extension { oid: oids::ID_CE_CRL_NUMBER, critical: false, value: tlv::unsigned(self.number) };
        let mut all = vec![ext::authority_key_id(&self.authority_key_id)?, number];
        if let Some(base) = self.base {
            let value = tlv::unsigned(base);
            all.push(Extension { oid: oids::ID_CE_DELTA_CRL_INDICATOR, critical: true, value });
        }
        if !self.points.is_empty() {
            all.push(ext::issuing_distribution_point(&self.points)?);
        }
        if let Some(url) = &self.freshest {
            all.push(ext::freshest_crl(url)?);
        }
        Ok(all)
    }
}
