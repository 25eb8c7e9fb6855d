//! Fetch ("troubleshoot"): the certificate that a device holds, looked at and entered.

use crate::device::Change;
use crate::device::records::{DeviceRecord, Held, Reason};
use crate::enrol::capf::admit::{Admitted, is_lsc_of, trust};
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::install::succession_of_shown;
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::{EndReason, FetchResponse, FromDevice, ToDevice};
use crate::enrol::capf::proof::{self, Sort, Unproven, identify};
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
            Sort::Lsc | Sort::Offline => change.showed_lsc(held.clone()),
            Sort::Mic => change.showed_mic(held.clone()),
        };
        Ok(same.then(|| shown.fetched(held.serial.clone())))
    };
    let succession = match sort {
        Sort::Lsc => succession_of_shown(service, admitted.device.value.id, &held.serial).await?,
        // Nothing of ours follows a certificate of a CA elsewhere.
        Sort::Offline | Sort::Mic => Unit::new(),
    };
    book::change(service, caller, admitted.device.value.id, &succession, decide).await?;
    Ok(EndReason::NoAction)
}

async fn look(service: &Service, device: &DeviceRecord, der: Vec<u8>) -> Result<(Held, Sort), Refusal> {
    let trust = trust(service, device, &der).await?;
    match identify(&service.desk.authority, der, device.name.as_str(), trust).await {
        Ok((_, _, Some(record))) if !is_lsc_of(device, &record.value) => {
            Err(not_accepted(Unproven::OtherIssuer))
        }
        Ok((certificate, sort, _)) => Ok((Held::of(&certificate)?, sort)),
        Err(proof::Refusal::Unproven(unproven)) => Err(not_accepted(unproven)),
        Err(proof::Refusal::Failed(error)) => Err(Refusal::from(error)),
    }
}

fn not_accepted(unproven: Unproven) -> Refusal {
    let text = format!("the certificate that the device shows is not accepted: {unproven}");
    Refusal::trouble(Error::new(Kind::Forbidden, "capf-shown", text), Reason::InvalidLsc)
}
