//! A kept message once more: read and opened as on the day when it came, and then left to be decided as of today.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::enrol::refused::Received;
use crate::enrol::refused::replay::{rehearsal, rehearsal_at};
use crate::enrol::scep::exchange::Exchange;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::open::Opened;
use crate::enrol::scep::poll::{Polled, poll};
use crate::enrol::scep::refusal::Refusal;
use crate::enrol::scep::service::Service;
use crate::enrol::scep::{generation, lookup};
use crate::enrol::scep_ra::RaSource;
use crate::enrol::{Desk, Request};
use crate::error::Result;
use crate::id::{ProfileId, Serial};

/// What came out of a message.
pub enum Rehearsed {
    /// A request for a certificate, to be decided.
    Request(Box<Request>),
    /// A poll that would be answered with this certificate.
    Answered(Serial),
    /// A poll that would be answered with "wait".
    Pending,
    /// A question that would be answered with a CRL.
    Crl,
    /// A refusal before anything is decided: code and rule.
    Refused(&'static str, String),
}

/// Reads and opens a message that came at `then`. Nothing is written and nobody is counted.
/// Errors: those of reading the message, which HTTP would tell; `ra-not-ready`; faults of ours.
pub async fn rehearse(
    desk: &Desk,
    ra: &dyn RaSource,
    profile: &ProfileId,
    then: Timestamp,
    received: Received,
) -> Result<Rehearsed> {
    let service = Service::find(desk, Some(profile.as_str()))?;
    let addressed = generation::addressed(desk, ra, &service, &received.message)?;
    let incoming = Arc::new(Incoming::read(&received.message)?.for_service(&service));
    let signer = match &incoming.signer {
        Ok(signer) => signer.clone(),
        Err(e) => return Ok(Rehearsed::Refused(e.code(), e.detail().to_owned())),
    };
    let exchange = Exchange::new(Arc::new(rehearsal_at(desk, then)), service, addressed, None, received);
    let ours = exchange.known_certificate(&signer).await?;
    match exchange.open(incoming, signer, ours).await? {
        Err(refusal) => Ok(Rehearsed::Refused(refusal.code, refusal.text)),
        Ok(Opened::Enrol { csr, proof, transaction, .. }) => {
            Ok(Rehearsed::Request(Box::new(exchange.request(*csr, *proof, transaction))))
        }
        Ok(Opened::Poll(transaction)) => match poll(&rehearsal(desk), profile, &transaction).await? {
            Polled::Pending => Ok(Rehearsed::Pending),
            Polled::Issued(record) => Ok(Rehearsed::Answered(record.serial)),
        },
        Ok(Opened::Certificate(named, key)) => {
            let found = lookup::certificate(desk, &exchange.service, &named, key).await?;
            Ok(found.map_or_else(not_given, |record| Rehearsed::Answered(record.serial)))
        }
        Ok(Opened::Crl(named)) => {
            let found = lookup::crl(desk, &exchange.service, &named).await?;
            Ok(found.map_or_else(not_given, |_| Rehearsed::Crl))
        }
    }
}

fn not_given() -> Rehearsed {
    let refusal = Refusal::not_given();
    Rehearsed::Refused(refusal.code, refusal.text)
}
