//! What is said of a device, its operation and its history.

use super::types::{Device, DeviceOperation, DeviceStep, HeldCertificate};
use crate::admin::api::json;
use crate::clock::Timestamp;
use crate::device::records::{DeviceRecord, Held, Operation, Shown, State, Step, StepRecord};

/// What the API says of a device.
pub fn shown(device: &DeviceRecord, now: Timestamp) -> Device {
    let operation = device.operation.as_ref();
    let state = operation.map_or(Shown::None, |operation| operation.shown(now));
    let reason = operation.and_then(|operation| operation.reason(now));
    Device {
        name: device.name.to_string(),
        id: device.id.to_string(),
        added_at: device.id.made_at().to_string(),
        model: device.model.clone(),
        region: device.region.clone(),
        profile: device.profile.to_string(),
        state: state.as_str().to_owned(),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        operation: operation.map(told),
        lsc: device.lsc.as_ref().map(held),
        mic: device.mic.as_ref().map(held),
        seen_at: device.seen.as_ref().map(|seen| seen.at.to_string()),
        seen_address: device.seen.as_ref().map(|seen| seen.address.to_string()),
        wrong_strings: device.guesses.wrong,
        locked_until: device.locked(now).map(|until| until.to_string()),
    }
}

/// What the API says of a step.
pub fn step(record: &StepRecord) -> DeviceStep {
    let (action, authentication, until) = match &record.step {
        Step::Set { action, authentication, deadline } => (Some(*action), Some(*authentication), *deadline),
        Step::Locked(until) => (None, None, Some(*until)),
        Step::Cleared
        | Step::Issued(_)
        | Step::Installed(_)
        | Step::Fetched(_)
        | Step::Deleted
        | Step::Failed(_)
        | Step::Trouble(_)
        | Step::Unlocked => (None, None, None),
    };
    DeviceStep {
        at: record.at.to_string(),
        by: record.by.clone(),
        address: record.address.map(|address| address.to_string()),
        operation: record.operation.map(|id| id.to_string()),
        step: record.step.as_str().to_owned(),
        action: action.map(|action| action.as_str().to_owned()),
        authentication: authentication.map(|authentication| authentication.as_str().to_owned()),
        until: until.map(|until| until.to_string()),
        reason: record.step.reason().map(|reason| reason.as_str().to_owned()),
        serial: record.step.serial().map(ToString::to_string),
    }
}

fn told(operation: &Operation) -> DeviceOperation {
    let issued = match &operation.state {
        State::Issued(serial) => Some(serial.to_string()),
        State::Pending | State::Done | State::Failed(_) => None,
    };
    DeviceOperation {
        id: operation.id.to_string(),
        operation: operation.action.as_str().to_owned(),
        authentication: operation.authentication.as_str().to_owned(),
        key: operation.key.to_string(),
        deadline: operation.deadline.map(|at| at.to_string()),
        requester: operation.requester.clone(),
        campaign: operation.campaign.map(|id| id.to_string()),
        issued,
        failures: operation.failures,
        changed_at: operation.changed.to_string(),
    }
}

fn held(held: &Held) -> HeldCertificate {
    HeldCertificate {
        serial: held.serial.to_string(),
        fingerprint_sha256: json::hex(&held.fingerprint),
        issuer: held.issuer.clone(),
        key: held.key.clone(),
        not_before: held.not_before.to_string(),
        not_after: held.not_after.to_string(),
        due_at: held.renewal_due().to_string(),
    }
}
