//! The commands of the protocol.

/// What a message asks or answers. Those from `EncryptResponse` to `DecryptResponse` and from `RetryLater` on are
/// known by name only, but for `RetryLater` and `RequestInProgress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Command {
    AuthRequest = 1,
    AuthResponse = 2,
    KeyGenerateRequest = 3,
    KeyGenerateResponse = 4,
    EncryptResponse = 5,
    EncryptRequest = 6,
    DecryptRequest = 7,
    DecryptResponse = 8,
    StoreCertificateRequest = 9,
    StoreCertificateResponse = 10,
    FetchCertificateRequest = 11,
    FetchCertificateResponse = 12,
    DeleteCertificateRequest = 13,
    DeleteCertificateResponse = 14,
    EndSession = 15,
    RetryLater = 16,
    RequestInProgress = 17,
    StatusRequest = 18,
    StatusResponse = 19,
    AbortRequest = 20,
    AbortResponse = 21,
    SignCertificateRequest = 22,
    SignCertificateResponse = 23,
}

impl Command {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 23] = [
        Self::AuthRequest,
        Self::AuthResponse,
        Self::KeyGenerateRequest,
        Self::KeyGenerateResponse,
        Self::EncryptResponse,
        Self::EncryptRequest,
        Self::DecryptRequest,
        Self::DecryptResponse,
        Self::StoreCertificateRequest,
        Self::StoreCertificateResponse,
        Self::FetchCertificateRequest,
        Self::FetchCertificateResponse,
        Self::DeleteCertificateRequest,
        Self::DeleteCertificateResponse,
        Self::EndSession,
        Self::RetryLater,
        Self::RequestInProgress,
        Self::StatusRequest,
        Self::StatusResponse,
        Self::AbortRequest,
        Self::AbortResponse,
        Self::SignCertificateRequest,
        Self::SignCertificateResponse,
    ];

    /// The command of an octet; none if there is no such command.
    pub fn known(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// Its octet.
    pub fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_has_the_command_of_that_number_or_none() {
        for code in 0..=u8::MAX {
            assert_eq!(Command::known(code).map(Command::code), (1..=23).contains(&code).then_some(code));
        }
    }
}
