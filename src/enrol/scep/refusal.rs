//! The one table from our errors to SCEP's failInfo (RFC 8894 §3.2.1.4).

use crate::error::{Error, Kind};

/// failInfo, with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailInfo {
    /// badAlg 0: unrecognized or forbidden algorithm.
    Algorithm,
    /// badMessageCheck 1: integrity or decryption failed.
    MessageCheck,
    /// badRequest 2: not permitted or not supported.
    Request,
    /// badTime 3: signingTime is too far off.
    Time,
    /// badCertId 4: no such certificate or CRL.
    CertificateId,
}

impl FailInfo {
    /// As the attribute holds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "0",
            Self::MessageCheck => "1",
            Self::Request => "2",
            Self::Time => "3",
            Self::CertificateId => "4",
        }
    }
}

/// Why a request is refused, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// failInfo.
    pub fail_info: FailInfo,
    /// failInfoText.
    pub text: String,
}

impl Refusal {
    /// With its reason.
    pub fn new(fail_info: FailInfo, text: impl Into<String>) -> Self {
        Self { fail_info, text: text.into() }
    }

    /// What is said of every failure after the RSA step, whatever its cause (SCEP-52, SCEP-58, SCEP-70).
    pub fn cannot_open() -> Self {
        Self::new(FailInfo::MessageCheck, "the envelope cannot be opened")
    }

    /// The same failure, told apart to a device that signed with its live certificate of ours (SCEP-51).
    pub fn not_proven() -> Self {
        Self::new(FailInfo::Request, "CSR proof of possession failed")
    }

    /// Whether it may be a guess at the content of an envelope, and is counted as such.
    pub fn is_guess(&self) -> bool {
        *self == Self::cannot_open() || *self == Self::not_proven()
    }

    /// How a client is told of `error`; the error itself if it is not for a CertRep: a limit or a fault of ours,
    /// which HTTP tells.
    pub fn of(error: Error) -> Result<Self, Error> {
        match (error.kind(), error.code()) {
            (_, "ca-not-ready" | "ra-not-ready") => Err(error),
            (Kind::Throttled | Kind::Busy | Kind::Storage | Kind::Unreachable | Kind::Internal, _) => {
                Err(error)
            }
            (_, code) => Ok(Self::new(fail_info(code), error.detail())),
        }
    }
}

fn fail_info(code: &str) -> FailInfo {
    match code {
        "cms-algorithm" | "cms-recipient" | "signature-algorithm" => FailInfo::Algorithm,
        "cms-signature" => FailInfo::MessageCheck,
        "scep-time" => FailInfo::Time,
        "scep-certificate-id" => FailInfo::CertificateId,
        _ => FailInfo::Request,
    }
}
