//! What the room keeps: challenges, transactions and requests that wait for an operator.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{self, Error, Result};
use crate::id::{CaId, ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::name::Name;
use crate::x509::san::San;

/// A one-time challenge; the secret itself is stored only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeRecord {
    /// The record's key.
    pub id: RecordId,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// By which profile it may be used.
    pub profile: ProfileId,
    /// For which subject.
    pub subject: Name,
    /// For which alternative names, as a set.
    pub sans: Vec<San>,
    /// Until when.
    pub expires: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// The certificate it was used for.
    pub used_for: Option<Serial>,
}

impl ChallengeRecord {
    /// By the secret's hash.
    pub const BY_HASH: Index = Index { id: 1, name: "hash", unique: true };
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 2, name: "expiry", unique: false };
}

impl Record for ChallengeRecord {
    const KIND: Kind = Kind { id: 20, name: "challenge" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        vec![
            IndexKey { index: Self::BY_HASH, key: self.secret_hash.to_vec() },
            IndexKey { index: Self::BY_EXPIRY, key: self.expires.sort_key().to_vec() },
        ]
    }
}

/// A client's transaction, bound to the key and the request that it was first used with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord {
    /// By which profile.
    pub profile: ProfileId,
    /// SHA-256 of the transaction id (for a renewal, of the request's digest and the renewed serial too).
    pub id_hash: [u8; 32],
    /// SHA-256 of the signer's key.
    pub signer_key: [u8; 32],
    /// SHA-256 of the PKCS#10 request.
    pub csr_digest: [u8; 32],
    /// The certificate that was issued, or the request that waits.
    pub result: TransactionResult,
    /// When it was bound.
    pub at: Timestamp,
    /// From when on no copy of its request needs it; none for one of an older program, which is kept.
    pub expires: Option<Timestamp>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionResult {
    /// A certificate.
    Issued(Serial),
    /// A request that waits for an operator.
    Waiting(RecordId),
}

impl TransactionRecord {
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 1, name: "expiry", unique: false };

    /// The key of a transaction's record: ids are per profile.
    pub fn key_of(profile: &ProfileId, id_hash: &[u8; 32]) -> Vec<u8> {
        KeyBuilder::new().text(profile.as_str()).bytes(id_hash).build()
    }
}

impl Record for TransactionRecord {
    const KIND: Kind = Kind { id: 21, name: "transaction" };
    const VERSION: u8 = 2;

    /// Version 1 had no `expires`, the last field.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        upgrade_without_last(Self::KIND, version, body)
    }

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.profile, &self.id_hash)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let by_expiry = |at: Timestamp| IndexKey { index: Self::BY_EXPIRY, key: at.sort_key().to_vec() };
        self.expires.map(by_expiry).into_iter().collect()
    }
}

/// Where a kept request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestState {
    /// It waits for an operator.
    Pending,
    /// Approved, and this certificate issued.
    Issued(Serial),
    /// Denied.
    Denied,
}

/// A request that waits for an operator, or waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The record's key.
    pub id: RecordId,
    /// By which profile.
    pub profile: ProfileId,
    /// The PKCS#10 request as received: what is approved is what is issued (CSR-58).
    pub csr: Vec<u8>,
    /// Its subject, for people.
    pub subject: Name,
    /// SHA-256 of the request, as it was when it came in.
    pub csr_digest: [u8; 32],
    /// Who asked.
    pub requester: String,
    /// The client's transaction that it belongs to: the key of its [`TransactionRecord`].
    pub transaction: Option<Vec<u8>>,
    /// The certificate that it renews.
    pub renews: Option<Serial>,
    /// Not later than this, if less than the profile gives is wanted.
    pub not_after: Option<Timestamp>,
    /// Where it stands.
    pub state: RequestState,
    /// The operator's comment.
    pub comment: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The address that it is counted under while it waits; none for one of an operator.
    pub counted_as: Option<String>,
    /// The CA that it was addressed to, where that was not left to the profile: the one in force, or its successor.
    pub issuer: Option<CaId>,
}

impl RequestRecord {
    /// The counter of requests that wait.
    pub const WAITING: &'static [u8] = b"waiting";
    /// The counter of requests that wait from one address.
    pub fn waiting_from(address: &str) -> Vec<u8> {
        [Self::WAITING, b":", address.as_bytes()].concat()
    }
    /// What its requester is told after it was denied, with the operator's comment.
    pub fn denial(&self) -> Error {
        let text = match &self.comment {
            Some(comment) => format!("the request was denied: {comment}"),
            None => "the request was denied".to_owned(),
        };
        Error::new(error::Kind::Forbidden, "request-denied", text)
    }
    /// By state, then time.
    pub const BY_STATE: Index = Index { id: 1, name: "state", unique: false };

    /// The states of decided requests, as an index key's first byte.
    pub const DECIDED: [u8; 2] = [1, 2];

    /// The state as an index key's first byte.
    pub fn state_byte(state: &RequestState) -> u8 {
        match state {
            RequestState::Pending => 0,
            RequestState::Issued(_) => 1,
            RequestState::Denied => 2,
        }
    }
}

impl Record for RequestRecord {
    const KIND: Kind = Kind { id: 22, name: "request" };
    const VERSION: u8 = 3;

    /// Version 1 had neither `counted_as` nor `issuer`, version 2 not the latter: the last fields.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        match version {
            2 => upgrade_without_last(Self::KIND, 1, body),
            1 => upgrade_without_last(Self::KIND, 1, &[body, &[0]].concat()),
            _ => upgrade_without_last(Self::KIND, version, body),
        }
    }

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let key = KeyBuilder::new().bytes(&[Self::state_byte(&self.state)]).bytes(self.id.as_bytes()).build();
        vec![IndexKey { index: Self::BY_STATE, key }]
    }
}

/// The password that the reply to a waiting request will be encrypted with, because its key cannot decrypt (RFC 8894
/// §3.1): sealed, and gone when the request is denied, a day after its certificate was fetched, or after a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyPasswordRecord {
    /// The key of the [`TransactionRecord`] that it belongs to.
    pub transaction: Vec<u8>,
    /// The password, sealed for this transaction.
    pub sealed: Vec<u8>,
    /// Until when it is kept.
    pub expires: Timestamp,
}

impl ReplyPasswordRecord {
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 1, name: "expiry", unique: false };
}

impl Record for ReplyPasswordRecord {
    const KIND: Kind = Kind { id: 24, name: "reply-password" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.transaction.clone()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        vec![IndexKey { index: Self::BY_EXPIRY, key: self.expires.sort_key().to_vec() }]
    }
}

/// Reads version 1 of a record whose last field, an option, came with version 2: its absence is one zero byte.
fn upgrade_without_last<R: serde::de::DeserializeOwned>(kind: Kind, version: u8, body: &[u8]) -> Result<R> {
    let name = kind.name;
    match version {
        1 => postcard::from_bytes(&[body, &[0]].concat())
            .map_err(|e| Error::storage(format!("a {name} record is damaged")).because(e)),
        _ => Err(Error::storage(format!(
            "a {name} record has version {version}, newer than this program knows"
        ))),
    }
}
