//! Signed files: what phones take from TFTP and HTTP, `.sgn` and (encrypted) `.enc.sgn`.
//!
//! [`sign`] and [`encrypt`] give bytes to be signed, and with their signature the file. [`SignedFile::parse`] reads one;
//! nothing of it is to be believed before [`SignedFile::verify`].

use zeroize::Zeroizing;

use super::sign::{self, SignatureDigest};
use super::tlv::{Draft, EncryptionInfo, FileName, Format, Header, SignerName, ToBeSigned, names, serial};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::Decrypter;
use crate::x509::cert::Certificate;

mod cipher;
mod companion;
mod content_key;
mod srst;
mod xml;

pub use companion::companion;
pub use content_key::ContentKey;
pub use srst::{SRST_CERTIFICATE, insert_srst};

/// The largest file that is read or written, in octets.
pub const MAX_LEN: usize = 4 << 20;
/// What the name of a signed file ends in.
pub const SIGNED: &str = ".sgn";
/// What the name of an encrypted file ends in.
pub const ENCRYPTED: &str = ".enc.sgn";

/// The version of a signed file.
const VERSION_SIGNED: [u8; 2] = [1, 0];
/// The version of an encrypted one.
const VERSION_ENCRYPTED: [u8; 2] = [2, 0];
/// What a header may take of the file.
const MAX_HEADER: usize = 64 << 10;

/// By whom a file is signed, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The certificate that stands in phones' lists with role TFTP or CCM+TFTP; RSA of 2048 or 4096 bits.
    pub signer: &'a Certificate,
    /// The digest of the signature.
    pub digest: SignatureDigest,
    /// The moment; whole seconds are written.
    pub at: Timestamp,
}

/// A file as it was received.
#[derive(Clone, Debug)]
pub struct SignedFile {
    received: Vec<u8>,
    header: Header,
}

/// `name.sgn` around `content`, which may be any bytes. Errors: `signer-key-not-allowed`, `bad-file-name`,
/// `signed-file-too-large`, `invalid-time`.
pub fn sign(name: &FileName, content: &[u8], by: By<'_>) -> Result<ToBeSigned> {
    check_content(content)?;
    let file_name = name.with(SIGNED)?;
    Draft {
        version: VERSION_SIGNED,
        signer_version: None,
        signer: by.signer,
        digest: by.digest,
        file_name: &file_name,
        timestamp: by.at,
        encryption: None,
    }
    .write(content)
}

/// `name.enc.sgn` around `content`, encrypted by a key that only the device has. Errors: as [`sign`]; `internal`.
pub fn encrypt(name: &FileName, content: &[u8], key: &ContentKey, by: By<'_>) -> Result<ToBeSigned> {
    check_content(content)?;
    let file_name = name.with(ENCRYPTED)?;
    let (encryption, body) = cipher::seal(content, key, by.digest)?;
    Draft {
        version: VERSION_ENCRYPTED,
        signer_version: None,
        signer: by.signer,
        digest: by.digest,
        file_name: &file_name,
        timestamp: by.at,
        encryption: Some(&encryption),
    }
    .write(&body)
}

impl SignedFile {
    /// Reads a file without verifying it. Errors: `signed-file-too-large` over 4 MiB; `bad-signed-file` naming element
    /// and offset; `signer-key-not-allowed`; `list-digest-not-allowed`.
    pub fn parse(file: &[u8]) -> Result<Self> {
        Format::SignedFile.check_size(file.len(), MAX_LEN + MAX_HEADER)?;
        let header = Header::read(file, Format::SignedFile)?;
        check_version(&header)?;
        let suffix = if header.encryption.is_some() { ENCRYPTED } else { SIGNED };
        if header.file_name.without(suffix).is_none() {
            return Err(bad(format!("header: element 14 (file name): the name ends in {suffix}")));
        }
        let found = Self { received: file.to_vec(), header };
        if found.is_encrypted() && (found.body().is_empty() || !found.body().len().is_multiple_of(16)) {
            return Err(bad("the encrypted body is of one or more blocks of 16 octets"));
        }
        Ok(found)
    }

