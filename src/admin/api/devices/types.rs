//! What the API says of devices.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A device of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its name, as `SEP001122334455`.
    pub name: String,
    /// Its record.
    pub id: String,
    /// When it was added (RFC 3339).
    pub added_at: String,
    /// Its model.
    pub model: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// By which profile it gets its certificates.
    pub profile: String,
    /// `none`, `pending`, `issued`, `installed`, `deleted`, `fetched`, `failed` or `late`.
    pub state: String,
    /// Why it failed or is late, or what went wrong last while it is pending: `invalid-authentication-string` …
    pub reason: Option<String>,
    /// What is to be done, or was done last.
    pub operation: Option<DeviceOperation>,
    /// The locally significant certificate that it confirmed to hold.
    pub lsc: Option<HeldCertificate>,
    /// The manufacturing certificate that it last showed.
    pub mic: Option<HeldCertificate>,
    /// When it was last seen.
    pub seen_at: Option<String>,
    /// From where it came then.
    pub seen_address: Option<String>,
    /// Wrong authentication strings since the last right one.
    pub wrong_strings: u32,
    /// Until when no authentication string of it is looked at.
    pub locked_until: Option<String>,
}

/// What is to be done with a device, or was done last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceOperation {
    /// Its identifier.
    pub id: String,
    /// `install`, `fetch` or `delete`.
    pub operation: String,
    /// `string`, `null-string`, `existing-lsc` or `existing-mic`.
    pub authentication: String,
    /// `rsa-2048`, `p-384/rsa-2048` …
    pub key: String,
    /// Not after this moment.
    pub deadline: Option<String>,
    /// Who asked for it.
    pub requester: String,
    /// The campaign that it belongs to.
    pub campaign: Option<String>,
    /// The serial number of the certificate that was issued and is not confirmed.
    pub issued: Option<String>,
    /// How often the device came for it in vain.
    pub failures: u32,
    /// When it came to its state.
    pub changed_at: String,
}

/// A certificate that a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldCertificate {
    /// Its serial number; one of ours is found by it: `GET /certificates/{serial}`.
    pub serial: String,
    /// SHA-256 of the certificate.
    pub fingerprint_sha256: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its key, as `rsa-2048`.
    pub key: String,
    /// First moment of validity.
    pub not_before: String,
    /// Last moment of validity.
    pub not_after: String,
    /// From when on it is to be renewed.
    pub due_at: String,
}

/// A device to be added or changed, and what is to be done with it. Of a device that exists, what is not given stays;
/// an empty text takes model or region away.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct DeviceRow {
    /// Its name; where the path has it, not here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// By which profile it gets its certificates; `capf-lsc` of a new device, unless another is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// `install` (or `upgrade`), `fetch` (or `troubleshoot`), `delete`, or `none` to take back what is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `string`, `null-string`, `existing-lsc` or `existing-mic`; `string` if a string is given, else `existing-lsc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
    /// 4 to 10 digits, or `generate`: then it is shown once, in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// `rsa-2048` unless given; `rsa-1024` only where the device's profile lists it (feature `legacy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Not after this moment (RFC 3339), or within this time, as `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// A device that was just added or changed.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangedDevice {
    /// The device as it is now.
    pub device: Device,
    /// Its authentication string, if it was generated; it is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
}

/// Devices to be added or changed, in one durable write: up to 1,000, and 256 KiB of JSON.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceBatch {
    /// The devices, each name once.
    pub items: Vec<DeviceRow>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a batch: rows that are refused stop no others.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceBatchReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many devices are new.
    pub created: usize,
    /// How many were changed.
    pub updated: usize,
    /// How many were as the batch says already.
    pub unchanged: usize,
    /// How many rows were refused.
    pub refused: usize,
    /// Why rows were refused, each.
    pub faults: Vec<DeviceFault>,
    /// Authentication strings that were generated; they are shown this once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strings: Vec<DeviceString>,
}

/// Why a row was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceFault {
    /// Which item, from 0.
    pub item: u64,
    /// The field that it is about, as `deadline`.
    pub field: Option<String>,
    /// Stable, for programs: `invalid-device-name`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// A generated authentication string.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceString {
    /// The device.
    pub name: String,
    /// Its digits.
    pub string: String,
}

/// One step of a device's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceStep {
    /// When.
    pub at: String,
    /// Who did it.
    pub by: String,
    /// From where the device came, if it came.
    pub address: Option<String>,
    /// The operation that it belongs to.
    pub operation: Option<String>,
    /// `set`, `cleared`, `issued`, `installed`, `fetched`, `deleted`, `failed`, `trouble`, `locked` or `unlocked`.
    pub step: String,
    /// Of `set`: what is to be done.
    pub action: Option<String>,
    /// Of `set`: how the device is to prove itself.
    pub authentication: Option<String>,
    /// Of `set`: not after this moment; of `locked`: until then.
    pub until: Option<String>,
    /// Why, of what went wrong.
    pub reason: Option<String>,
    /// The certificate that it is about.
    pub serial: Option<String>,
}

/// An operation for many devices: those that are named, or those that a filter finds, page by page.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct BulkOperation {
    /// As of one device; with `none`, what is pending is taken back.
    pub operation: String,
    /// As of one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
    /// `generate`: each device gets a string of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// As of one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As of one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// Up to 1,000 names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What to look for, as in `GET /devices`: each name with its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<DeviceFilter>,
    /// How many the filter is to find at most: 1 to 1,000 (1,000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where to go on: `next` of the answer before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Which devices: those for which all of it holds. At least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeviceFilter {
    /// The beginning of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Words of the name, each by its beginning: the name, a desk phone's MAC address, parts of another's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The model, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The region, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The state, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The reason, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The campaign that set the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `lsc`, `mic` or `none`: what certificate it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// Those whose LSC expires at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
    /// Those whose LSC expires before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_before: Option<String>,
    /// Those whose LSC expires within this time, as `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_within: Option<String>,
    /// `due`: those whose LSC is to be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<String>,
    /// The key of the LSC, as `rsa-1024`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lsc_key: Option<String>,
    /// The key of the MIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mic_key: Option<String>,
    /// The issuer of the LSC, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lsc_issuer: Option<String>,
    /// Those last seen at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_after: Option<String>,
    /// Those last seen before this time, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_before: Option<String>,
    /// `true`: those whose authentication strings are not looked at now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<String>,
}

/// What became of the operation of one device.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceOutcome {
    /// The device.
    pub name: String,
    /// `set`, `cleared` (of a dry run: `would-be-set`, `would-be-cleared`), `unchanged` or `refused`.
    pub outcome: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it was refused, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its generated string; it is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
}

/// What became of the operations of many devices.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct BulkReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many were set or cleared, or would be.
    pub changed: usize,
    /// How many were as asked already.
    pub unchanged: usize,
    /// How many were refused.
    pub refused: usize,
    /// Each: in the order of the request, or as the filter found them.
    pub items: Vec<DeviceOutcome>,
    /// Where the filter goes on; null at the end.
    pub next: Option<String>,
}
