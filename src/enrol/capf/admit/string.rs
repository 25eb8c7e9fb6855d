//! Proof by authentication string: compared in constant time, and each wrong one counted before the next is looked at.

use crate::device::records::{DeviceRecord, Reason};
use crate::device::string::Strings;
use crate::enrol::capf::admit::mode_mismatch;
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::message::EndReason;
use crate::enrol::capf::refusal::{Answer, Effect, Refusal};
use crate::enrol::capf::service::Service;
use crate::enrol::throttle::Who;
use crate::error::{Error, Kind};
use crate::store::{Stored, Unit};

/// Holds a string against the device's operation. Returns the device as it stands now. A wrong string is in the
/// device's record before anybody is told, and counts against the address too (CAPF-29, -30); while either is locked no
/// string is looked at. Certificates are no guesses: whoever has one is let past a locked address.
pub(super) async fn check(
    service: &Service,
    caller: &Caller,
    device: Stored<DeviceRecord>,
    given: Option<&str>,
) -> Result<Stored<DeviceRecord>, Refusal> {
    let authority = &service.desk.authority;
    let Some(given) = given else { return Err(mode_mismatch()) };
    let who = [Who::address(caller.address)];
    service.desk.throttle.check(authority.clock.now(), &who)?;
    let _turn = service.turn(&device.value.name).await;
    let id = device.value.id;
    let device = authority.db.require::<DeviceRecord>(id.as_bytes(), id).await?;
    if let Some(until) = device.value.locked(authority.clock.now()) {
        let text = format!("too many wrong authentication strings: none is looked at until {until}");
        let locked = Refusal::declined(Error::new(Kind::Throttled, "device-locked", text));
        return Err(Refusal { security: true, ..locked });
    }
    if Strings::of(&*authority.keys)?.is_right(Some(&device.value), given) {
        return Ok(device);
    }
    book::change(service, caller, id, &Unit::new(), |_, change| Ok(Some(change.wrong_string()))).await?;
    book::count_wrong(service, caller, &who).await;
    let error = Error::new(Kind::Forbidden, "string-refused", "the authentication string is wrong");
    let wrong = Refusal::unproven(error, Reason::InvalidAuthenticationString);
    // Its record knows already.
    Err(Refusal { effect: Effect::None, ..wrong })
}

/// CAPF-26: what a wrong string costs, for a device that there is not.
pub(super) fn unknown_device(service: &Service, given: Option<&str>) -> Result<Refusal, Error> {
    let strings = Strings::of(&*service.desk.authority.keys)?;
    strings.is_right(None, given.unwrap_or_default());
    let error = Error::new(Kind::Forbidden, "unknown-device", "no device of that name is in the inventory");
    let unknown = Refusal { answer: Answer::End(EndReason::UnknownDevice), ..Refusal::declined(error) };
    Ok(Refusal { security: true, ..unknown })
}
