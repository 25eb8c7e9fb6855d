//! What a token's answer means: whether to connect anew, to leave the PIN alone, or to take it as its last word.

use cryptoki::context::Function;
use cryptoki::error::{Error as Answer, RvError};

/// Why a token did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The module cannot be loaded: no time mends that.
    Module(String),
    /// Token, session or login are gone: connecting anew may bring them back.
    Lost(String),
    /// The token shows no such key: it may be another token, or one that went away without a word.
    Absent(String),
    /// The PIN is not taken: it must not be sent again.
    Pin(String),
    /// The token is there and does not do this.
    Refused(String),
}

impl Fault {
    /// The same, met while connecting: then even a last word says only that the token cannot be used now.
    pub fn while_connecting(self) -> Self {
        match self {
            Self::Refused(said) => Self::Lost(said),
            other => other,
        }
    }

    /// The same, if it is a loss, with what was said before the module was initialised anew: that tells more.
    pub fn after(self, first: &str) -> Self {
        match self {
            Self::Lost(said) if said != first => {
                Self::Lost(format!("{first}, and after connecting anew {said}"))
            }
            other => other,
        }
    }
}

impl From<Answer> for Fault {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::LibraryLoading(e) => Self::Module(e.to_string()),
            Answer::MissingSymbol(_) | Answer::NullFunctionPointer => {
                Self::Module("it is not a PKCS#11 module, or lacks a function of it".to_owned())
            }
            Answer::Pkcs11(code, function) => of_code(code, function),
            other => Self::Refused(format!("an answer that cannot be read: {other}")),
        }
    }
}

fn of_code(code: RvError, function: Function) -> Fault {
    let said = format!("C_{function:?}: {code:?}");
    match code {
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
            Fault::Pin(format!("the PIN was refused ({said})"))
        }
        RvError::PinExpired => Fault::Pin(format!("the PIN has expired ({said})")),
        RvError::PinLocked => {
            Fault::Pin(format!("the PIN is locked ({said}): unlock it with the tool of the token's maker"))
        }
        RvError::DeviceRemoved
        | RvError::DeviceError
        | RvError::DeviceMemory
        | RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::SlotIdInvalid
        | RvError::SessionHandleInvalid
        | RvError::SessionClosed
        | RvError::SessionCount
        | RvError::UserNotLoggedIn
        | RvError::UserPinNotInitialized
        | RvError::CryptokiNotInitialized
        | RvError::KeyHandleInvalid
        | RvError::ObjectHandleInvalid
        | RvError::OperationActive
        | RvError::GeneralError
        | RvError::FunctionFailed
        | RvError::HostMemory
        | RvError::VendorDefined(_) => Fault::Lost(said),
        _ => Fault::Refused(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: RvError) -> Fault {
        Answer::Pkcs11(code, Function::Sign).into()
    }

    #[test]
    fn what_connecting_anew_may_mend_is_told_from_what_it_may_not() {
        assert_eq!(of(RvError::DeviceRemoved), Fault::Lost("C_Sign: DeviceRemoved".to_owned()));
        assert!(matches!(of(RvError::SessionHandleInvalid), Fault::Lost(_)));
        assert!(matches!(of(RvError::VendorDefined(0x8000_0001)), Fault::Lost(_)));
        assert!(matches!(of(RvError::MechanismInvalid), Fault::Refused(_)));
        assert!(matches!(of(RvError::PinIncorrect), Fault::Pin(_)));
        let Fault::Pin(said) = of(RvError::PinLocked) else { panic!("not of the PIN") };
        assert!(said.contains("locked") && said.contains("unlock"), "{said}");
    }
}