    /// Verifies the signature, over the bytes received, by a certificate that the caller trusts to sign files (role TFTP or
    /// CCM+TFTP). Errors: `signer-differs` if the header names another one; `signature-invalid`;
    /// `signer-key-not-allowed`.
    pub fn verify(&self, signer: &Certificate) -> Result<()> {
        let named = &self.header.signer;
        let same_serial = serial::same(named.serial(), signer.serial().content());
        if !same_serial || !names::denotes(named.name(), signer.subject()) {
            let detail = format!(
                "the file names another signer: {} (serial number {})",
                crate::x509::name::escape_line(named.name()),
                serial::text(named.serial())
            );
            return Err(Error::invalid("signer-differs", detail));
        }
        let message = self.header.signed_bytes(&self.received);
        let header = &self.header;
        sign::verify(signer.spki(), header.modulus, header.digest, &message, &header.signature)
    }

    /// Whether its content is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.header.encryption.is_some()
    }

    /// The content of a file that is not encrypted; none of one that is.
    pub fn content(&self) -> Option<&[u8]> {
        (!self.is_encrypted()).then(|| self.body())
    }

    /// The content of an encrypted file, by the device's key. Errors: `not-encrypted`; `signed-file-not-opened`, the same
    /// whether the key is another one, the padding is wrong or the digest of the plain file does not hold.
    pub fn open(&self, key: &dyn Decrypter) -> Result<Zeroizing<Vec<u8>>> {
        cipher::open(self.body(), self.encryption()?, key, self.header.digest)
    }

    /// What the file was encrypted with, to write it again as it is. Errors: `not-encrypted`.
    pub fn content_key(&self, key: &dyn Decrypter) -> Result<ContentKey> {
        self.encryption().map(|encryption| cipher::content_key(encryption, key))
    }

    /// The name of the file with its suffix.
    pub fn file_name(&self) -> &FileName {
        &self.header.file_name
    }

    /// The name of the content: without `.sgn` or `.enc.sgn`.
    pub fn content_name(&self) -> Option<FileName> {
        self.header.file_name.without(if self.is_encrypted() { ENCRYPTED } else { SIGNED })
    }

    /// Who signed it, by its own word.
    pub fn signer(&self) -> &SignerName {
        &self.header.signer
    }

    /// The digest of its signature.
    pub fn digest(&self) -> SignatureDigest {
        self.header.digest
    }

    /// When it was signed, by its own word.
    pub fn timestamp(&self) -> Timestamp {
        self.header.timestamp
    }

    fn encryption(&self) -> Result<&EncryptionInfo> {
        self.header.encryption.as_ref().ok_or_else(|| {
            Error::invalid("not-encrypted", "the file is signed and not encrypted: its content can be read")
        })
    }

    fn body(&self) -> &[u8] {
        self.received.get(self.header.length..).unwrap_or_default()
    }
}

fn check_version(header: &Header) -> Result<()> {
    let [major, minor] = header.version;
    let fits = match header.version {
        VERSION_SIGNED => header.encryption.is_none(),
        VERSION_ENCRYPTED => header.encryption.is_some(),
        _ => {
            return Err(bad(format!(
                "header: element 1 (version): a signed file has version 1.0, an encrypted one 2.0, not {major}.{minor}"
            )));
        }
    };
    if !fits {
        return Err(bad("header: version 2.0 goes with encryption info (element 16), and 1.0 without"));
    }
    if header.signer_version.is_some() {
        return Err(bad("header: element 28 (signer version) stands in trust lists only"));
    }
    Ok(())
}

fn check_content(content: &[u8]) -> Result<()> {
    Format::SignedFile.check_size(content.len(), MAX_LEN)
}

fn bad(detail: impl Into<String>) -> Error {
    Format::SignedFile.bad(detail)
}
