//! Whether a phone takes a list: by the lists that it has, or because TVS vouches for the signer.

use super::list::TrustList;
use super::state::Installed;
use super::{Fault, Outcome};

/// What a phone reports of its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// 1: new lists were taken.
    Success,
    /// 2: its first CTL.
    CtlInitialSuccess,
    /// 3: its first ITL.
    ItlInitialSuccess,
    /// 4: its first lists, both.
    InitialSuccess,
    /// 5: a list was refused; it keeps its old CTL.
    FailedOldCtl,
    /// 6: a list was refused, and it has none.
    FailedNoList,
    /// 8: a list was refused; it keeps its old ITL.
    FailedOldItl,
    /// 9: a list was refused; it keeps both old lists.
    FailedOldLists,
}

impl Alarm {
    /// Its number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 1,
            Self::CtlInitialSuccess => 2,
            Self::ItlInitialSuccess => 3,
            Self::InitialSuccess => 4,
            Self::FailedOldCtl => 5,
            Self::FailedNoList => 6,
            Self::FailedOldItl => 8,
            Self::FailedOldLists => 9,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "TL_SUCCESS",
            Self::CtlInitialSuccess => "CTL_INITIAL_SUCCESS",
            Self::ItlInitialSuccess => "ITL_INITIAL_SUCCESS",
            Self::InitialSuccess => "TL_INITIAL_SUCCESS",
            Self::FailedOldCtl => "TL_FAILED_OLD_CTL",
            Self::FailedNoList => "TL_FAILED_NO_TL",
            Self::FailedOldItl => "TL_FAILED_OLD_ITL",
            Self::FailedOldLists => "TL_FAILED_OLD_TL",
        }
    }

    /// Whether it says that a list was refused.
    pub fn is_failure(self) -> bool {
        self.code() >= 5
    }

    /// What is reported when new lists came.
    pub(super) fn of_success(before: &Installed, after: &Installed) -> Self {
        match (before.ctl.is_none() && after.ctl.is_some(), before.itl.is_none() && after.itl.is_some()) {
            (true, true) => Self::InitialSuccess,
            (true, false) => Self::CtlInitialSuccess,
            (false, true) => Self::ItlInitialSuccess,
            (false, false) => Self::Success,
        }
    }

    /// What is reported when a list was refused.
    pub(super) fn of_failure(kept: &Installed) -> Self {
        match (&kept.ctl, &kept.itl) {
            (Some(_), Some(_)) => Self::FailedOldLists,
            (Some(_), None) => Self::FailedOldCtl,
            (None, Some(_)) => Self::FailedOldItl,
            (None, None) => Self::FailedNoList,
        }
    }
}

/// What stands between a new list and the phone.
pub(super) enum Vouched {
    /// It is taken.
    Taken,
    /// Its signer is not known: TVS must vouch for it.
    Unknown,
}

/// Holds a new list against those that are installed. The signature must be that of a signer in the list itself; the first
/// lists are taken on trust; else an installed list must know the signer. Faults: what is wrong with the list.
pub(super) fn judge(installed: &Installed, new: &TrustList) -> Outcome<Vouched> {
    let signer = new.signer()?;
    if installed.is_empty() {
        return Ok(Vouched::Taken);
    }
    let known = installed.lists().find_map(|list| list.sast(signer.serial()));
    match known {
        Some(known) if known.is_same(signer) => Ok(Vouched::Taken),
        Some(_) => Err(Fault::new("the signer has the number of a known signer, and is another")),
        None => Ok(Vouched::Unknown),
    }
}
