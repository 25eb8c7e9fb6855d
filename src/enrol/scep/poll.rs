//! CertPoll (RFC 8894 §3.3.3): what became of a request that waited, bound to transaction id and key.

use crate::ca::records::{CertificateRecord, Status};
use crate::enrol::records::{RequestRecord, RequestState, TransactionRecord, TransactionResult};
use crate::enrol::transaction::{plain_id_hash, revoked};
use crate::enrol::{Desk, Transaction};
use crate::error::{Error, Result};
use crate::id::{ProfileId, Serial};

/// What became of it.
#[derive(Debug)]
pub enum Polled {
    /// This certificate.
    Issued(Box<CertificateRecord>),
    /// It still waits.
    Pending,
}

/// Looks a transaction up; the issuer and subject that the client writes are not looked at, because Cisco IOS
/// writes a new self-signed certificate's into every poll.
/// Errors: `scep-transaction` if there is none for this key, `request-denied` with the operator's comment, `revoked`.
pub async fn poll(desk: &Desk, profile: &ProfileId, transaction: &Transaction) -> Result<Polled> {
    let unknown = || Error::invalid("scep-transaction", "no such transaction");
    let key = key_of(profile, transaction);
    let found = desk.authority.db.get::<TransactionRecord>(&key).await?.ok_or_else(unknown)?.value;
    if found.signer_key != transaction.signer_key {
        return Err(unknown());
    }
    match found.result {
        TransactionResult::Issued(serial) => certificate(desk, &serial).await,
        TransactionResult::Waiting(id) => {
            let request = desk.authority.db.require::<RequestRecord>(id.as_bytes(), id).await?.value;
            match &request.state {
                RequestState::Pending => Ok(Polled::Pending),
                RequestState::Issued(serial) => certificate(desk, serial).await,
                RequestState::Denied => Err(request.denial()),
            }
        }
    }
}

/// The key of the transaction's record.
pub fn key_of(profile: &ProfileId, transaction: &Transaction) -> Vec<u8> {
    TransactionRecord::key_of(profile, &plain_id_hash("scep", &transaction.id))
}

async fn certificate(desk: &Desk, serial: &Serial) -> Result<Polled> {
    let found = desk.authority.db.find(CertificateRecord::BY_SERIAL, serial.content()).await?;
    let record: CertificateRecord =
        found.ok_or_else(|| Error::internal("a transaction names a certificate that is not there"))?.value;
    match record.status {
        Status::Good => Ok(Polled::Issued(Box::new(record))),
        Status::Revoked { .. } => Err(revoked()),
    }
}
