//! Installing where a CA elsewhere signs, which is offline: the device's key is kept, and when the device comes again
//! it gets what was signed meanwhile.

use crate::device::records::{Held, State};
use crate::enrol::capf::admit::Admitted;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::install::{confirm, issue, key, store};
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::EndReason;
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::capf::talk::Talk;
use crate::enrol::offline::{self, Standing};
use crate::store::Unit;
use crate::x509::cert::Certificate;

/// Runs the operation as far as it goes today.
pub(super) async fn run<S: Stream>(
    talk: &mut Talk<'_, S>,
    caller: &Caller,
    admitted: &Admitted,
    service: &Service,
) -> Result<EndReason, Refusal> {
    let (desk, operation) = (&service.desk, admitted.operation.id);
    match offline::standing(desk, operation).await? {
        Standing::None => {
            let public_key = key::ask(talk, admitted, service).await?;
            let (admitted, _) = issue::current(service, admitted).await?;
            let request = issue::request(desk, caller, &admitted, public_key).await?;
            offline::ask(desk, &request, operation).await?;
            Ok(EndReason::NoAction)
        }
        Standing::Waiting => Ok(EndReason::NoAction),
        Standing::Signed(certificate) => {
            // Who proved itself by that very certificate holds it, though its word for that was lost.
            let held = admitted.device.value.lsc.as_ref().map(|held| held.fingerprint);
            if admitted.shown.is_some() && held == Some(certificate.fingerprint()) {
                confirmed(service, caller, admitted, &certificate).await?;
                return Ok(EndReason::Updated);
            }
            store(talk, certificate.der(), service).await?;
            confirmed(service, caller, admitted, &certificate).await?;
            Ok(EndReason::Updated)
        }
    }
}

/// Writes that the device confirmed. What it held before is of no CA of ours, or lives on to its end.
async fn confirmed(
    service: &Service,
    caller: &Caller,
    admitted: &Admitted,
    certificate: &Certificate,
) -> Result<(), Refusal> {
    let held = Held::of(certificate)?;
    let issued = State::Issued(held.serial.clone());
    confirm::write(service, caller, admitted, (held, issued), &Unit::new()).await
}
