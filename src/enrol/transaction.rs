//! A client's transaction: claimed once, answered alike each time (RFC 8894 §3.2.1.1, §4.4).

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::audit::Actor;
use crate::ca::Issued;
use crate::ca::profile::{Approval, Profile};
use crate::ca::records::{CertificateRecord, Status};
use crate::clock::Timestamp;
use crate::enrol::approve::Decision;
use crate::enrol::records::{RequestRecord, RequestState, TransactionRecord, TransactionResult};
use crate::enrol::{Desk, Proof, Request, Transaction};
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Unit, When};

/// A transaction is kept so long after the last moment at which its certificate can be valid.
pub(super) const KEPT: Duration = Duration::from_hours(30 * 24);

/// When a transaction that leads to a certificate made at `now` is no longer needed.
pub(super) fn kept_until(now: Timestamp, profile: &Profile) -> Timestamp {
    now.plus(profile.validity()).plus(KEPT)
}

/// What a transaction is worth to a request.
#[derive(Debug)]
pub(super) enum Earlier {
    /// It was answered: give the same answer.
    Answered(Decision),
    /// It can be claimed.
    Free(Option<Claim>),
}

/// What must be written so that the transaction is ours.
#[derive(Debug)]
pub(super) struct Claim {
    profile: ProfileId,
    id_hash: [u8; 32],
    signer_key: [u8; 32],
    csr_digest: [u8; 32],
    at: Timestamp,
    expires: Timestamp,
    when: When,
}

impl Claim {
    /// Adds the claim to a unit, with the certificate or the waiting request that it leads to.
    pub fn write(&self, unit: &mut Unit, result: TransactionResult) -> Result<()> {
        let record = TransactionRecord {
            profile: self.profile.clone(),
            id_hash: self.id_hash,
            signer_key: self.signer_key,
            csr_digest: self.csr_digest,
            result,
            at: self.at,
            expires: Some(self.expires),
        };
        unit.put(&record, self.when).map(|_| ())
    }

    /// The key of its record.
    pub fn key(&self) -> Vec<u8> {
        TransactionRecord::key_of(&self.profile, &self.id_hash)
    }
}

/// Looks the request's transaction up. Errors: `bad-request` (SCEP-32), `request-denied`.
pub(super) async fn earlier(desk: &Desk, profile: &Profile, request: &Request) -> Result<Earlier> {
    let Some(fresh) = fresh_claim(desk, profile, request) else {
        return Ok(Earlier::Free(None));
    };
    let Some(standing) = desk.authority.db.get::<TransactionRecord>(&fresh.key()).await? else {
        return Ok(Earlier::Free(Some(fresh)));
    };
    let same_signer = standing.value.signer_key == fresh.signer_key;
    let replaced = Claim { when: When::Revision(standing.revision), ..fresh };
    if same_signer && standing.value.csr_digest == replaced.csr_digest {
        let answered = answer(desk, &standing.value.result, &request.proof).await?;
        return Ok(answered.map_or(Earlier::Free(Some(replaced)), Earlier::Answered));
    }
    if may_replace(desk, request, &standing.value, same_signer).await? {
        return Ok(Earlier::Free(Some(replaced)));
    }
    Err(Error::invalid("bad-request", "transactionID in use by another key"))
}

/// The certificate that was issued, with its chain. Errors: `internal` if it is not there.
pub(super) async fn issued(desk: &Desk, serial: &Serial) -> Result<Issued> {
    let authority = &desk.authority;
    let found =
        authority.db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, serial.content()).await?;
    let record = found.map(|stored| stored.value);
    let record =
        record.ok_or_else(|| Error::internal("a transaction names a certificate that is not there"))?;
    let hierarchy = authority.hierarchy();
    let chain = hierarchy.require(&record.ca)?.chain.iter().map(|c| c.der().to_vec()).collect();
    Ok(Issued { record, chain })
}

fn fresh_claim(desk: &Desk, profile: &Profile, request: &Request) -> Option<Claim> {
    let transaction = request.transaction.as_ref()?;
    let (csr_digest, now) = (request.application.digest(), desk.authority.clock.now());
    Some(Claim {
        profile: profile.id().clone(),
        id_hash: id_hash(transaction, &csr_digest, profile, request),
        signer_key: transaction.signer_key,
        csr_digest,
        at: now,
        expires: kept_until(now, profile),
        when: When::Absent,
    })
}

/// The hash of an id that a client chose: each protocol has ids of its own, so that none can take another's.
pub(super) fn plain_id_hash(protocol: &str, id: &str) -> [u8; 32] {
    begun(protocol, id).finalize().into()
}

