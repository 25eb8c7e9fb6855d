//! What a row makes of a device.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{Fate, Inventory};
use crate::ca::profile::Profile;
use crate::clock::Timestamp;
use crate::device::change::Change;
use crate::device::records::{
    Action, Authentication, DeviceRecord, Guesses, KeyOrder, Operation, State, StringMac,
};
use crate::device::row::{GivenString, Row, USUAL_PROFILE, Wanted, WantedOperation};
use crate::device::string;
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};
use crate::store::Stored;

/// No operation waits longer.
const FARTHEST_DEADLINE: Duration = Duration::from_hours(24 * 3653);

/// A device as it is to become.
#[derive(Debug)]
pub struct Planned {
    /// The change.
    pub change: Change,
    /// What that makes of it.
    pub fate: Fate,
    /// Its authentication string, if we made it.
    pub string: Option<Zeroizing<String>>,
}

impl Inventory<'_> {
    /// What the row makes of the device that stands there, or of a new one. Errors: see [`Inventory::save`].
    pub fn plan(&self, row: &Row, standing: Option<Stored<DeviceRecord>>) -> Result<Planned> {
        row.check()?;
        let (now, is_new) = (self.authority.clock.now(), standing.is_none());
        let change = match standing {
            Some(stored) => Change::of(stored, self.actor.clone(), now),
            None => Change::adding(self.blank(row, now)?, self.actor.clone(), now),
        };
        let change = change.facts(|device| row.describe(device));
        let profile = self.profile(&change.device().profile, row.profile.is_some() || is_new)?;
        let (change, string) = match &row.wanted {
            None => (change, None),
            Some(Wanted::Nothing) => (change.cleared(), None),
            Some(Wanted::Operation(wanted)) => self.wanted(change, wanted, profile, now)?,
        };
        let fate = match (is_new, change.is_needed()) {
            (true, _) => Fate::Created,
            (false, true) => Fate::Updated,
            (false, false) => Fate::Unchanged,
        };
        Ok(Planned { change, fate, string })
    }

    fn blank(&self, row: &Row, now: Timestamp) -> Result<DeviceRecord> {
        let profile = row.profile.clone().map_or_else(|| USUAL_PROFILE.parse(), Ok)?;
        Ok(DeviceRecord {
            id: RecordId::new(now, &self.authority.random)?,
            name: row.name.clone(),
            model: None,
            region: None,
            profile,
            seen: None,
            lsc: None,
            unconfirmed: None,
            mic: None,
            operation: None,
            guesses: Guesses::default(),
            steps: 0,
        })
    }

    /// The device's profile. One that is gone is a fault only where the request names it or needs it.
    fn profile(&self, id: &ProfileId, is_said: bool) -> Result<Option<&Profile>> {
        let found = self.profiles.find(id);
        let fault = match found {
            Some(profile) if profile.is_internal() => "is for Signet's own certificates",
            Some(profile) => return Ok(Some(profile)),
            None => "does not exist",
        };
        if !is_said {
            return Ok(None);
        }
        Err(Error::invalid("invalid-profile", format!("the profile {id} {fault}")).at("/profile"))
    }

    /// Sets the operation, unless it is the one that waits already.
    fn wanted(
        &self,
        change: Change,
        wanted: &WantedOperation,
        profile: Option<&Profile>,
        now: Timestamp,
    ) -> Result<(Change, Option<Zeroizing<String>>)> {
        hold(wanted, profile, now)?;
        let device = change.device();
        let waiting = device.operation.as_ref().filter(|o| o.is_open(now) && wanted.is_same(o));
        if let Some(waiting) = waiting
            && self.is_same_string(device, waiting, wanted)
        {
            return Ok((change, None));
        }
        if let Some(extended) = extended(device, wanted) {
            return Ok((change.set(extended), None));
        }
        let id = RecordId::new(now, &self.authority.random)?;
        let (mac, made) = self.string(device.id, id, wanted)?;
        let operation = Operation {
            id,
            action: wanted.action,
            authentication: wanted.authentication,
            string: mac,
            key: wanted.key,
            deadline: wanted.deadline,
            requester: self.actor.to_string(),
            campaign: wanted.campaign,
            state: State::Pending,
            trouble: None,
            failures: 0,
            changed: now,
        };
        Ok((change.set(operation), made))
    }

    fn is_same_string(&self, device: &DeviceRecord, waiting: &Operation, wanted: &WantedOperation) -> bool {
        match (&wanted.string, wanted.authentication) {
            (_, Authentication::NullString | Authentication::ExistingLsc | Authentication::ExistingMic) => {
                true
            }
            (GivenString::Kept, Authentication::String) => waiting.string.is_some(),
            (GivenString::Digits(digits), Authentication::String) => {
                self.strings.is_right(Some(device), digits)
            }
            (GivenString::Generated, Authentication::String) => false,
        }
    }

    /// What is kept of the operation's string, and the string if we made it.
    fn string(
        &self,
        device: RecordId,
        operation: RecordId,
        wanted: &WantedOperation,
    ) -> Result<(Option<StringMac>, Option<Zeroizing<String>>)> {
        match wanted.authentication {
            Authentication::NullString | Authentication::ExistingLsc | Authentication::ExistingMic => {
                Ok((None, None))
            }
            Authentication::String => match &wanted.string {
                GivenString::Kept => Err(missing_string()),
                GivenString::Digits(digits) => Ok((Some(self.strings.mac(device, operation, digits)), None)),
                GivenString::Generated => {
                    let made = string::generate(&self.authority.random)?;
                    Ok((Some(self.strings.mac(device, operation, &made)), Some(made)))
                }
            },
        }
    }
}

