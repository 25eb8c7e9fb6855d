//! A signed configuration file as a phone reads it.

use super::certificate::Certificate;
use super::header::Header;
use super::{Fault, Outcome};

const PLAIN: [u8; 2] = [1, 0];

/// A signed file, read; its signature is not checked by reading it.
pub struct SignedFile<'a> {
    file: &'a [u8],
    header: Header,
}

impl<'a> SignedFile<'a> {
    /// Reads a file that was asked for by this name.
    pub fn read(file: &'a [u8], name: &str) -> Outcome<Self> {
        let header = Header::read(file)?;
        if header.value(file, 1)? != PLAIN {
            return Err(Fault::new("not a signed file that a phone can read"));
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

    /// Its content, if this certificate's key signed it.
    pub fn content(&self, signer: &Certificate) -> Outcome<&'a [u8]> {
        self.header.verify(self.file, signer)?;
        Ok(&self.file[self.header.length..])
    }
}