fn begun(protocol: &str, id: &str) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(protocol.as_bytes());
    hasher.update([0]);
    hasher.update(id.as_bytes());
    hasher
}

fn protocol(actor: &Actor) -> &str {
    match actor {
        Actor::Client { protocol, .. } => protocol,
        Actor::Operator(_) => "api",
        Actor::System => "system",
    }
}

/// A renewal may use an id again (sscep uses the same id and the same request each year), so the request and the
/// certificate that it renews count too; but one that waits for an operator is polled by the id alone.
fn id_hash(
    transaction: &Transaction,
    csr_digest: &[u8; 32],
    profile: &Profile,
    request: &Request,
) -> [u8; 32] {
    let mut hasher = begun(protocol(&request.actor), &transaction.id);
    let manual = profile.approval() == Approval::Manual;
    if let (Proof::Renewal { certificate, .. }, false) = (&request.proof, manual) {
        hasher.update([0]);
        hasher.update(csr_digest);
        hasher.update(certificate.serial.content());
    }
    hasher.finalize().into()
}

/// The answer that was given, as long as it is worth something.
async fn answer(desk: &Desk, result: &TransactionResult, proof: &Proof) -> Result<Option<Decision>> {
    match result {
        TransactionResult::Issued(serial) => replayed(desk, serial, proof).await,
        TransactionResult::Waiting(id) => {
            let request = waiting(desk, *id).await?;
            match &request.state {
                RequestState::Pending => Ok(Some(Decision::Pending(*id))),
                RequestState::Issued(serial) => replayed(desk, serial, proof).await,
                RequestState::Denied => Err(request.denial()),
            }
        }
    }
}

/// The certificate, as it was issued. After its revocation a copy of the request is refused, never issued anew: what
/// was revoked would come back by itself. After expiry it is a new request, which needs its own challenge; but an
/// operator's word, given once, counts once. A renewal that failed to last may be made again by the live certificate.
async fn replayed(desk: &Desk, serial: &Serial, proof: &Proof) -> Result<Option<Decision>> {
    let issued = issued(desk, serial).await?;
    let (renewal, live) = match proof {
        Proof::Renewal { .. } => (true, issued.record.is_live(desk.authority.clock.now())),
        Proof::Operator { .. } => (false, true),
        Proof::None | Proof::Challenge(_) | Proof::Device(_) | Proof::Internal => {
            (false, issued.record.not_after >= desk.authority.clock.now())
        }
    };
    if let Proof::Renewal { certificate, .. } = proof
        && certificate.id == issued.record.id
    {
        // The certificate itself asks for its successor, with the request that once led to it.
        return Ok(None);
    }
    if !renewal && issued.record.status != Status::Good {
        return Err(revoked());
    }
    Ok(live.then(|| Decision::AlreadyIssued(Box::new(issued))))
}

/// What is said of a transaction whose certificate was revoked.
pub(super) fn revoked() -> Error {
    Error::conflict("revoked", "the certificate of this request was revoked")
}

/// The same id with another request is a new one if it is authorized as such: from the same signer for the same key or
/// by a renewal, or signed by the certificate that the id led to or that it renewed; never while the first still waits.
async fn may_replace(
    desk: &Desk,
    request: &Request,
    standing: &TransactionRecord,
    same_signer: bool,
) -> Result<bool> {
    let key = request.application.public_key().fingerprint();
    let first = match &standing.result {
        TransactionResult::Issued(serial) => Some(issued(desk, serial).await?.record),
        TransactionResult::Waiting(id) => match waiting(desk, *id).await?.state {
            RequestState::Pending => return Ok(false),
            RequestState::Issued(serial) => Some(issued(desk, &serial).await?.record),
            RequestState::Denied => None,
        },
    };
    let follows = |serial: &Serial| {
        first.as_ref().is_some_and(|first| first.serial == *serial || first.renews.as_ref() == Some(serial))
    };
    Ok(match &request.proof {
        Proof::Renewal { certificate, .. } => same_signer || follows(&certificate.serial),
        Proof::None | Proof::Challenge(_) | Proof::Operator { .. } | Proof::Device(_) | Proof::Internal => {
            same_signer && first.as_ref().is_none_or(|first| first.key_fingerprint == key)
        }
    })
}

async fn waiting(desk: &Desk, id: RecordId) -> Result<RequestRecord> {
    Ok(desk.authority.db.require::<RequestRecord>(id.as_bytes(), id).await?.value)
}
