//! One entry of a list: a certificate in a role, or in small lists its key and hash alone.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::phone::certificate::{Certificate, RsaKey};
use crate::phone::header::{minimal, u16_of, value_at};
use crate::phone::{Fault, Outcome};

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its role's number.
    pub role: u16,
    held: Held,
}

#[derive(Clone, Debug)]
enum Held {
    Certificate(Box<Certificate>),
    Hash { serial: Vec<u8>, key: Vec<u8>, algorithm: u8, hash: Vec<u8> },
}

/// A record's elements as they come.
#[derive(Default)]
struct Parts<'a>(Vec<(u8, &'a [u8])>);

impl Entry {
    /// Reads a record. Faults: a length that lies, an element that stands there twice, no role, no certificate.
    pub fn read(record: &[u8]) -> Outcome<Self> {
        let parts = Parts::read(record)?;
        let role = parts.find(4).ok_or_else(|| Fault::new("a record has no role"))?;
        let held = match (parts.find(9), parts.find(11)) {
            (Some(der), None) => Held::Certificate(Box::new(Certificate::read(der)?)),
            (None, Some(hash)) => parts.hashed(hash)?,
            (None, None) => return Err(Fault::new("a record has no certificate")),
            (Some(_), Some(_)) => return Err(Fault::new("a record has a certificate and a hash of one")),
        };
        Ok(Self { role: u16_of(Some(role))?, held })
    }

    /// Its serial number, minimal.
    pub fn serial(&self) -> &[u8] {
        match &self.held {
            Held::Certificate(certificate) => certificate.serial(),
            Held::Hash { serial, .. } => serial,
        }
    }

    /// Its key.
    pub fn key(&self) -> RsaKey<'_> {
        match &self.held {
            Held::Certificate(certificate) => certificate.key(),
            Held::Hash { key, .. } => RsaKey(key),
        }
    }

    /// Its certificate, if it stands there whole.
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.held {
            Held::Certificate(certificate) => Some(certificate),
            Held::Hash { .. } => None,
        }
    }

    /// Whether it is this certificate, DER.
    pub fn is(&self, der: &[u8]) -> bool {
        match &self.held {
            Held::Certificate(certificate) => certificate.der() == der,
            Held::Hash { algorithm, hash, .. } => hashed(*algorithm, der).is_some_and(|found| found == *hash),
        }
    }

    /// Whether both are the same certificate, as far as can be told.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.held, &other.held) {
            (Held::Certificate(own), _) => other.is(own.der()),
            (_, Held::Certificate(other)) => self.is(other.der()),
            (Held::Hash { .. }, Held::Hash { .. }) => {
                (self.serial(), self.key()) == (other.serial(), other.key())
            }
        }
    }
}

impl<'a> Parts<'a> {
    fn read(record: &'a [u8]) -> Outcome<Self> {
        let (mut parts, mut at) = (Self::default(), 0);
        while let Some(tag) = record.get(at) {
            let value = value_at(record, at, record.len())?;
            at = value.end;
            if parts.find(*tag).is_some() {
                return Err(Fault::new(format!("element {tag} of a record stands there twice")));
            }
            parts.0.push((*tag, record.get(value).unwrap_or_default()));
        }
        Ok(parts)
    }

    fn find(&self, tag: u8) -> Option<&'a [u8]> {
        self.0.iter().find(|(own, _)| *own == tag).map(|(_, value)| *value)
    }

    fn hashed(&self, hash: &[u8]) -> Outcome<Held> {
        let (Some(serial), Some(key), Some([algorithm])) = (self.find(6), self.find(7), self.find(12)) else {
            return Err(Fault::new("a record has a hash, and not what goes with it"));
        };
        let (serial, key) = (minimal(serial).to_vec(), key.to_vec());
        Ok(Held::Hash { serial, key, algorithm: *algorithm, hash: hash.to_vec() })
    }
}

/// The hash by the algorithm of this number.
fn hashed(algorithm: u8, der: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        1 => Some(Sha1::digest(der).to_vec()),
        2 => Some(Sha256::digest(der).to_vec()),
        3 => Some(Sha512::digest(der).to_vec()),
        _ => None,
    }
}
