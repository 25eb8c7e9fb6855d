//! What is asked of one device: what it is, and what is to be done with it.

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::records::{Action, Authentication, DeviceRecord, KeyOrder, Operation};
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};

/// The profile of a device that is added without one.
pub const USUAL_PROFILE: &str = "capf-lsc";
/// The most characters of a model or region.
pub const LONGEST_WORD: usize = 64;

/// A device to be added or changed. Of one that exists, what is not said stays.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: DeviceName,
    /// Its model; an empty one takes it away.
    pub model: Option<String>,
    /// Its region; an empty one takes it away.
    pub region: Option<String>,
    /// By which profile it gets its certificates.
    pub profile: Option<ProfileId>,
    /// What is to be done with it.
    pub wanted: Option<Wanted>,
}

/// What is to be done with a device.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Nothing: what is pending is taken back.
    Nothing,
    /// This.
    Operation(WantedOperation),
}

/// An operation that is to be set.
#[derive(Clone, Debug)]
pub struct WantedOperation {
    /// What is to be done.
    pub action: Action,
    /// How the device proves itself.
    pub authentication: Authentication,
    /// The authentication string, if it proves itself by one.
    pub string: GivenString,
    /// Which key it is to make.
    pub key: KeyOrder,
    /// Not after this moment.
    pub deadline: Option<Timestamp>,
    /// The campaign that it belongs to.
    pub campaign: Option<RecordId>,
}

/// An authentication string as it was asked for.
#[derive(Clone)]
pub enum GivenString {
    /// None was given: the one of the same operation stays, if it waits already; its deadline may be another.
    Kept,
    /// This one: 4 to 10 digits.
    Digits(Zeroizing<String>),
    /// One that we make.
    Generated,
}

impl std::fmt::Debug for GivenString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kept => "Kept",
            Self::Digits(_) => "Digits",
            Self::Generated => "Generated",
        })
    }
}

impl Row {
    /// Of this device, saying nothing yet.
    pub fn of(name: DeviceName) -> Self {
        Self { name, model: None, region: None, profile: None, wanted: None }
    }

    /// Enters what is said of the device itself.
    pub(super) fn describe(&self, device: &mut DeviceRecord) {
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if let Some(model) = &self.model {
            device.model = said(model);
        }
        if let Some(region) = &self.region {
            device.region = said(region);
        }
        if let Some(profile) = &self.profile {
            device.profile = profile.clone();
        }
    }

    /// Holds that model and region are words. Errors: `too-long`, `control-character`.
    pub(super) fn check(&self) -> Result<()> {
        for (field, text) in [("/model", &self.model), ("/region", &self.region)] {
            let Some(text) = text else { continue };
            if text.chars().count() > LONGEST_WORD {
                return Err(
                    Error::invalid("too-long", format!("at most {LONGEST_WORD} characters")).at(field)
                );
            }
            if text.chars().any(char::is_control) {
                let rule = "control characters are not allowed here";
                return Err(Error::invalid("control-character", rule).at(field));
            }
        }
        Ok(())
    }
}

impl WantedOperation {
    /// Whether this operation is the very one that waits, but for its string.
    pub(super) fn is_same(&self, waiting: &Operation) -> bool {
        let Self { action, authentication, string: _, key, deadline, campaign } = self;
        waiting.action == *action
            && waiting.authentication == *authentication
            && waiting.key == *key
            && waiting.deadline == *deadline
            && waiting.campaign == *campaign
    }
}
