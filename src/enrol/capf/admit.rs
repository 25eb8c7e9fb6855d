//! Who is there: the device by its name, the operation that waits for it, and the proof that it asks for.

use crate::device::DeviceName;
use crate::device::records::{Authentication, DeviceRecord, Operation, Reason, State};
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::message::{AuthResponse, Version};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::error::{Error, Kind};
use crate::id::Serial;
use crate::store::Stored;

mod certificate;
mod lanes;
mod string;

pub(super) use certificate::{is_lsc_of, trust};

/// A device that has proven itself as its operation asks.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The device, as it was then.
    pub device: Stored<DeviceRecord>,
    /// What is to be done.
    pub operation: Operation,
    /// The version that it speaks.
    pub version: Version,
    /// The LSC that it proved itself by.
    pub shown: Option<Serial>,
}

/// Finds the device and holds its proof against its operation. None: nothing is pending for it (CAPF-27).
pub(super) async fn admit(
    service: &Service,
    auth: AuthResponse,
    session: u32,
    caller: &mut Caller,
) -> Result<Option<Admitted>, Refusal> {
    let version = auth.version;
    let proven = prove(service, auth, session, caller).await?;
    Ok(proven.map(|Proven { device, operation, shown }| Admitted { device, operation, version, shown }))
}

struct Proven {
    device: Stored<DeviceRecord>,
    operation: Operation,
    shown: Option<Serial>,
}

async fn prove(
    service: &Service,
    auth: AuthResponse,
    session: u32,
    caller: &mut Caller,
) -> Result<Option<Proven>, Refusal> {
    let name: DeviceName = auth.device.as_str().parse().map_err(Refusal::declined)?;
    caller.name = Some(name.clone());
    let Some(device) = find(service, &name).await? else {
        return Err(string::unknown_device(service, auth.password())?);
    };
    caller.device = Some(device.value.id);
    caller.takes_later = takes_later(service, &device.value);
    let Some(operation) = device.value.operation.clone().filter(waits) else { return Ok(None) };
    caller.operation = Some(operation.id);
    let password = auth.password();
    let (device, shown) = match operation.authentication {
        Authentication::String => (string::check(service, caller, device, password).await?, None),
        Authentication::NullString => (null_string(service, device, &auth)?, None),
        Authentication::ExistingLsc | Authentication::ExistingMic => {
            certificate::check(service, caller, device, auth, session).await?
        }
    };
    caller.proven = true;
    let operation = same(&device.value, &operation)?;
    if operation.state == State::Pending && operation.is_past_deadline(service.desk.authority.clock.now()) {
        return Err(Refusal::failed(late(), Reason::RequestLate));
    }
    Ok(Some(Proven { device, operation, shown }))
}

/// The operation as it stands in the record that the proof was held against: another one may have been set meanwhile.
fn same(device: &DeviceRecord, asked: &Operation) -> Result<Operation, Refusal> {
    let stands =
        |now: &Operation| now.id == asked.id && now.authentication == asked.authentication && waits(now);
    device.operation.clone().filter(stands).ok_or_else(|| Refusal::declined(changed()))
}

/// The device's operation is another one than it came for, or stands elsewhere.
pub(super) fn changed() -> Error {
    Error::new(Kind::Conflict, "operation-changed", "the device's operation was changed meanwhile")
}

/// Nothing new is issued after the deadline. Only whoever proved to be the device is told, and ends its operation.
pub(super) fn late() -> Error {
    Error::new(Kind::Forbidden, "operation-late", "the operation's deadline has passed")
}

fn waits(operation: &Operation) -> bool {
    matches!(operation.state, State::Pending | State::Issued(_))
}

/// Whether its profile says so of its model.
fn takes_later(service: &Service, device: &DeviceRecord) -> bool {
    let profiles = service.desk.profiles.current();
    let profile = profiles.require(&device.profile).ok();
    let model = device.model.as_deref().unwrap_or_default();
    profile.is_some_and(|profile| profile.capf().retry_later.iter().any(|models| models.matches(model)))
}

async fn find(service: &Service, name: &DeviceName) -> Result<Option<Stored<DeviceRecord>>, Refusal> {
    let key = DeviceRecord::name_key(name);
    Ok(service.desk.authority.db.find::<DeviceRecord>(DeviceRecord::BY_NAME, &key).await?)
}

/// CAPF-35: without a secret only where the operation and the profile have it so.
fn null_string(
    service: &Service,
    device: Stored<DeviceRecord>,
    auth: &AuthResponse,
) -> Result<Stored<DeviceRecord>, Refusal> {
    if auth.password.is_some() {
        return Err(mode_mismatch());
    }
    let profiles = service.desk.profiles.current();
    let profile = profiles.require(&device.value.profile)?;
    if !profile.capf().null_string {
        let text = format!("the profile {} does not allow authentication by null string", profile.id());
        let error = Error::new(Kind::Forbidden, "null-string-refused", text);
        return Err(Refusal::unproven(error, Reason::InvalidCredentials));
    }
    Ok(device)
}

/// CAPF-37: it proves itself by other means than its operation asks for.
fn mode_mismatch() -> Refusal {
    let error = Error::new(Kind::Forbidden, "capf-mode", "mode mismatch");
    Refusal::unproven(error, Reason::InvalidCredentials)
}
