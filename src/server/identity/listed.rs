//! The identities that stand in phones' lists. They are made when they are asked for and never renewed by themselves:
//! phones that do not hold a list with the next certificate yet would refuse it.

use std::sync::Arc;

use crate::admin::Listing;
use crate::enrol::Desk;
use crate::error::Result;
use crate::server::identity::wanted::Wanted;
use crate::server::identity::{Identities, is_due, keeper};
use crate::server::records::{Holding, IdentityRecord};
use crate::store::Stored;
use crate::trust::identity::{OwnIdentities, OwnIdentity, Purpose};
use crate::trust::standing::{self, Standing};
use crate::x509::cert::Certificate;

#[async_trait::async_trait]
impl OwnIdentities for Identities {
    async fn hold(&self, purpose: Purpose) -> Result<OwnIdentity> {
        let _one = self.round.lock().await;
        let standing = standing(&self.desk, purpose).await?;
        if let Some(stored) = &standing
            && let Some(newest) = usable(&self.desk, &stored.value, purpose).await?.into_iter().next()
        {
            return Ok(newest);
        }
        self.make(purpose, standing).await
    }

    async fn held(&self, purpose: Purpose) -> Result<Vec<OwnIdentity>> {
        match standing(&self.desk, purpose).await? {
            Some(stored) => usable(&self.desk, &stored.value, purpose).await,
            None => Ok(Vec::new()),
        }
    }

    async fn renew(&self, purpose: Purpose) -> Result<OwnIdentity> {
        let _one = self.round.lock().await;
        let standing = standing(&self.desk, purpose).await?;
        self.make(purpose, standing).await
    }
}

impl Identities {
    /// Notes which certificate of a purpose phones are shown, and how it stands in their lists: health tells it.
    pub fn note_shown(&self, purpose: Purpose, certificate: &Certificate, listing: Listing) {
        self.own.note_listed(purpose.as_str(), certificate, listing);
    }

    /// Notes that phones are not shown any certificate of a purpose, and that nobody expects one.
    pub fn note_hidden(&self, purpose: Purpose) {
        self.own.forget(purpose.as_str());
    }

    /// Whether two thirds of a certificate's life have passed: its successor wants to be made.
    pub fn is_due(&self, certificate: &Certificate) -> bool {
        is_due(certificate, self.desk.authority.clock.now())
    }

    /// The next certificate of a purpose; those before are kept as long as they are valid.
    pub(super) async fn make(
        &self,
        purpose: Purpose,
        standing: Option<Stored<IdentityRecord>>,
    ) -> Result<OwnIdentity> {
        let wanted = Wanted::listed(&self.desk, purpose, &self.tls_names)?;
        let held = keeper::renew(&self.desk, &wanted, standing).await?;
        self.own.note(&wanted.name, &held.certificate);
        Ok(OwnIdentity { purpose, key: held.key, certificate: held.certificate, chain: held.chain })
    }
}

pub(super) async fn standing(desk: &Desk, purpose: Purpose) -> Result<Option<Stored<IdentityRecord>>> {
    desk.authority.db.get::<IdentityRecord>(purpose.as_str().as_bytes()).await
}

/// Those whose key is here and whose certificate is in date and not revoked, newest first.
pub(super) async fn usable(
    desk: &Desk,
    record: &IdentityRecord,
    purpose: Purpose,
) -> Result<Vec<OwnIdentity>> {
    let mut found = Vec::new();
    for Holding { key, certificate, chain } in std::iter::once(&record.current).chain(&record.former) {
        let certificate = Arc::new(Certificate::from_der(certificate)?);
        if desk.authority.keys.signer(key).is_ok()
            && standing::of(&desk.authority, &certificate).await? == Standing::Valid
        {
            found.push(OwnIdentity { purpose, key: key.clone(), certificate, chain: chain.clone() });
        }
    }
    Ok(found)
}
