//! A refusal on its way out: noted once, with what is known of the request at that point.

use crate::audit::Actor;
use crate::enrol::refused::{Asked, Refused, is_refusal, note};
use crate::enrol::scep::exchange::Exchange;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::refusal::Refusal;
use crate::error::Error;

impl Exchange {
    /// Notes a refusal that the client is told in a CertRep, unless enrolment noted it already.
    pub(super) async fn keep(&self, incoming: &Incoming, refusal: &Refusal) {
        self.note((refusal.code, &refusal.text), asked(incoming)).await;
    }

    /// Notes a refusal that HTTP tells; failures of ours are for the log alone.
    pub(super) async fn keep_error(&self, error: &Error) {
        if is_refusal(error.kind()) {
            let read = Incoming::read(&self.received.message).map(|read| read.for_service(&self.service));
            let asked = read.as_ref().map(asked).unwrap_or_default();
            self.note((error.code(), error.detail()), asked).await;
        }
    }

    /// Who asks, for the audit log.
    pub(super) fn actor(&self) -> Actor {
        let address = self.address.map_or_else(|| "unknown".to_owned(), |a| a.to_string());
        Actor::Client { protocol: "scep".to_owned(), address }
    }

    async fn note(&self, (code, rule): (&'static str, &str), asked: Asked) {
        if self.received.is_noted() {
            return;
        }
        let refused = Refused {
            actor: self.actor(),
            profile: self.service.profile.id(),
            address: self.address,
            code,
            rule,
            misfit: None,
            asked,
            received: Some(&self.received),
        };
        note(&self.desk, refused).await;
    }
}

/// What the signer's certificate tells before the envelope is opened; the request inside may say something else.
fn asked(incoming: &Incoming) -> Asked {
    let signer = incoming.signer.as_ref().ok();
    Asked {
        subject: signer.map(|certificate| certificate.subject().clone()),
        key: signer.and_then(|c| c.public_key().ok()).map(|key| key.kind().to_string()),
        transaction: Some(incoming.echo.transaction_id.clone()),
        ..Asked::default()
    }
}
