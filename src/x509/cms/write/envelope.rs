//! Envelopes (RFC 5652 §6) for one recipient: the holder of an RSA key, or whoever knows a password.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use super::{content_info, issuer_and_serial, password, rsa_encryption};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::cert::Certificate;
use crate::x509::cms::algorithm::ContentCipher;
use crate::x509::cms::{enveloped, oid};
use crate::x509::key::{KeyKind, PublicKey};
use crate::x509::tlv;

/// Whom an envelope is for.
#[derive(Clone, Copy)]
pub enum To<'a> {
    /// The holder of this certificate's RSA key; issuer and serial are copied verbatim (SCEP-71).
    Certificate(&'a Certificate),
    /// Whoever knows this password (RFC 5652 §6.2.4).
    Password(&'a str),
}

impl std::fmt::Debug for To<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate(_) => "Certificate",
            Self::Password(_) => "Password",
        })
    }
}

/// An EnvelopedData (ContentInfo) around `content`. CPU-bound; a password takes tens of milliseconds.
/// Errors: `cms-recipient` if a certificate's key is not RSA, `internal`.
pub fn envelop(to: To<'_>, cipher: ContentCipher, content: &[u8], random: &Random) -> Result<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    random.fill(&mut key)?;
    let mut iv = vec![0; cipher.block_len()];
    random.fill(&mut iv)?;
    let (version, recipient_info) = match to {
        To::Certificate(certificate) => (0, key_transport(certificate, &key, random)?),
        To::Password(password) => (3, password::recipient(password, cipher, &key, random)?),
    };
    let iv_parameter = tlv::tlv(tlv::OCTET_STRING, &iv);
    let encrypted = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::object_identifier(&oid::DATA),
            &tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&cipher.oid()), &iv_parameter]),
            &tlv::tlv(0x80, &enveloped::seal(cipher, &key, &iv, content)?),
        ],
    );
    let enveloped_data = tlv::join(
        tlv::SEQUENCE,
        &[&tlv::unsigned(version), &tlv::tlv(tlv::SET, &recipient_info), &encrypted],
    );
    Ok(content_info(oid::ENVELOPED_DATA, &enveloped_data))
}

/// KeyTransRecipientInfo (RFC 5652 §6.2.1).
fn key_transport(recipient: &Certificate, key: &[u8], random: &Random) -> Result<Vec<u8>> {
    Ok(tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::unsigned(0),
            &issuer_and_serial(recipient),
            &rsa_encryption(),
            &tlv::tlv(tlv::OCTET_STRING, &wrap_key(recipient, key, random)?),
        ],
    ))
}

/// A content key, encrypted to the RSA key of a certificate with PKCS#1 v1.5 (RFC 8017 §7.2); to one of 1024 bits only
/// with feature `legacy`. Errors: `cms-recipient` if the key is not RSA, `internal`.
pub fn wrap_key(recipient: &Certificate, key: &[u8], random: &Random) -> Result<Vec<u8>> {
    let not_rsa = || Error::invalid("cms-recipient", "the recipient's key is not an RSA key");
    let public = recipient.public_key()?;
    if !matches!(public.kind(), KeyKind::Rsa(_)) {
        return Err(not_rsa());
    }
    if let Some(wrapped) = wrap_for_old_device(&public, key, random) {
        return wrapped;
    }
    let public = PublicEncryptingKey::from_der(public.spki())
        .map_err(|_| not_rsa())
        .and_then(|key| Pkcs1PublicEncryptingKey::new(key).map_err(|_| not_rsa()))?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length =
        public.encrypt(key, &mut wrapped).map_err(|_| Error::internal("RSA encryption failed"))?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}

/// The key wrapped for RSA of 1024 bits, which aws-lc refuses; none for any other key.
#[cfg(feature = "legacy")]
fn wrap_for_old_device(public: &PublicKey, key: &[u8], random: &Random) -> Option<Result<Vec<u8>>> {
    (public.kind() == KeyKind::Rsa(1024)).then(|| crate::x509::key::old::wrap(public, key, random))
}

#[cfg(not(feature = "legacy"))]
fn wrap_for_old_device(_: &PublicKey, _: &[u8], _: &Random) -> Option<Result<Vec<u8>>> {
    None
}
