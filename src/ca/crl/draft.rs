//! A CRL that is not signed yet.

use crate::ca::crl::entries::Entries;
use crate::ca::records::{CrlRecord, CrlSettingsRecord, Role, Scope};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::keys::Signer;
use crate::store::Stored;
use crate::x509::cert::{Certificate, assemble};
use crate::x509::crl::{EntryList, TbsCrl};
use crate::x509::key::signature_algorithm;

/// The most octets of a CRL's entries: more the store does not take, nor does a client.
const MAX_ENTRIES: usize = 60 << 20;

/// What is the same in every CRL of a scope.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub scope: Scope,
    pub role: Role,
    pub settings: Stored<CrlSettingsRecord>,
    pub public_url: String,
    /// Until when the last CRL of a CA that retires is good.
    pub last: Option<Timestamp>,
}

impl Terms {
    /// The complete CRL of that number.
    pub(super) fn complete(&self, number: u64, entries: Entries, now: Timestamp) -> Draft {
        let window = self.settings.value.window(self.role);
        let mut draft = self.draft(number, entries.list, now);
        draft.covers = entries.covers;
        draft.next_update = draft.this_update.plus(window);
        draft.next_update = draft.next_update.max(self.last.unwrap_or(draft.next_update));
        draft.freshest = self.settings.value.delta.map(|_| self.scope.delta_url(&self.public_url));
        draft
    }

    /// The delta CRL of that number, of what changed since `base`.
    pub(super) fn delta(&self, number: u64, base: u64, list: EntryList, now: Timestamp) -> Draft {
        let mut draft = self.draft(number, list, now);
        let good_for = self.settings.value.delta.unwrap_or_default();
        draft.next_update = draft.this_update.plus(std::time::Duration::from_secs(good_for));
        draft.base = Some(base);
        draft
    }

    fn draft(&self, number: u64, list: EntryList, now: Timestamp) -> Draft {
        let this_update = now.whole_secs();
        Draft {
            scope: self.scope.clone(),
            number,
            this_update,
            next_update: this_update,
            list,
            covers: 0,
            base: None,
            points: self.settings.value.points(&self.scope, &self.public_url),
            freshest: None,
            settings: self.settings.revision,
        }
    }
}

/// A CRL that is not signed yet.
pub(super) struct Draft {
    scope: Scope,
    number: u64,
    this_update: Timestamp,
    next_update: Timestamp,
    list: EntryList,
    pub(super) covers: i64,
    base: Option<u64>,
    points: Vec<String>,
    freshest: Option<String>,
    settings: u64,
}

impl Draft {
    /// Signs it. Errors: `crl-too-large`, and those of the key.
    pub(super) fn sign(self, certificate: &Certificate, signer: &dyn Signer) -> Result<CrlRecord> {
        if self.list.der().len() > MAX_ENTRIES {
            return Err(self.too_large());
        }
        let digest = signer.default_digest();
        let algorithm = signature_algorithm(signer.public_key().kind(), digest);
        let authority_key_id = certificate
            .subject_key_id()
            .ok_or_else(|| Error::internal("a CA certificate without SubjectKeyIdentifier"))?;
        let entries = self.list.len();
        let tbs = TbsCrl {
            signature_algorithm: algorithm.clone(),
            issuer: certificate.subject().clone(),
            this_update: self.this_update,
            next_update: self.next_update,
            entries: self.list,
            authority_key_id,
            number: self.number,
            base: self.base,
            points: self.points,
            freshest: self.freshest,
        };
        let bytes = tbs.to_der()?;
        drop(tbs);
        let signature = signer.sign(digest, &bytes)?;
        Ok(CrlRecord {
            ca: self.scope.ca,
            number: self.number,
            this_update: self.this_update,
            next_update: self.next_update,
            entries,
            covers: self.covers,
            der: assemble(&bytes, &algorithm, &signature)?,
            shard: self.scope.shard,
            base: self.base,
            settings: self.settings,
        })
    }

    fn too_large(&self) -> Error {
        let (scope, count) = (&self.scope, self.list.len());
        let detail = format!(
            "the CRL of {scope} would have {count} entries in {} octets, more than {MAX_ENTRIES}: spread what is \
             issued from now on over more CRLs (signet ca set {} --crl-shards N)",
            self.list.der().len(),
            scope.ca
        );
        Error::new(Kind::TooLarge, "crl-too-large", detail)
    }
}
