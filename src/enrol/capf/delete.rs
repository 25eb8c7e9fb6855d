//! Delete: the device's certificate leaves the device. It is not revoked by that.

use crate::device::Change;
use crate::device::records::{DeviceRecord, Reason};
use crate::enrol::capf::admit::Admitted;
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::{EndReason, FromDevice, ToDevice};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::capf::talk::Talk;
use crate::error::{Error, Kind};
use crate::store::Unit;

/// Runs the operation. Where the device does not delete it, everything stays as it is (CAPF-56).
pub(super) async fn run<S: Stream>(
    talk: &mut Talk<'_, S>,
    caller: &Caller,
    admitted: &Admitted,
    service: &Service,
) -> Result<EndReason, Refusal> {
    match talk.ask(&ToDevice::Delete, service.patience.store).await? {
        FromDevice::Deleted(reason) if reason.is_ok() => {
            let decide = |device: &DeviceRecord, change: Change| {
                let same = device.operation.as_ref().is_some_and(|o| o.id == admitted.operation.id);
                // It deleted it, whatever it is to do next.
                let known = device.lsc.is_some() && device.lsc == admitted.device.value.lsc;
                Ok(if same { Some(change.deleted()) } else { known.then(|| change.deleted_before()) })
            };
            book::change(service, caller, admitted.device.value.id, &Unit::new(), decide).await?;
            Ok(EndReason::Updated)
        }
        FromDevice::Deleted(reason) => {
            let text = format!("the device does not delete its certificate: {reason}");
            let error = Error::new(Kind::Conflict, "capf-not-deleted", text);
            Err(Refusal::trouble(error, Reason::PhoneCommunicationFailure))
        }
        FromDevice::Auth(_)
        | FromDevice::Key(_)
        | FromDevice::InProgress
        | FromDevice::Stored(_)
        | FromDevice::Fetched(_) => Err(Refusal::unexpected()),
    }
}
