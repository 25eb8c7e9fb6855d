//! Why a proof by certificate is none: one cause each, for the log and the audit.

use std::fmt;

/// The rule that does not hold. A device is told none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// A certificate is asked for and none was sent: a password alone does not do (CAPF-37).
    NoCertificate,
    /// Element 4 holds no certificate that can be read.
    Certificate,
    /// The certificate's key is of a type or size that is not accepted.
    Key,
    /// Element 6 is missing.
    SignedDataMissing,
    /// Element 20 is missing (CAPF-43).
    Sha512Missing,
    /// Element 20 is not a digest type, a length and as many octets.
    Sha512Malformed,
    /// Element 20 names another digest than SHA-512 (CAPF-43).
    OtherDigest,
    /// The signature with SHA-1 does not hold (CAPF-42).
    Sha1Signature,
    /// The signature with SHA-512 does not hold (CAPF-42).
    Sha512Signature,
    /// The SUDI data is not its three parts (CAPF-45).
    SudiStructure,
    /// A signature in the SUDI data does not hold.
    SudiSignature,
    /// Nobody who is believed bears the issuer's name (CAPF-40).
    UnknownIssuer,
    /// Somebody who is believed bears the issuer's name, but did not sign it (CAPF-39).
    IssuerSignature,
    /// One of our CAs signed it that does not issue LSCs.
    OtherIssuer,
    /// Its issuer is revoked, or not valid now.
    Issuer,
    /// It is not valid any more (CAPF-40).
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is a CA's (CAPF-40).
    IsCa,
    /// It names another device.
    OtherDevice,
    /// One of our CAs signed it, or one elsewhere that signs for us, but we have no record of it.
    NotOnRecord,
    /// It was revoked.
    Revoked,
}

impl Unproven {
    /// Whether it counts as a wrong proof: it cost work, and is not what an honest device sends again and again because
    /// of the certificate that it happens to have.
    pub fn counts(self) -> bool {
        match self {
            Self::NoCertificate
            | Self::Certificate
            | Self::SignedDataMissing
            | Self::Sha512Missing
            | Self::Sha512Malformed
            | Self::OtherDigest
            | Self::UnknownIssuer
            | Self::OtherIssuer
            | Self::Issuer
            | Self::Expired
            | Self::NotYetValid
            | Self::IsCa
            | Self::NotOnRecord
            | Self::Revoked => false,
            Self::Key
            | Self::Sha1Signature
            | Self::Sha512Signature
            | Self::SudiStructure
            | Self::SudiSignature
            | Self::IssuerSignature
            | Self::OtherDevice => true,
        }
    }

    /// As log and audit name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "mode-mismatch",
            Self::Certificate => "certificate-malformed",
            Self::Key => "certificate-key-not-accepted",
            Self::SignedDataMissing => "signed-data-missing",
            Self::Sha512Missing => "sha512-signed-data-missing",
            Self::Sha512Malformed => "sha2-signed-data-malformed",
            Self::OtherDigest => "sha2-signed-data-other-digest",
            Self::Sha1Signature => "sha1-signature-invalid",
            Self::Sha512Signature => "sha512-signature-invalid",
            Self::SudiStructure => "bad-sudi-structure",
            Self::SudiSignature => "sudi-signature-invalid",
            Self::UnknownIssuer => "issuer-unknown",
            Self::IssuerSignature => "issuer-signature-invalid",
            Self::OtherIssuer => "issuer-not-for-lscs",
            Self::Issuer => "issuer-not-valid",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::IsCa => "certificate-of-a-ca",
            Self::OtherDevice => "certificate-of-another-device",
            Self::NotOnRecord => "certificate-not-on-record",
            Self::Revoked => "certificate-revoked",
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
