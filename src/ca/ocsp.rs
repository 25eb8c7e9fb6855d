//! OCSP: says of a certificate whether it was revoked (RFC 6960). An answer is signed once and then given from
//! memory until it is stale; whether something was revoked since is looked at each time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::{self, RevocationRecord, serials};
use crate::ca::{Authority, LoadedCa};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::keys::Signer;
use crate::store::Record;
use crate::x509::cert::Certificate;
use crate::x509::key::signature_algorithm;
use crate::x509::ocsp::{self, CertId, Failure, Request, Said, Status, TbsResponse};

mod cache;
pub mod http;
mod limit;

use cache::{Cache, Entry};
use limit::Limit;

/// How long an answer is good for.
const WINDOW: Duration = Duration::from_hours(24);
/// After this part of its window an answer is signed anew.
const STALE: Duration = Duration::from_hours(12);

/// Who signs the answers for a CA: a delegate whose certificate the CA itself issued (RFC 6960 §4.2.2.2).
#[derive(Clone, Debug)]
pub struct Responder {
    /// Its certificate: EKU OCSPSigning, nocheck.
    pub certificate: Arc<Certificate>,
    /// Its key.
    pub signer: Arc<dyn Signer>,
}

/// Who keeps the responders: one for each CA, renewed by the server's worker.
pub trait ResponderSource: Send + Sync {
    /// The responder of a CA. Errors: `responder-not-ready`.
    fn responder(&self, ca: &CaId) -> Result<Arc<Responder>>;
}

/// A signed answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// OCSPResponse, DER.
    pub der: Arc<[u8]>,
    /// When it was signed.
    pub this_update: Timestamp,
    /// Until when it is good.
    pub next_update: Timestamp,
    /// Whether it is for one requester alone: it carries his nonce.
    pub has_nonce: bool,
}

/// Answers for all CAs of this server.
pub struct Ocsp {
    authority: Arc<Authority>,
    responders: Arc<dyn ResponderSource>,
    cache: Cache,
    limit: Limit,
    revocations: watch::Receiver<u64>,
}

impl Ocsp {
    /// With no answer made yet.
    pub fn new(authority: Arc<Authority>, responders: Arc<dyn ResponderSource>) -> Self {
        let revocations = authority.db.raw().changed(RevocationRecord::KIND);
        let limit = Limit::new(limit::USUAL);
        Self { authority, responders, cache: Cache::default(), limit, revocations }
    }

    /// With so many signatures a second for each address, instead of 1,000; 0: without a limit.
    #[must_use]
    pub fn with_limit(self, signatures_per_second: Option<u32>) -> Self {
        Self { limit: Limit::new(signatures_per_second.unwrap_or(limit::USUAL)), ..self }
    }

    /// Answers a request `from` an address, or says in the protocol's own words why not.
    pub async fn answer(&self, request: &[u8], from: Option<IpAddr>) -> Result<Answer, Failure> {
        let answer = self.try_answer(request, from).await;
        answer.map_err(|error| {
            let failure = failure_of(&error);
            if failure == Failure::InternalError {
                tracing::error!(%error, "an OCSP request could not be answered");
            }
            failure
        })
    }

    async fn try_answer(&self, request: &[u8], from: Option<IpAddr>) -> Result<Answer> {
        let request = Request::from_der(request)?;
        let ca = self.issuer(&request)?;
        // Read before the status: what is revoked from here on makes the cached answer be looked at again.
        let seen = *self.revocations.borrow();
        if let (None, [id]) = (&request.nonce, request.ids.as_slice()) {
            return self.of_one(&ca, id, seen, from).await;
        }
        let mut answers = Vec::with_capacity(request.ids.len());
        for id in &request.ids {
            answers.push((id.der.clone(), self.said(&ca, id).await?));
        }
        self.sign(&ca, answers, request.nonce, from).await
    }

    /// Our CA that the request is about; certificates of others that it asks about too are unknown to it.
    fn issuer(&self, request: &Request) -> Result<Arc<LoadedCa>> {
        let hierarchy = self.authority.hierarchy();
        let asked = |id: &CertId| {
            hierarchy.all().iter().find(|ca| ca.retired.is_none() && ca.is_asked_by(id)).cloned()
        };
        request
            .ids
            .iter()
            .find_map(asked)
            .ok_or_else(|| Error::new(Kind::Forbidden, "ocsp-unauthorized", "no CA of this server"))
    }

