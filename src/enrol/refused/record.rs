//! What is kept of a refused request: why, by which rule, and, sealed, the message as it was received.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Misfit;
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::name::Name;
use crate::x509::san::San;

/// By which protocol a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// SCEP: the message is a PKIMessage.
    Scep,
    /// The API: the message is a PKCS#10 request.
    Api,
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scep => "scep",
            Self::Api => "api",
        })
    }
}

/// A refused request. Holds no secret: its message is a record of its own, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// The record's key, made when the request was refused.
    pub id: RecordId,
    /// How it came.
    pub protocol: Protocol,
    /// By which profile it was to be issued.
    pub profile: ProfileId,
    /// The stable code of the refusal.
    pub code: String,
    /// The rule, as the requester was told it.
    pub rule: String,
    /// The value that did not fit a rule of the profile.
    pub misfit: Option<Misfit>,
    /// What was asked for, as far as it could be read.
    pub asked: Asked,
    /// Who asked, as the audit log names it.
    pub requester: String,
    /// The address that it is counted under.
    pub counted_as: String,
    /// What the client called itself, at most 200 characters.
    pub user_agent: Option<String>,
    /// What is peculiar about the message (`policies/devices` matches it).
    pub traits: Vec<String>,
    /// SHA-256 of the profile's file as it was then.
    pub policy: Option<[u8; 32]>,
    /// Whether the message is kept too.
    pub has_message: bool,
}

/// What a request asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The subject.
    pub subject: Option<Name>,
    /// The alternative names.
    pub sans: Vec<San>,
    /// The key, as `rsa-2048`.
    pub key: Option<String>,
    /// What spoke for it: `none`, `challenge`, `renewal`, `operator`.
    pub proof: Option<String>,
    /// The client's transaction id.
    pub transaction: Option<String>,
    /// The end of validity that was wished for.
    pub not_after: Option<Timestamp>,
    /// The certificate that was to be renewed.
    pub renews: Option<Serial>,
}

impl RefusedRecord {
    /// By profile, then time.
    pub const BY_PROFILE: Index = Index { id: 1, name: "profile", unique: false };
    /// By code, then time.
    pub const BY_CODE: Index = Index { id: 2, name: "code", unique: false };
    /// By the address that it is counted under, then time.
    pub const BY_ADDRESS: Index = Index { id: 3, name: "address", unique: false };

    /// What the index keys of a profile, code or address begin with.
    pub fn prefix(text: &str) -> Vec<u8> {
        KeyBuilder::new().text(text).build()
    }
}

impl Record for RefusedRecord {
    const KIND: Kind = Kind { id: 28, name: "refused-request" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let by = |index, text: &str| IndexKey {
            index,
            key: KeyBuilder::new().text(text).bytes(self.id.as_bytes()).build(),
        };
        vec![
            by(Self::BY_PROFILE, self.profile.as_str()),
            by(Self::BY_CODE, &self.code),
            by(Self::BY_ADDRESS, &self.counted_as),
        ]
    }
}

/// The message of a refused request as it was received, sealed: it may hold a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// The key of its [`RefusedRecord`].
    pub request: RecordId,
    /// Sealed under the purpose `refused-message`, bound to the request.
    pub sealed: Vec<u8>,
}

impl Record for MessageRecord {
    const KIND: Kind = Kind { id: 29, name: "refused-message" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.request.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
