//! A trust list as a phone reads it.

use super::certificate::RsaKey;
use super::header::{Header, minimal, u16_of, value_at};
use super::{Fault, Outcome};

mod entry;

pub use entry::Entry;

/// The largest list that a phone has room for.
const LARGEST: usize = 256 * 1024;

const VERSION: [u8; 2] = [1, 2];

const SAST: u16 = 0;
const CCM_TFTP: u16 = 2;
const TFTP: u16 = 3;
/// The role of the Certificate Authority Proxy Function.
pub const CAPF: u16 = 4;
/// The role of the Trust Verification Service.
pub const TVS: u16 = 21;

/// A list, read; its signature is not checked by reading it.
#[derive(Clone, Debug)]
pub struct TrustList {
    file: Vec<u8>,
    header: Header,
    serial: Vec<u8>,
    entries: Vec<Entry>,
}

impl TrustList {
    /// Reads a list of this kind, `CTL` or `ITL`: its name says so. Faults: what is wrong with it.
    pub fn read(file: &[u8], kind: &str) -> Outcome<Self> {
        if file.len() > LARGEST {
            return Err(Fault::new("the list is larger than a phone can hold"));
        }
        let header = Header::read(file)?;
        if header.value(file, 1)? != VERSION {
            return Err(Fault::new("not a list of a version that phones read"));
        }
        if !header.text(file, 14)?.starts_with(kind) {
            return Err(Fault::new(format!("the list is no {kind} by its name")));
        }
        if !matches!(header.value(file, 28), Err(_) | Ok([1, 0 | 1])) {
            return Err(Fault::new("the signer's version is neither 1.0 nor 1.1"));
        }
        let serial = header.signer_serial(file)?.to_vec();
        let (mut entries, mut at) = (Vec::new(), header.length);
        while at < file.len() {
            let end = at + record_length(file, at)?;
            let record = file.get(at..end).ok_or_else(|| Fault::new("a record is longer than the list"))?;
            entries.push(Entry::read(record)?);
            at = end;
        }
        Ok(Self { file: file.to_vec(), header, serial, entries })
    }

    /// The file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The signer as it stands in the list itself, and the check of its signature.
    pub fn signer(&self) -> Outcome<&Entry> {
        let signer = self.sast(&self.serial);
        let signer = signer.ok_or_else(|| Fault::new("the signer does not stand in its list"))?;
        self.header.verify(&self.file, signer.key())?;
        Ok(signer)
    }

    /// The certificate of this number that may sign lists.
    pub fn sast(&self, serial: &[u8]) -> Option<&Entry> {
        self.of_roles(&[SAST]).find(|entry| entry.serial() == serial)
    }

    /// The key of the certificate of this number that may sign files.
    pub fn file_signer(&self, serial: &[u8]) -> Option<RsaKey<'_>> {
        let serial = minimal(serial);
        self.of_roles(&[CCM_TFTP, TFTP]).find(|entry| entry.serial() == serial).map(Entry::key)
    }

    /// Whether a server of this role may present this certificate.
    pub fn lists(&self, role: u16, der: &[u8]) -> bool {
        self.of_roles(&[role]).any(|entry| entry.is(der))
    }

    /// How many certificates it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn of_roles<'a>(&'a self, roles: &'a [u16]) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(|entry| roles.contains(&entry.role))
    }
}

/// A record begins with its own length.
fn record_length(file: &[u8], at: usize) -> Outcome<usize> {
    let value = value_at(file, at, file.len())?;
    let length = usize::from(u16_of(file.get(value))?);
    if file.get(at) != Some(&1) || length < 5 {
        return Err(Fault::new("a record does not begin with its length"));
    }
    Ok(length)
}
