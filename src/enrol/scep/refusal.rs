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
    /// The stable code, for the log.
    pub code: &'static str,
    /// failInfoText.
    pub text: String,
}

const CANNOT_OPEN: &str = "cannot-open";
const NOT_PROVEN: &str = "not-proven";
const NOT_GIVEN: &str = "scep-certificate-id";

impl Refusal {
    /// With its reason.
    pub fn new(fail_info: FailInfo, code: &'static str, text: impl Into<String>) -> Self {
        Self { fail_info, code, text: text.into() }
    }

    /// What is said of every failure after the RSA step, whatever its cause (SCEP-52, SCEP-58, SCEP-70).
    pub fn cannot_open() -> Self {
        Self::new(FailInfo::MessageCheck, CANNOT_OPEN, "the envelope cannot be opened")
    }

    /// The same failure, told apart to a device that signed with its live certificate of ours (SCEP-51).
    pub fn not_proven() -> Self {
        Self::new(FailInfo::Request, NOT_PROVEN, "CSR proof of possession failed")
    }

    /// What is said of every failure of GetCert and GetCRL, also of an envelope that cannot be opened: whoever sends
    /// somebody's envelope again as one of these learns nothing of what is in it (SCEP-67, SCEP-68).
    pub fn not_given() -> Self {
        Self::new(FailInfo::CertificateId, NOT_GIVEN, "no such certificate or CRL is given out over SCEP")
    }

    /// A reply that nobody could open, refused before anything is issued (checklist A9).
    pub fn no_way_to_reply() -> Self {
        let text = "the reply cannot be encrypted to an EC key: send a challenge password, or use an RSA key";
        Self::new(FailInfo::Algorithm, "cms-recipient", text)
    }

    /// Whether it may be a guess at the content of an envelope, and is counted as such.
    pub fn is_guess(&self) -> bool {
        matches!(self.code, CANNOT_OPEN | NOT_PROVEN | NOT_GIVEN)
    }

    /// How a client is told of `error`; the error itself if it is not for a CertRep: a limit or a fault of ours,
    /// which HTTP tells.
    pub fn of(error: Error) -> Result<Self, Error> {
        match (error.kind(), error.code()) {
            (_, "ca-not-ready" | "ra-not-ready") => Err(error),
            (Kind::Throttled | Kind::Busy | Kind::Storage | Kind::Unreachable | Kind::Internal, _) => {
                Err(error)
            }
            (_, code) => Ok(Self::new(fail_info(code), code, error.detail())),
        }
    }
}

fn fail_info(code: &str) -> FailInfo {
    match code {
        "cms-algorithm" | "cms-recipient" | "signature-algorithm" => FailInfo::Algorithm,
        "cms-signature" => FailInfo::MessageCheck,
        "scep-time" => FailInfo::Time,
        _ => FailInfo::Request,
    }
}
