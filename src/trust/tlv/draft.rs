//! A file in two steps: the bytes to be signed, and the file once they are. What signs may be far away.

use super::encryption::EncryptionInfo;
use super::header::SignerVersion;
use super::tags::header as tag;
use super::{FRAME, FileName, length_of, names, push, push_frame, push_text, serial};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::trust::sign::{self, Modulus, SignatureDigest};
use crate::x509::cert::Certificate;

/// What goes into a header.
pub struct Draft<'a> {
    pub(in crate::trust) version: [u8; 2],
    pub(in crate::trust) signer_version: Option<SignerVersion>,
    pub(in crate::trust) signer: &'a Certificate,
    pub(in crate::trust) digest: SignatureDigest,
    pub(in crate::trust) file_name: &'a FileName,
    pub(in crate::trust) timestamp: Timestamp,
    pub(in crate::trust) encryption: Option<&'a EncryptionInfo>,
}

/// A file whose signature is still to be made.
pub struct ToBeSigned {
    message: Vec<u8>,
    /// Where the signature element goes.
    cut: usize,
    digest: SignatureDigest,
    modulus: Modulus,
    spki: Vec<u8>,
}

impl Draft<'_> {
    /// The file around `body`. Errors: `signer-key-not-allowed` unless the signer's key is RSA of 2048 or 4096 bits;
    /// `invalid-time` for a moment that does not fit into 32 bits; `element-too-long`.
    pub(in crate::trust) fn write(&self, body: &[u8]) -> Result<ToBeSigned> {
        let modulus = Modulus::of_signer(self.signer)?;
        let mut out = Vec::with_capacity(1536 + body.len());
        push(&mut out, tag::VERSION, &self.version)?;
        push(&mut out, tag::LENGTH, &[0; 2])?;
        if let Some(version) = self.signer_version {
            push(&mut out, tag::SIGNER_VERSION, &version.octets())?;
        }
        self.push_signer(&mut out)?;
        self.push_signature_info(&mut out, modulus)?;
        let cut = out.len();
        push_text(&mut out, tag::FILE_NAME, self.file_name.as_str())?;
        push(&mut out, tag::TIMESTAMP, &seconds(self.timestamp)?.to_be_bytes())?;
        if let Some(encryption) = self.encryption {
            encryption.push(&mut out, self.digest)?;
        }
        let signature = FRAME + modulus.octets();
        while !(out.len() + signature).is_multiple_of(4) {
            out.push(tag::PADDING);
        }
        let length = length_of(out.len() + signature, "the header")?.to_be_bytes();
        // Behind version and the frame of the header length.
        if let Some(place) = out.get_mut(FRAME + 2 + FRAME..FRAME + 2 + FRAME + 2) {
            place.copy_from_slice(&length);
        }
        out.extend_from_slice(body);
        let spki = self.signer.spki().to_vec();
        Ok(ToBeSigned { message: out, cut, digest: self.digest, modulus, spki })
    }

    fn push_signer(&self, out: &mut Vec<u8>) -> Result<()> {
        let (subject, issuer) = (names::text(self.signer.subject()), names::text(self.signer.issuer()));
        let serial = serial::minimal(self.signer.serial().content());
        push_frame(out, tag::SIGNER_INFO, 3 * FRAME + subject.len() + issuer.len() + 2 + serial.len())?;
        push_text(out, tag::SIGNER_NAME, &subject)?;
        push_text(out, tag::ISSUER_NAME, &issuer)?;
        push(out, tag::SERIAL, serial)
    }

    fn push_signature_info(&self, out: &mut Vec<u8>, modulus: Modulus) -> Result<()> {
        push_frame(out, tag::SIGNATURE_INFO, 15)?;
        push(out, tag::DIGEST, &[self.digest.code()])?;
        push_frame(out, tag::SIGNATURE_ALGORITHM_INFO, 8)?;
        push(out, tag::SIGNATURE_ALGORITHM, &[0])?;
        push(out, tag::MODULUS, &[modulus.code()])
    }
}

impl ToBeSigned {
    /// The bytes to be signed: PKCS#1 v1.5 with [`ToBeSigned::digest`].
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// By which digest.
    pub fn digest(&self) -> SignatureDigest {
        self.digest
    }

    /// The file with its signature, which is verified first: one that does not hold would lock phones out.
    /// Errors: `signature-invalid`.
    pub fn finish(self, signature: &[u8]) -> Result<Vec<u8>> {
        sign::verify(&self.spki, self.modulus, self.digest, &self.message, signature)?;
        let mut file = Vec::with_capacity(self.message.len() + FRAME + signature.len());
        let (before, after) = self.message.split_at(self.cut);
        file.extend_from_slice(before);
        push(&mut file, tag::SIGNATURE, signature)?;
        file.extend_from_slice(after);
        Ok(file)
    }

    /// Signs and finishes. Blocking and CPU-bound. Errors: `wrong-key` if the signer's key is not that of the
    /// certificate; `digest-not-supported` for SHA-1 without feature `legacy`; those of the signer.
    pub fn sign(self, signer: &dyn Signer) -> Result<Vec<u8>> {
        if signer.public_key().spki() != self.spki {
            return Err(Error::invalid(
                "wrong-key",
                "the signing key is not that of the signer's certificate",
            ));
        }
        let signature = self.digest.sign(signer, &self.message)?;
        self.finish(&signature)
    }
}

impl std::fmt::Debug for ToBeSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ToBeSigned({} octets, {})", self.message.len(), self.digest)
    }
}

fn seconds(at: Timestamp) -> Result<u32> {
    let outside =
        || Error::invalid("invalid-time", "the time of a list or signed file lies from 1970 to 2106");
    u32::try_from(at.secs()).map_err(|_| outside())
}
