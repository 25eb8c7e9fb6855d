//! Why a conversation ends without what it was for: what the device is told, and what is kept for people.

use crate::device::records::Reason;
use crate::enrol::capf::frame::malformed;
use crate::enrol::capf::link::Broken;
use crate::enrol::capf::message::EndReason;
use crate::error::{Error, Kind};

/// What the device is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The session ends, for this reason.
    End(EndReason),
    /// It may come back: where it is known to take that, it is told so.
    Later,
    /// Nothing: it is gone, or takes too long.
    Close,
}

/// What it means for the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// This went wrong; the operation stays open.
    Trouble(Reason),
    /// It failed for good.
    Failed(Reason),
}

/// Why a conversation ends.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What the device is told.
    pub answer: Answer,
    /// What is said of it in log and audit.
    pub error: Error,
    /// What it means for the operation.
    pub effect: Effect,
    /// Whether somebody may be trying to pass for a device.
    pub security: bool,
}

impl Refusal {
    /// The device is told that something is wrong (7), and nothing is kept of it.
    pub fn declined(error: Error) -> Self {
        Self { answer: Answer::End(EndReason::Declined), error, effect: Effect::None, security: false }
    }

    /// The same, and the operation stays open, with its trouble.
    pub fn trouble(error: Error, reason: Reason) -> Self {
        Self { effect: Effect::Trouble(reason), ..Self::declined(error) }
    }

    /// The same, and the operation has failed.
    pub fn failed(error: Error, reason: Reason) -> Self {
        Self { effect: Effect::Failed(reason), ..Self::declined(error) }
    }

    /// A message that is not expected now (CAPF-10).
    pub fn unexpected() -> Self {
        Self::trouble(malformed("unexpected command in state"), Reason::PhoneCommunicationFailure)
    }

    /// The device did not prove itself, which is told to whoever watches for that. Its operation stays open: or anybody
    /// could end it.
    pub fn unproven(error: Error, reason: Reason) -> Self {
        Self { security: true, ..Self::trouble(error, reason) }
    }

    /// The same; if nothing came in time, for this reason.
    pub fn or_late(self, reason: Reason) -> Self {
        match (&self.answer, self.error.code()) {
            (Answer::Close, LATE) => Self { effect: Effect::Trouble(reason), ..self },
            _ => self,
        }
    }
}

/// Nothing whole came in time.
const LATE: &str = "capf-late";

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        let effect = Effect::Trouble(Reason::PhoneCommunicationFailure);
        let cut = |code, text| Self {
            answer: Answer::Close,
            error: Error::new(Kind::Unreachable, code, text),
            effect,
            security: false,
        };
        match broken {
            Broken::Malformed(error) => Self { effect, ..Self::declined(error) },
            Broken::Cut => cut("capf-cut", "the device ended the connection, or the network did"),
            Broken::Late => cut(LATE, "the device did not answer in time"),
            Broken::Internal(error) => Self::from(error),
        }
    }
}

/// An error of ours, or of whoever decides: what a device asks for and is refused ends its operation; what is not its
/// fault leaves it open.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.kind() {
            Kind::Malformed | Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::TooLarge => {
                Self::failed(error, Reason::CaRejected)
            }
            Kind::Throttled => Self::declined(error),
            Kind::NotFound
            | Kind::Conflict
            | Kind::Busy
            | Kind::Storage
            | Kind::Unreachable
            | Kind::Internal => Self {
                answer: Answer::Later,
                error,
                effect: Effect::Trouble(Reason::CaCommunicationFailure),
                security: false,
            },
        }
    }
}
