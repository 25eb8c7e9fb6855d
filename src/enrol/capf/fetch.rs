//! Fetch ("troubleshoot"): the certificate that a device holds, looked at and entered.

use crate::device::Change;
use crate::device::records::{DeviceRecord, Held, Reason};
use crate::enrol::capf::admit::{Admitted, trust};
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::{EndReason, FetchResponse, FromDevice, ToDevice};
use crate::enrol::capf::proof::{self, Sort, identify};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::capf::talk::Talk;
use crate::error::{Error, Kind};
use crate::store::Unit;

/// Runs the operation. A certificate that is none of ours and of no manufacturer, or another device's, is not entered.
pub(super) async fn run<S: Stream>(
    talk: &mut Talk<'_, S>,
    caller: &Caller,
    admitted: &Admitted,
    service: &Service,
) -> Result<EndReason, Refusal> {
    let der = match talk.ask(&ToDevice::Fetch, service.patience.store).await? {
        FromDevice::Fetched(FetchResponse::Certificate(der)) => der,
        FromDevice::Fetched(FetchResponse::None(reason)) => {
            let text = format!("the device shows no certificate: {reason}");
            return Err(Refusal::failed(
                Error::new(Kind::Conflict, "capf-not-shown", text),
                Reason::InvalidLsc,
            ));
        }
        FromDevice::Auth(_)
        | FromDevice::Key(_)
        | FromDevice::InProgress
        | FromDevice::Stored(_)
        | FromDevice::Deleted(_) => return Err(Refusal::unexpected()),
    };
    let (held, sort) = look(service, &admitted.device.value, der).await?;
    let decide = |device: &DeviceRecord, change: Change| {
        let same = device.operation.as_ref().is_some_and(|o| o.id == admitted.operation.id);
        let shown = match sort {
            Sort::Lsc => change.showed_lsc(held.clone()),
            Sort::Mic => change.showed_mic(held.clone()),
        };
        Ok(same.then(|| shown.fetched(held.serial.clone())))
    };
    book::change(service, caller, admitted.device.value.id, &Unit::new(), decide).await?;
    Ok(EndReason::NoAction)
}

async fn look(service: &Service, device: &DeviceRecord, der: Vec<u8>) -> Result<(Held, Sort), Refusal> {
    let trust = trust(service, device).await?;
    match identify(&service.desk.authority, der, device.name.as_str(), trust).await {
        Ok((certificate, sort)) => Ok((Held::of(&certificate)?, sort)),
        Err(proof::Refusal::Unproven(unproven)) => {
            let text = format!("the certificate that the device shows is not accepted: {unproven}");
            let error = Error::new(Kind::Forbidden, "capf-shown", text);
            Err(Refusal::trouble(error, Reason::InvalidLsc))
        }
        Err(proof::Refusal::Failed(error)) => Err(Refusal::from(error)),
    }
}