/// The operation that waits for its string, or waited until it was late, with another deadline: the string stays.
fn extended(device: &DeviceRecord, wanted: &WantedOperation) -> Option<Operation> {
    let (GivenString::Kept, Authentication::String) = (&wanted.string, wanted.authentication) else {
        return None;
    };
    let waiting = device.operation.as_ref().filter(|operation| operation.string.is_some())?;
    let extended = Operation { deadline: wanted.deadline, campaign: wanted.campaign, ..waiting.clone() };
    wanted.is_same(&extended).then_some(extended)
}

/// What can be said of an operation before its device comes.
fn hold(wanted: &WantedOperation, profile: Option<&Profile>, now: Timestamp) -> Result<()> {
    let late = wanted.deadline.is_some_and(|at| at <= now || at > now.plus(FARTHEST_DEADLINE));
    if late {
        let rule = "a deadline lies ahead, and not more than ten years";
        return Err(Error::invalid("out-of-range", rule).at("/deadline"));
    }
    let by_string = wanted.authentication == Authentication::String;
    match &wanted.string {
        GivenString::Digits(_) | GivenString::Generated if !by_string => {
            let rule = "a string is for authentication by string alone";
            return Err(Error::invalid("invalid-authentication-string", rule).at("/string"));
        }
        GivenString::Digits(digits) => string::check(digits).map_err(|e| e.at("/string"))?,
        GivenString::Kept | GivenString::Generated => {}
    }
    let null_string = profile.is_some_and(|profile| profile.capf().null_string);
    if wanted.authentication == Authentication::NullString && !null_string {
        let rule = "its profile does not let a device come without proof ([capf] null_string)";
        return Err(Error::invalid("null-string-not-allowed", rule).at("/authentication"));
    }
    if wanted.action == Action::Install {
        installable(wanted.key, profile)?;
    }
    Ok(())
}

fn installable(key: KeyOrder, profile: Option<&Profile>) -> Result<()> {
    let Some(profile) = profile.filter(|profile| profile.is_enabled()) else {
        let rule = "the device's profile does not exist or is switched off";
        return Err(Error::invalid("invalid-profile", rule).at("/profile"));
    };
    for one in std::iter::once(key.preferred).chain(key.backup) {
        if !profile.allows(one) {
            let named = profile.key_names().into_iter();
            // Old keys may be for SCEP alone.
            let allowed: Vec<_> = named.filter(|name| *name != one.as_str()).collect();
            let allowed = allowed.join(", ");
            let rule = format!("the profile {} does not allow {one}; it allows {allowed}", profile.id());
            return Err(Error::invalid("invalid-key-order", rule).at("/key"));
        }
    }
    Ok(())
}

fn missing_string() -> Error {
    Error::invalid("missing-field", "authentication by string needs a string (or `generate`)").at("/string")
}
