//! What is asked of a device, read from JSON.

use zeroize::Zeroizing;

use crate::admin::api::json::{self, Fields};
use crate::admin::duration;
use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::records::{Authentication, KeyOrder};
use crate::device::row::{GivenString, Row, Wanted, WantedOperation};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::x509::key::KeyAlgorithm;

/// The word by which a string is asked for that we make.
const GENERATE: &str = "generate";

/// A [`super::DeviceRow`] as it was read: texts still to be understood.
#[derive(Default)]
pub struct Asked {
    name: Option<String>,
    model: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    operation: Option<String>,
    authentication: Option<String>,
    string: Option<Zeroizing<String>>,
    key: Option<String>,
    deadline: Option<String>,
}

impl json::Body for Asked {
    const FIELDS: &'static [&'static str] =
        &["name", "model", "region", "profile", "operation", "authentication", "string", "key", "deadline"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.line("name")?,
            model: fields.line("model")?,
            region: fields.line("region")?,
            profile: fields.line("profile")?,
            ..Self::operation(fields)?
        })
    }
}

impl Asked {
    /// The fields of an operation alone.
    pub const OPERATION: &'static [&'static str] =
        &["operation", "authentication", "string", "key", "deadline"];

    /// Reads those of [`Self::OPERATION`]. Errors: as [`Fields`].
    pub fn operation(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            operation: fields.line("operation")?,
            authentication: fields.line("authentication")?,
            string: fields.secret("string")?,
            key: fields.line("key")?,
            deadline: fields.line("deadline")?,
            ..Self::default()
        })
    }

    /// The device that it names, and what is asked of it. Errors: each with the field that it is about.
    pub fn row(self, now: Timestamp) -> Result<Row> {
        let Some(name) = &self.name else {
            return Err(Error::invalid("missing-field", "name is needed").at("/name"));
        };
        let name = name.parse().map_err(|e: Error| e.at("/name"))?;
        self.described(name, now)
    }

    /// What is asked of the device that the path names. Errors: as [`Self::row`].
    pub fn row_of(self, name: DeviceName, now: Timestamp) -> Result<Row> {
        if self.name.is_some() {
            let rule = "the name stands in the path; a device is not renamed";
            return Err(Error::invalid("invalid-device-name", rule).at("/name"));
        }
        self.described(name, now)
    }

    /// What is to be done. Errors: as [`wanted`].
    pub fn wanted(&self, now: Timestamp) -> Result<Option<Wanted>> {
        match &self.operation {
            Some(operation) => wanted(operation, self, now).map(Some),
            None => {
                let rest = [
                    ("authentication", self.authentication.is_some()),
                    ("string", self.string.is_some()),
                    ("key", self.key.is_some()),
                    ("deadline", self.deadline.is_some()),
                ];
                match rest.iter().find(|(_, given)| *given) {
                    None => Ok(None),
                    Some((field, _)) => {
                        let rule = format!("{field} is said of an operation: operation is needed too");
                        Err(Error::invalid("missing-field", rule).at("/operation"))
                    }
                }
            }
        }
    }

    /// Whether a string is given that is not generated: one device's.
    pub fn has_digits(&self) -> bool {
        self.string.as_ref().is_some_and(|string| string.as_str() != GENERATE)
    }

    /// Whether it says nothing of what is to be done.
    pub fn is_silent(&self) -> bool {
        self.operation.is_none()
            && self.authentication.is_none()
            && self.string.is_none()
            && self.key.is_none()
            && self.deadline.is_none()
    }

    fn described(self, name: DeviceName, now: Timestamp) -> Result<Row> {
        let wanted = self.wanted(now)?;
        let profile = self.profile.map(|profile| profile.parse::<ProfileId>()).transpose();
        let profile = profile.map_err(|e| e.at("/profile"))?;
        Ok(Row { name, model: self.model, region: self.region, profile, wanted })
    }
}

/// What is to be done, by its words. Errors: `invalid-operation`, `invalid-authentication`, `invalid-key-order`,
/// `invalid-time`, `missing-field`, each with its field.
pub fn wanted(operation: &str, asked: &Asked, now: Timestamp) -> Result<Wanted> {
    if operation == "none" {
        return Ok(Wanted::Nothing);
    }
    let action = operation.parse().map_err(|e: Error| e.at("/operation"))?;
    let string = match asked.string.as_ref().map(|string| string.as_str()) {
        None => GivenString::Kept,
        Some(GENERATE) => GivenString::Generated,
        Some(digits) => GivenString::Digits(Zeroizing::new(digits.to_owned())),
    };
    let usual = match string {
        GivenString::Kept => Authentication::ExistingLsc,
        GivenString::Digits(_) | GivenString::Generated => Authentication::String,
    };
    let authentication = asked.authentication.as_deref().map_or(Ok(usual), str::parse);
    let key = asked.key.as_deref().map_or(Ok(KeyOrder::only(KeyAlgorithm::Rsa2048)), str::parse);
    let deadline = asked.deadline.as_deref().map(|text| deadline(text, now)).transpose();
    Ok(Wanted::Operation(WantedOperation {
        action,
        authentication: authentication.map_err(|e| e.at("/authentication"))?,
        string,
        key: key.map_err(|e| e.at("/key"))?,
        deadline: deadline.map_err(|e| e.at("/deadline"))?,
        campaign: None,
    }))
}

/// A moment, or the time until then.
fn deadline(text: &str, now: Timestamp) -> Result<Timestamp> {
    match duration::parse(text) {
        Ok(within) => Ok(now.plus(within).whole_secs()),
        Err(_) => Timestamp::parse(text).map_err(|_| {
            let rule = "a deadline is a moment (RFC 3339), as 2027-01-31T18:00:00Z, or a duration, as 7d";
            Error::invalid("invalid-time", rule)
        }),
    }
}
