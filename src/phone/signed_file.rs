//! A signed configuration file as a phone reads it, and the encrypted one.

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey};
use sha1::Sha1;
use sha2::{Digest, Sha512};

use super::certificate::RsaKey;
use super::header::{Header, u16_of};
use super::keys::KeyPair;
use super::{Fault, Outcome};

const PLAIN: [u8; 2] = [1, 0];
const ENCRYPTED: [u8; 2] = [2, 0];
const BLOCK: usize = 16;
/// What an encrypted file is filled up with.
const CR: u8 = b'\r';

/// A signed file, read; its signature is not checked by reading it.
pub struct SignedFile<'a> {
    file: &'a [u8],
    header: Header,
}

/// A file whose signature was checked.
pub struct Verified<'a> {
    file: &'a [u8],
    header: &'a Header,
}

impl<'a> SignedFile<'a> {
    /// Reads a file that was asked for by this name: `.sgn`, or `.enc.sgn` if it is encrypted. Faults: what is wrong with it.
    pub fn read(file: &'a [u8], name: &str) -> Outcome<Self> {
        let header = Header::read(file)?;
        let version = if name.ends_with(".enc.sgn") { ENCRYPTED } else { PLAIN };
        if header.value(file, 1)? != version {
            return Err(Fault::new("not a signed file that a phone can read"));
        }
        if header.value(file, 28).is_ok() {
            return Err(Fault::new("a signed file has no version of its signer"));
        }
        if header.text(file, 14)? != name {
            return Err(Fault::new("the file was signed by another name"));
        }
        Ok(Self { file, header })
    }

    /// The number of who signed it.
    pub fn signer_serial(&self) -> Outcome<&[u8]> {
        self.header.signer_serial(self.file)
    }

    /// The names of who signed it, and of who certified him, as they stand in the header.
    pub fn signer_names(&self) -> Outcome<(String, String)> {
        Ok((self.header.text(self.file, 4)?, self.header.text(self.file, 6)?))
    }

    /// The file, if this key signed it.
    pub fn verify(&self, signer: RsaKey<'_>) -> Outcome<Verified<'_>> {
        self.header.verify(self.file, signer)?;
        Ok(Verified { file: self.file, header: &self.header })
    }
}

impl Verified<'_> {
    /// What follows the header: the content, or its ciphertext.
    pub fn body(&self) -> &[u8] {
        self.file.get(self.header.length..).unwrap_or_default()
    }

    /// The content of an encrypted file. Faults: it is for another key, or not encrypted as phones read it.
    pub fn open(&self, key: &KeyPair) -> Outcome<Vec<u8>> {
        let wrapped = self.value(25)?;
        let bits = wrapped.len() * 8;
        let marks = (self.value(18)?, self.value(22)?, self.value(24)?);
        if marks != (&[0], &[0], &[1]) || usize::from(u16_of(Some(self.value(23)?))?) != bits {
            return Err(Fault::new("the file is not encrypted as phones read it"));
        }
        if self.value(26)? != self.value(8)? {
            return Err(Fault::new("the digest of the plain file is another than the signature's"));
        }
        let content = self.decrypt(&key.open(wrapped)?)?;
        match self.digest(&content)? == self.value(27)? {
            true => Ok(content),
            false => Err(Fault::new("what was decrypted is not what was encrypted")),
        }
    }

    /// AES-128-CBC, then without the CRs at the end.
    fn decrypt(&self, key: &[u8]) -> Outcome<Vec<u8>> {
        let iv: &[u8; BLOCK] = self.value(19)?.try_into().map_err(|_| Fault::new("an IV has 16 bytes"))?;
        let filled = usize::from(u16_of(Some(self.value(20)?))?);
        let mut content = self.body().to_vec();
        if !(1..=BLOCK).contains(&filled) || content.is_empty() || !content.len().is_multiple_of(BLOCK) {
            return Err(Fault::new("an encrypted file is filled up to whole blocks"));
        }
        let aes = UnboundCipherKey::new(&AES_128, key).and_then(DecryptingKey::cbc);
        aes.and_then(|aes| aes.decrypt(&mut content, DecryptionContext::Iv128(iv.into())).map(drop))
            .map_err(|_| Fault::new("the key of the file is none of AES-128"))?;
        let filler = content.split_off(content.len() - filled);
        match filler.iter().all(|byte| *byte == CR) {
            true => Ok(content),
            false => Err(Fault::new("what was decrypted is not filled up as it should be")),
        }
    }

    fn digest(&self, content: &[u8]) -> Outcome<Vec<u8>> {
        match self.value(26)? {
            [1] => Ok(Sha1::digest(content).to_vec()),
            [3] => Ok(Sha512::digest(content).to_vec()),
            _ => Err(Fault::new("the plain file's digest is one that phones do not take")),
        }
    }

    fn value(&self, tag: u8) -> Outcome<&[u8]> {
        self.header.value(self.file, tag)
    }
}
