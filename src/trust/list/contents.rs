//! What a list is to say, and its bytes.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::diff::Outline;
use super::{Entry, MAX_LEN, MAX_RECORDS, VERSION, kind_of, record};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::trust::records::ListKind;
use crate::trust::role::Role;
use crate::trust::sign::{Modulus, SignatureDigest};
use crate::trust::tlv::{Draft, FileName, SignerVersion, ToBeSigned, names, serial};
use crate::x509::cert::Certificate;

/// What stands in a list beside its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// `CTLFile.tlv`, `ITLSEP001122334455.tlv`: it tells which list it is.
    pub file_name: FileName,
    /// When it is made; whole seconds are written.
    pub timestamp: Timestamp,
    /// The digest of its signature.
    pub digest: SignatureDigest,
    /// Which behaviour of phones it asks for; none: it does not say.
    pub signer_version: Option<SignerVersion>,
}

/// A list before it is signed: one that phones can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    heading: Heading,
    kind: ListKind,
    signer: Arc<Certificate>,
    entries: Vec<Entry>,
}

impl Contents {
    /// A list of these entries in this order. Errors: `bad-file-name` unless the name begins with CTL or ITL and ends
    /// in `.tlv`; `signer-key-not-allowed` unless the signer's key is RSA of 2048 or 4096 bits;
    /// `signer-not-in-list` unless the signer's certificate is one of the entries, with role SAST, and the only one of its
    /// serial number there; `trust-list-too-large` over 512 entries.
    pub fn new(mut heading: Heading, signer: Arc<Certificate>, entries: Vec<Entry>) -> Result<Self> {
        let kind = kind_of(&heading.file_name).ok_or_else(|| {
            Error::invalid("bad-file-name", "a trust list is called CTL… or ITL…, and ends in .tlv")
        })?;
        Modulus::of_signer(&signer)?;
        if entries.len() > MAX_RECORDS {
            return Err(too_large(format!("a list of {} entries; at most {MAX_RECORDS}", entries.len())));
        }
        check_signer(&signer, &entries)?;
        heading.timestamp = heading.timestamp.whole_secs();
        Ok(Self { heading, kind, signer, entries })
    }

    /// Whether CTL or ITL.
    pub fn kind(&self) -> ListKind {
        self.kind
    }

    /// What stands in it beside its entries.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// Whose key signs it.
    pub fn signer(&self) -> &Arc<Certificate> {
        &self.signer
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its outline, for a comparison.
    pub fn outline(&self) -> Outline<'_> {
        Outline {
            signer_name: names::text(self.signer.subject()),
            signer_serial: serial::minimal(self.signer.serial().content()),
            digest: self.heading.digest,
            signer_version: self.heading.signer_version,
            entries: &self.entries,
        }
    }

    /// SHA-256 of what it says, its time left out: the same for lists that differ in their time alone.
    /// Errors: `element-too-long`, `bad-certificate`.
    pub fn fingerprint(&self) -> Result<[u8; 32]> {
        let timeless = self.draft(Timestamp::from_secs(0)).write(&record::write_all(&self.entries)?)?;
        Ok(Sha256::digest(timeless.message()).into())
    }

    /// Its bytes, ready to be signed. Errors: `invalid-time`, `element-too-long`, `trust-list-too-large`.
    pub fn to_be_signed(&self) -> Result<ToBeSigned> {
        let body = record::write_all(&self.entries)?;
        let unsigned = self.draft(self.heading.timestamp).write(&body)?;
        // What we write we read.
        if unsigned.message().len() > MAX_LEN - 1024 {
            return Err(too_large(format!("a list of {} octets", unsigned.message().len())));
        }
        Ok(unsigned)
    }

    fn draft(&self, timestamp: Timestamp) -> Draft<'_> {
        Draft {
            version: VERSION,
            signer_version: self.heading.signer_version,
            signer: &self.signer,
            digest: self.heading.digest,
            file_name: &self.heading.file_name,
            timestamp,
            encryption: None,
        }
    }
}

/// Phones look for the signer by his serial number: another SAST of that number would be taken for him.
fn check_signer(signer: &Certificate, entries: &[Entry]) -> Result<()> {
    let number = signer.serial().content();
    let mut same = entries.iter().filter(|e| e.role() == Role::Sast && serial::same(e.serial(), number));
    let is_signer = |entry: &Entry| match entry.trusted() {
        super::Trusted::Certificate(certificate) => **certificate == *signer,
        super::Trusted::Hash(hash) => hash.is_of(signer),
    };
    if same.next().is_some_and(is_signer) && same.all(is_signer) {
        return Ok(());
    }
    let detail = "the signer is one of the entries, with role sast, and no other sast has his serial number";
    Err(Error::invalid("signer-not-in-list", detail))
}

fn too_large(detail: String) -> Error {
    Error::new(Kind::TooLarge, "trust-list-too-large", detail)
}
