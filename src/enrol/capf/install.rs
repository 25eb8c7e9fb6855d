//! Install or upgrade: a key from the device, a certificate for it, and the device's word that it holds that.

use crate::device::records::Reason;
use crate::enrol::capf::admit::Admitted;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::{EndReason, FromDevice, ToDevice};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::capf::talk::Talk;
use crate::error::{Error, Kind};

mod confirm;
mod elsewhere;
mod issue;
mod key;

pub(super) use confirm::succession_of_shown;

/// Runs the operation. The certificate counts as installed once the device said so, and is told that it is only after
/// that was written.
pub(super) async fn run<S: Stream>(
    talk: &mut Talk<'_, S>,
    caller: &Caller,
    admitted: &Admitted,
    service: &Service,
) -> Result<EndReason, Refusal> {
    let profiles = service.desk.profiles.current();
    if profiles.require(&admitted.device.value.profile)?.offline().is_some() {
        return elsewhere::run(talk, caller, admitted, service).await;
    }
    if let Some(certificate) = issue::held_already(service, admitted).await? {
        confirm::installed(service, caller, admitted, &certificate).await?;
        return Ok(EndReason::Updated);
    }
    let public_key = key::ask(talk, admitted, service).await?;
    let certificate = issue::certificate(service, caller, admitted, public_key).await?;
    store(talk, &certificate.der, service).await?;
    confirm::installed(service, caller, admitted, &certificate).await?;
    Ok(EndReason::Updated)
}

/// Gives the device its certificate (DER), and hears that it keeps it.
async fn store<S: Stream>(
    talk: &mut Talk<'_, S>,
    certificate: &[u8],
    service: &Service,
) -> Result<(), Refusal> {
    match talk.ask(&ToDevice::Store(certificate), service.patience.store).await? {
        FromDevice::Stored(reason) if reason.is_ok() => Ok(()),
        FromDevice::Stored(reason) => {
            let text = format!("the device does not keep the certificate: {reason}");
            Err(Refusal::trouble(Error::new(Kind::Conflict, "capf-not-stored", text), Reason::InvalidLsc))
        }
        FromDevice::Auth(_)
        | FromDevice::Key(_)
        | FromDevice::InProgress
        | FromDevice::Fetched(_)
        | FromDevice::Deleted(_) => Err(Refusal::unexpected()),
    }
}
