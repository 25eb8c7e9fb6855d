//! What the API says of all devices together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What there is of devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceReport {
    /// The moment that it is about; a report is given again for a minute.
    pub made_at: String,
    /// How many devices there are.
    pub devices: u64,
    /// By state: `none`, `pending`, `issued`, `installed`, `deleted`, `fetched`, `failed`, `late`.
    pub states: BTreeMap<String, u64>,
    /// By what went wrong, for good or last.
    pub reasons: BTreeMap<String, u64>,
    /// By model; those without one are under "".
    pub models: BTreeMap<String, u64>,
    /// LSCs.
    pub lsc: HeldReport,
    /// MICs, as far as they were shown.
    pub mic: HeldReport,
    /// Certificates whose key is under 2048 bits.
    pub weak: FindingReport,
    /// LSCs past their renewal point.
    pub stale: FindingReport,
    /// Devices whose operation failed or is late.
    pub failed: FindingReport,
}

/// Certificates of one sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldReport {
    /// How many devices hold one.
    pub held: u64,
    /// By when they expire: `expired`, `within_7d`, `within_30d`, `within_90d`, `within_1y`, `later`.
    pub expiry: BTreeMap<String, u64>,
    /// By issuer and key.
    pub map: Vec<HeldCount>,
}

/// Certificates of one issuer with one sort of key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldCount {
    /// The issuer (RFC 4514).
    pub issuer: String,
    /// The key, as `rsa-2048`.
    pub key: String,
    /// How many.
    pub count: u64,
    /// When the first of them expires.
    pub first_expires: String,
}

/// Devices that something is to be said of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingReport {
    /// How many.
    pub count: u64,
    /// The first 1,000 of them; all: `GET /device-findings`.
    pub items: Vec<DeviceFinding>,
}

/// What is said of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceFinding {
    /// The device.
    pub name: String,
    /// Its model.
    pub model: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// What it is about: `lsc`, `mic`, `failed` or `late`.
    pub what: String,
    /// The certificate's key, or why the operation failed.
    pub detail: String,
    /// The certificate's issuer.
    pub issuer: Option<String>,
    /// When the certificate expires, or since when the operation stands so.
    pub at: Option<String>,
}
