//! A profile's file, field by field, before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ca::profile::options::{Approval, ScepOptions};
use crate::x509::key::{DeviceKey, Digest};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub description: String,
    pub ca: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub internal: bool,
    pub approval: Approval,
    pub keys: Vec<DeviceKey>,
    pub digest: Option<Digest>,
    pub validity: String,
    pub backdate: Option<String>,
    pub device: Option<String>,
    #[serde(default)]
    pub acknowledge_unsafe: bool,
    #[serde(default)]
    pub reserved_names: Vec<String>,
    pub challenge: Option<RawChallenge>,
    #[serde(default)]
    pub subject: BTreeMap<String, RawAttribute>,
    #[serde(default)]
    pub san: RawSan,
    pub usage: RawUsage,
    #[serde(default)]
    pub renewal: RawRenewal,
    pub scep: Option<ScepOptions>,
    pub offline: Option<RawOffline>,
    pub capf: Option<RawCapf>,
    #[serde(default)]
    pub rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChallenge {
    #[serde(default)]
    pub source: RawSource,
    pub acknowledge_shared_secret: Option<bool>,
    pub secret_file: Option<String>,
    pub url: Option<String>,
    pub ca_file: Option<String>,
    pub allow_plain_http: Option<bool>,
    pub timeout: Option<String>,
    pub servers: Option<Vec<String>>,
    pub nas_identifier: Option<String>,
    pub tries: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCapf {
    #[serde(default)]
    pub null_string: bool,
    #[serde(default)]
    pub retry_later: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawSource {
    #[default]
    OneTime,
    SharedSecret,
    Webhook,
    Radius,
}

impl RawSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one-time",
            Self::SharedSecret => "shared-secret",
            Self::Webhook => "webhook",
            Self::Radius => "radius",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAttribute {
    pub from: RawFrom,
    pub value: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub pattern: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawFrom {
    Request,
    Fixed,
    Forbidden,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOffline {
    pub issuer: String,
    pub former: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSan {
    #[serde(default)]
    pub allow: Vec<String>,
    #[serde(default)]
    pub wildcard: bool,
    #[serde(default)]
    pub min: usize,
    pub max: Option<usize>,
    #[serde(default)]
    pub cn_among: bool,
    #[serde(default)]
    pub add_cn: bool,
    #[serde(default)]
    pub patterns: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUsage {
    pub key: Vec<String>,
    #[serde(default)]
    pub extended: Vec<String>,
    #[serde(default)]
    pub ocsp_nocheck: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRenewal {
    pub due: Option<String>,
    pub from: Option<f64>,
    pub late: Option<String>,
    #[serde(default)]
    pub early: bool,
    #[serde(default)]
    pub key_reuse: bool,
    pub revoke_superseded_after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub require: String,
    pub message: String,
}

fn yes() -> bool {
    true
}