    async fn of_one(
        &self,
        ca: &Arc<LoadedCa>,
        id: &CertId,
        seen: u64,
        from: Option<IpAddr>,
    ) -> Result<Answer> {
        let now = self.authority.clock.now();
        let cached = self.cache.get(&id.der).filter(|entry| is_fresh(&entry.answer, now));
        if let Some(entry) = &cached
            && entry.seen == seen
        {
            return Ok(entry.answer.clone());
        }
        let said = self.said(ca, id).await?;
        let answer = match cached {
            Some(entry) if entry.said == said => entry.answer,
            Some(_) | None => self.sign(ca, vec![(id.der.clone(), said)], None, from).await?,
        };
        // What was never issued may be issued in a moment.
        if said.status != Status::Unknown {
            self.cache.put(id.der.clone(), Entry { answer: answer.clone(), said, seen });
        }
        Ok(answer)
    }

    async fn said(&self, ca: &LoadedCa, id: &CertId) -> Result<Said> {
        if !ca.is_asked_by(id) {
            return Ok(Status::Unknown.into());
        }
        let db = &self.authority.db;
        let Some(record) = serials::of(db, &ca.record.id, &id.serial).await? else {
            let revoked = ImportedRevocationRecord::key_of(&ca.record.id, &id.serial);
            return Ok(match db.get::<ImportedRevocationRecord>(&revoked).await? {
                Some(row) => Status::Revoked { at: row.value.at, reason: row.value.reason }.into(),
                None => self.status_of_ca(ca, id).into(),
            });
        };
        let status = match record.value.status {
            records::Status::Good => Status::Good,
            records::Status::Revoked { at, reason, .. } => Status::Revoked { at, reason },
        };
        // No record is ever dropped: what expired is answered for since the CA began.
        let is_expired = record.value.not_after < self.authority.clock.now();
        let began = ca.certificate.as_ref().filter(|_| is_expired).map(|own| own.not_before());
        Ok(Said { status, archive_cutoff: began })
    }

    /// The certificate of a CA below this one is known from the hierarchy.
    fn status_of_ca(&self, ca: &LoadedCa, id: &CertId) -> Status {
        let hierarchy = self.authority.hierarchy();
        let is_it = |below: &&Arc<LoadedCa>| {
            let certificate = below.certificate.as_ref().filter(|c| *c.serial() == id.serial);
            certificate.is_some() && below.record.parent.as_ref().unwrap_or(&below.record.id) == &ca.record.id
        };
        let Some(below) = hierarchy.all().iter().find(is_it) else { return Status::Unknown };
        match below.revoked.as_ref().filter(|revoked| revoked.serial == id.serial) {
            Some(revoked) => Status::Revoked { at: revoked.at, reason: revoked.reason },
            None => Status::Good,
        }
    }

    async fn sign(
        &self,
        ca: &LoadedCa,
        answers: Vec<(Vec<u8>, Said)>,
        nonce: Option<Vec<u8>>,
        from: Option<IpAddr>,
    ) -> Result<Answer> {
        if let Some(from) = from {
            self.limit.take(from, self.authority.clock.now())?;
        }
        let responder = self.responders.responder(&ca.record.id)?;
        let this_update = self.authority.clock.now().whole_secs();
        let next_update = this_update.plus(WINDOW).min(responder.certificate.not_after());
        let has_nonce = nonce.is_some();
        let job = move || {
            let answers = answers.iter().map(|(id, said)| (id.as_slice(), *said)).collect();
            let key = responder.signer.public_key();
            let responder_key = ocsp::key_hash(key);
            let nonce = nonce.as_deref();
            let tbs = TbsResponse { responder: responder_key, this_update, next_update, answers, nonce }
                .to_der()?;
            let digest = responder.signer.default_digest();
            let signature = responder.signer.sign(digest, &tbs)?;
            let algorithm = signature_algorithm(key.kind(), digest);
            Ok(ocsp::success(&tbs, &algorithm, &signature, responder.certificate.der()))
        };
        let der: Result<Vec<u8>> = self.authority.pool.run(job).await?;
        Ok(Answer { der: der?.into(), this_update, next_update, has_nonce })
    }
}

/// Signed before now, and not long before (REVOCATION-45: a clock that stepped back makes the answer anew).
fn is_fresh(answer: &Answer, now: Timestamp) -> bool {
    let stale = answer.this_update.plus(STALE).min(answer.next_update);
    answer.this_update <= now && now < stale
}

fn failure_of(error: &Error) -> Failure {
    match error.kind() {
        Kind::Malformed | Kind::Invalid | Kind::TooLarge => Failure::MalformedRequest,
        Kind::Forbidden => Failure::Unauthorized,
        Kind::Busy | Kind::Throttled | Kind::Storage | Kind::Conflict | Kind::Unreachable => {
            Failure::TryLater
        }
        Kind::Internal | Kind::NotFound | Kind::Unauthenticated => Failure::InternalError,
    }
}
