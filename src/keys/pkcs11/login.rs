//! Logging in without ever locking the PIN: a PIN that was refused is not sent a second time.

use std::sync::{Mutex, PoisonError};

use cryptoki::error::{Error as Answer, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::TokenInfo;
use cryptoki::types::AuthPin;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::fault::Fault;
use crate::keys::token::PinSource;

/// The PIN's source, and what came of the last attempt. One thread logs in at a time.
pub(super) struct Login {
    pin: PinSource,
    refused: Mutex<Option<Refused>>,
}

struct Refused {
    pin: Zeroizing<String>,
    why: String,
    /// Whether the source may be read again: the operator said so.
    forgiven: bool,
}

impl Login {
    pub fn new(pin: PinSource) -> Self {
        Self { pin, refused: Mutex::default() }
    }

    /// Logs the process in to the token of `session`, if it is not.
    /// Errors: `Fault::Pin` without asking the token where it might lock the PIN.
    pub fn log_in(&self, session: &Session, token: &TokenInfo) -> Result<(), Fault> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if !token.login_required() || is_logged_in(session)? {
            return Ok(());
        }
        leave_alone(token)?;
        if let Some(refused) = refused.as_ref().filter(|r| !r.forgiven) {
            return Err(Fault::Pin(refused.why.clone()));
        }
        let pin = (self.pin)().map_err(|e| Fault::Lost(format!("its PIN cannot be read: {e}")))?;
        if let Some(refused) = refused.as_mut().filter(|r| bool::from(r.pin.as_bytes().ct_eq(pin.as_bytes())))
        {
            refused.forgiven = false;
            return Err(Fault::Pin(refused.why.clone()));
        }
        match session.login(UserType::User, Some(&AuthPin::from(pin.as_str()))) {
            Ok(()) | Err(Answer::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                *refused = None;
                Ok(())
            }
            Err(answer) => {
                let fault = Fault::from(answer);
                if let Fault::Pin(said) = &fault {
                    let why = format!("{said}; it is not tried again: {AGAIN}");
                    *refused = Some(Refused { pin, why: why.clone(), forgiven: false });
                    return Err(Fault::Pin(why));
                }
                Err(fault)
            }
        }
    }

    /// Lets the source be read once more. The very PIN that was refused is not sent all the same.
    pub fn again(&self) {
        if let Some(refused) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            refused.forgiven = true;
        }
    }
}

const AGAIN: &str = "put the right one into the PIN's file, then signet profile reload (or SIGHUP)";

fn is_logged_in(session: &Session) -> Result<bool, Fault> {
    Ok(match session.get_session_info()?.session_state() {
        SessionState::RoUser | SessionState::RwUser => true,
        SessionState::RoPublic | SessionState::RwPublic | SessionState::RwSecurityOfficer => false,
    })
}

/// The last try is left to people.
fn leave_alone(token: &TokenInfo) -> Result<(), Fault> {
    if token.user_pin_locked() {
        return Err(Fault::Pin("its PIN is locked: unlock it with the tool of the token's maker".to_owned()));
    }
    if token.user_pin_final_try() {
        let why = "one wrong PIN more would lock it, so none is sent: log in once by hand, as with \
                   pkcs11-tool --login, which sets the counter back";
        return Err(Fault::Pin(why.to_owned()));
    }
    if !token.user_pin_initialized() {
        return Err(Fault::Lost("its user PIN has not been set yet".to_owned()));
    }
    Ok(())
}
