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
    /// Reads a record. Faults: a length that lies, an element that stands there twice, that is missing or of another form, a
    /// certificate whose number, key or signature is not what the record says.
    pub fn read(record: &[u8]) -> Outcome<Self> {
        let parts = Parts::read(record)?;
        parts.check()?;
        let role = parts.require(4)?;
        let held = match (parts.find(9), parts.find(11)) {
            (Some(der), None) => Held::Certificate(Box::new(parts.certificate(der)?)),
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

    fn require(&self, tag: u8) -> Outcome<&'a [u8]> {
        self.find(tag).ok_or_else(|| Fault::new(format!("a record has no element {tag}")))
    }

    /// What every record has is there; texts and the address are what they must be.
    fn check(&self) -> Outcome<()> {
        for tag in [3, 5, 6, 4, 7, 8] {
            self.require(tag)?;
        }
        let is_text = |text: &[u8]| text.strip_suffix(&[0]).is_some_and(|text| str::from_utf8(text).is_ok());
        if [2, 3, 5].iter().filter_map(|tag| self.find(*tag)).any(|text| !is_text(text)) {
            return Err(Fault::new("a text of a record does not end in NUL, or is not UTF-8"));
        }
        match self.find(10) {
            None | Some([_, _, _, _]) => Ok(()),
            Some(_) => Err(Fault::new("an address of a record has not four octets")),
        }
    }

    /// The certificate, if it is the one that the record describes.
    fn certificate(&self, der: &[u8]) -> Outcome<Certificate> {
        let certificate = Certificate::read(der)?;
        let other = |what| Err(Fault::new(format!("the {what} of a record is not that of its certificate")));
        if self.find(12).is_some() {
            return Err(Fault::new("a record has a certificate and a hash's algorithm"));
        }
        if minimal(self.require(6)?) != certificate.serial() {
            return other("serial number");
        }
        if self.require(7)? != certificate.key().0 {
            return other("key");
        }
        if self.require(8)? != certificate.signature() {
            return other("signature");
        }
        Ok(certificate)
    }

    fn hashed(&self, hash: &[u8]) -> Outcome<Held> {
        let [algorithm] = self.require(12)? else {
            return Err(Fault::new("a hash's algorithm is one octet"));
        };
        let (serial, key) = (minimal(self.require(6)?).to_vec(), self.require(7)?.to_vec());
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
