//! Reading certificates as version 1 wrote them: before a revocation could have an invalidity date, and before
//! certificates had shards.

use serde::{Deserialize, Serialize};

use super::{CertificateRecord, Status};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, ProfileId, RecordId, Serial};
use crate::store::{Kind, unknown_version};
use crate::x509::crl::Reason;
use crate::x509::name::Name;
use crate::x509::san::San;

/// Reads an older encoding. Errors: `storage` if it is damaged or of a version that is not known.
pub(super) fn upgrade(kind: Kind, version: u8, body: &[u8]) -> Result<CertificateRecord> {
    match version {
        1 => postcard::from_bytes::<Version1>(body)
            .map(CertificateRecord::from)
            .map_err(|e| Error::storage(format!("a {} record is damaged", kind.name)).because(e)),
        _ => Err(unknown_version(kind, version)),
    }
}

#[derive(Serialize, Deserialize)]
enum Status1 {
    Good,
    Revoked { at: Timestamp, reason: Reason },
}

#[derive(Serialize, Deserialize)]
struct Version1 {
    id: RecordId,
    serial: Serial,
    ca: CaId,
    profile: ProfileId,
    subject: Name,
    sans: Vec<San>,
    device: Option<String>,
    not_before: Timestamp,
    not_after: Timestamp,
    key_fingerprint: [u8; 32],
    fingerprint: [u8; 32],
    der: Vec<u8>,
    status: Status1,
    requester: String,
    renews: Option<Serial>,
}

impl From<Version1> for CertificateRecord {
    fn from(old: Version1) -> Self {
        Self {
            id: old.id,
            serial: old.serial,
            ca: old.ca,
            profile: old.profile,
            subject: old.subject,
            sans: old.sans,
            device: old.device,
            not_before: old.not_before,
            not_after: old.not_after,
            key_fingerprint: old.key_fingerprint,
            fingerprint: old.fingerprint,
            der: old.der,
            status: match old.status {
                Status1::Good => Status::Good,
                Status1::Revoked { at, reason } => Status::Revoked { at, reason, invalidity: None },
            },
            requester: old.requester,
            renews: old.renews,
            shard: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::store::{Envelope, Record as _, Stored};

    #[test]
    fn a_record_of_version_1_is_read_revoked_or_not() {
        let (now, random) = (Timestamp::from_millis(1_790_000_000_000), Random::system());
        for revoked in [false, true] {
            let reason = Reason::Superseded;
            let old = Version1 {
                id: RecordId::new(now, &random).unwrap(),
                serial: Serial::new(now, &random).unwrap(),
                ca: "ec-issuing".parse().unwrap(),
                profile: "tls-server".parse().unwrap(),
                subject: Name::parse("CN=a").unwrap(),
                sans: vec![San::parse("dns:a.example.com").unwrap()],
                device: Some("a".to_owned()),
                not_before: now,
                not_after: now,
                key_fingerprint: [1; 32],
                fingerprint: [2; 32],
                der: vec![3; 40],
                status: if revoked { Status1::Revoked { at: now, reason } } else { Status1::Good },
                requester: "operator:anna".to_owned(),
                renews: None,
            };
            let body = postcard::to_allocvec(&old).unwrap();
            let envelope = Envelope { key: Vec::new(), revision: 1, version: 1, body };
            let read = Stored::<CertificateRecord>::open(&envelope).unwrap().value;
            let status = Status::Revoked { at: now, reason, invalidity: None };
            assert_eq!(read.status, if revoked { status } else { Status::Good });
            assert_eq!((read.requester.as_str(), read.shard), ("operator:anna", 0));
            let body = postcard::to_allocvec(&read).unwrap();
            let again = Envelope { version: CertificateRecord::VERSION, body, ..envelope };
            assert_eq!(Stored::<CertificateRecord>::open(&again).unwrap().value, read);
        }
    }
}
