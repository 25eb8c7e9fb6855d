//! Trust lists: CTL and ITL, one format.
//!
//! [`Contents`] is what a list is to say; it becomes bytes to be signed, and with their signature the file.
//! [`List::parse`] reads a file, ours or a foreign one; nothing of it is to be believed before [`List::verify`].

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::records::ListKind;
use super::role::Role;
use super::sign::{self, PublicKeyBits, SignatureDigest};
use super::tlv::{FileName, Format, Header, SignerName, SignerVersion, names, serial};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

mod contents;
pub mod diff;
mod doubt;
mod entry;
mod kind;
pub mod limits;
mod record;

pub use contents::{Contents, Heading};
pub use diff::{Change, Outline};
pub use doubt::Doubt;
pub use entry::{CertificateHash, Entry, HashAlgorithm, Trusted};
pub use kind::kind_of;

/// The largest list that is read, in octets.
pub const MAX_LEN: usize = 1 << 20;
/// The most records of a list.
pub const MAX_RECORDS: usize = 512;
/// The version of the format.
const VERSION: [u8; 2] = [1, 2];

/// A list as it was received.
#[derive(Clone, Debug)]
pub struct List {
    received: Arc<[u8]>,
    header: Header,
    entries: Vec<Entry>,
    doubts: Vec<Doubt>,
}

impl List {
    /// Reads a list without verifying it: header elements and record elements in any order, names joined by `,` or `;`,
    /// RSA-1024 signers too; strict in everything else. Errors: `trust-list-too-large` over 1 MiB;
    /// `bad-trust-list` naming element and offset; `signer-key-not-allowed`; `list-digest-not-allowed`.
    pub fn parse(file: &[u8]) -> Result<Self> {
        Format::TrustList.check_size(file.len(), MAX_LEN)?;
        let header = Header::read(file, Format::TrustList)?;
        check_version(&header)?;
        let mut doubts = Vec::new();
        let entries = record::read_all(file, header.length, &mut doubts)?;
        let list = Self { received: file.into(), header, entries, doubts };
        Ok(list.doubting_signer())
    }

    /// The entry that signed the list: with role SAST and the serial number that the header names. The signature is
    /// verified over the bytes received. Errors: `signer-not-in-list`, `signature-invalid`,
    /// `signer-key-not-allowed`.
    pub fn verify(&self) -> Result<&Entry> {
        let message = self.header.signed_bytes(&self.received);
        let mut failure = None;
        for signer in self.signers() {
            match self.verify_by(signer, &message) {
                Ok(()) => return Ok(signer),
                Err(e) => failure = Some(e),
            }
        }
        Err(failure.unwrap_or_else(|| {
            let serial = serial::text(self.header.signer.serial());
            let detail = format!("no entry with role sast has the signer's serial number {serial}");
            Error::invalid("signer-not-in-list", detail)
        }))
    }

    /// Whether CTL or ITL, by its file name; none if the name tells neither.
    pub fn kind(&self) -> Option<ListKind> {
        kind_of(&self.header.file_name)
    }

    /// The file name in its header.
    pub fn file_name(&self) -> &FileName {
        &self.header.file_name
    }

    /// When it was made, by its own word.
    pub fn timestamp(&self) -> Timestamp {
        self.header.timestamp
    }

    /// Which behaviour of phones it asks for, if it says so.
    pub fn signer_version(&self) -> Option<SignerVersion> {
        self.header.signer_version
    }

    /// Who signed it, by its own word.
    pub fn signer(&self) -> &SignerName {
        &self.header.signer
    }

    /// The digest of its signature.
    pub fn digest(&self) -> SignatureDigest {
        self.header.digest
    }

    /// Its entries in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is odd about it without being wrong.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// The file as received.
    pub fn bytes(&self) -> &[u8] {
        &self.received
    }

    /// SHA-256 of the file.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.received).into()
    }

    /// Its outline, for a comparison.
    pub fn outline(&self) -> Outline<'_> {
        Outline {
            signer_name: self.header.signer.name().to_owned(),
            signer_serial: self.header.signer.serial(),
            digest: self.header.digest,
            signer_version: self.header.signer_version,
            entries: &self.entries,
        }
    }

    /// What it says, to be written anew. Errors: `signer-not-in-list` if the signer's certificate is not in it;
    /// as [`Contents::new`].
    pub fn contents(&self) -> Result<Contents> {
        let signer = self.signers().find_map(Entry::certificate).ok_or_else(|| {
            Error::invalid("signer-not-in-list", "the certificate of the list's signer does not stand in it")
        })?;
        let heading = Heading {
            file_name: self.header.file_name.clone(),
            timestamp: self.header.timestamp,
            digest: self.header.digest,
            signer_version: self.header.signer_version,
        };
        Contents::new(heading, Arc::clone(signer), self.entries.clone())
    }

    fn signers(&self) -> impl Iterator<Item = &Entry> {
        let named = self.header.signer.serial();
        self.entries.iter().filter(move |e| e.role() == Role::Sast && serial::same(e.serial(), named))
    }

    fn verify_by(&self, signer: &Entry, message: &[u8]) -> Result<()> {
        let header = &self.header;
        let key = match signer.trusted() {
            Trusted::Certificate(certificate) => PublicKeyBits::of(certificate.spki())?,
            Trusted::Hash(hash) => PublicKeyBits::of_record(hash.public_key()),
        };
        sign::verify_with(&key, header.modulus, header.digest, message, &header.signature)
    }

    fn doubting_signer(mut self) -> Self {
        let signer = &self.header.signer;
        let differs = self.signers().filter_map(Entry::certificate).any(|certificate| {
            !names::denotes(signer.name(), certificate.subject())
                || !names::denotes(signer.issuer(), certificate.issuer())
        });
        if differs {
            self.doubts.insert(0, Doubt::SignerName);
        }
        self
    }
}

fn check_version(header: &Header) -> Result<()> {
    let [major, minor] = header.version;
    if header.version != VERSION {
        let detail =
            format!("header: element 1 (version): a trust list has version 1.2, not {major}.{minor}");
        return Err(Format::TrustList.bad(detail));
    }
    if header.encryption.is_some() {
        return Err(
            Format::TrustList.bad("header: element 16 (encryption info): a trust list is not encrypted")
        );
    }
    Ok(())
}
