//! Certificates by their serial numbers. Ours are long and random, so that each stands for one certificate; the short
//! ones of CAs that moved in may be given by several of them, and are told apart by their CA.

use std::fmt;
use std::str::FromStr;

use super::CertificateRecord;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::store::{Db, Scan, Stored};

/// From this many octets on a serial number is random, and unique over all CAs.
pub(in crate::ca) const LONG: usize = 16;
/// The most CAs whose certificates of one serial number are looked at.
const MOST: usize = 64;

/// The place of a certificate in [`CertificateRecord::BY_SERIAL`].
pub(super) fn index_key(serial: &Serial, ca: &CaId) -> Vec<u8> {
    if serial.content().len() >= LONG {
        return serial.content().to_vec();
    }
    [serial.content(), &[0], ca.as_str().as_bytes()].concat()
}

/// What leads to all certificates with that serial number; others, whose numbers begin alike, may be among them.
pub fn scan(serial: &Serial) -> Scan {
    let all = Scan::all::<CertificateRecord>(CertificateRecord::BY_SERIAL);
    if serial.content().len() >= LONG {
        let next = [serial.content(), &[0]].concat();
        return all.range(serial.content().to_vec(), Some(next));
    }
    all.prefix([serial.content(), &[0]].concat())
}

/// The certificates with that serial number, each of another CA. Errors: `storage`.
pub async fn all(db: &Db, serial: &Serial) -> Result<Vec<Stored<CertificateRecord>>> {
    if serial.content().len() >= LONG {
        let found = db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, serial.content()).await?;
        return Ok(found.into_iter().filter(|stored| stored.value.serial == *serial).collect());
    }
    let mut found = db.scan::<CertificateRecord>(scan(serial).limit(MOST)).await?.items;
    found.retain(|stored| stored.value.serial == *serial);
    Ok(found)
}

/// The certificate of that CA and serial number. Errors: `storage`.
pub async fn of(db: &Db, ca: &CaId, serial: &Serial) -> Result<Option<Stored<CertificateRecord>>> {
    let found = db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, &index_key(serial, ca)).await?;
    // The key of a short number, CA and all, may be a long number of another.
    Ok(found.filter(|stored| stored.value.ca == *ca && stored.value.serial == *serial))
}

/// A certificate as people name it: `3F0A`, or `old-ca.1000` where several CAs gave the number 1000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    ca: Option<CaId>,
    serial: Serial,
}

impl Reference {
    /// By its serial number alone.
    pub fn of(serial: &Serial) -> Self {
        Self { ca: None, serial: serial.clone() }
    }

    /// This very certificate.
    pub fn to(certificate: &CertificateRecord) -> Self {
        Self { ca: Some(certificate.ca.clone()), serial: certificate.serial.clone() }
    }

    /// Its serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The certificate. Errors: `not-found`; `serial-ambiguous` if several CAs gave the number; `storage`.
    pub async fn find(&self, db: &Db) -> Result<Stored<CertificateRecord>> {
        let mut found = all(db, &self.serial).await?;
        found.retain(|stored| self.ca.as_ref().is_none_or(|ca| stored.value.ca == *ca));
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(|s| format!("{}.{}", s.value.ca, self.serial)).collect();
            let detail = format!("several CAs gave this serial number: name one of {}", names.join(", "));
            return Err(Error::conflict("serial-ambiguous", detail));
        }
        found.pop().ok_or_else(|| Error::not_found("certificate", self))
    }
}

impl FromStr for Reference {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once('.') {
            Some((ca, serial)) => Self { ca: Some(ca.parse()?), serial: serial.parse()? },
            None => Self { ca: None, serial: text.parse()? },
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ca {
            Some(ca) => write!(f, "{ca}.{}", self.serial),
            None => self.serial.fmt(f),
        }
    }
}
