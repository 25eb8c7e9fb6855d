//! The key that one file is encrypted with.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::cert::Certificate;
use crate::x509::cms::write::wrap_key;

/// An AES-128 key with its IV, and itself encrypted to a device's RSA key. For one file.
pub struct ContentKey {
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) iv: [u8; 16],
    pub(super) wrapped: Vec<u8>,
}

impl ContentKey {
    /// Draws a key for the holder of this certificate. Errors: `device-key-not-rsa`; `bad-csr` if the key is too weak to be
    /// read (1024 bits without feature `legacy`); `internal`.
    pub fn for_device(device: &Certificate, random: &Random) -> Result<Self> {
        // A reading of our own: what is allowed here is not allowed to whoever else holds the certificate.
        let device = &Certificate::from_der(device.der())?;
        device.allow_rsa_1024();
        if !device.public_key()?.kind().is_rsa() {
            return Err(Error::invalid(
                "device-key-not-rsa",
                "a configuration file is encrypted to an RSA key, and the device's certificate has an EC key",
            ));
        }
        let mut key = Zeroizing::new(vec![0; 16]);
        random.fill(&mut key)?;
        let wrapped = wrap_key(device, &key, random)?;
        Ok(Self { key, iv: random.bytes()?, wrapped })
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}
