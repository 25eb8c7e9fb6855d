//! A root's key away from this machine: exported, removed, and brought for one task.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::audit::{Actor, Event};
use crate::ca::records::{CaRecord, Role};
use crate::ca::{Authority, Hierarchy, LoadedCa, on_thread, to_the_end};
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, KeyId};
use crate::keys::{KeyStore, Place, Signer};
use crate::store::Unit;

/// The CA's key as an encrypted PKCS#8 PEM that openssl reads; the export is recorded before the key leaves.
/// A caller that leaves does not cut it off. Errors: `not-found`, `ca-not-ready` if the key is not here, `key-in-token`,
/// `state-conflict`, `storage`.
pub async fn export_key(
    authority: &Authority,
    ca: &CaId,
    passphrase: Zeroizing<String>,
    actor: Actor,
) -> Result<Zeroizing<String>> {
    let (authority, ca) = (authority.clone(), ca.clone());
    to_the_end(async move { exported(&authority, &ca, passphrase, actor).await }).await
}

async fn exported(
    authority: &Authority,
    ca: &CaId,
    passphrase: Zeroizing<String>,
    actor: Actor,
) -> Result<Zeroizing<String>> {
    authority.hierarchy().require(ca)?.ready()?;
    refuse_token(authority, ca, "export it by the token's own means, if it has any")?;
    let now = authority.clock.now();
    let stored = authority.db.require::<CaRecord>(&CaRecord::key_of(ca), ca).await?;
    let (keys, key) = (Arc::clone(&authority.keys), stored.value.key.clone());
    let pem = on_thread(move || keys.export(&key, &passphrase)).await?;
    let changed = CaRecord { key_exported: Some(now), ..stored.value };
    let mut unit = Unit::new();
    unit.replace(&changed, stored.revision)?;
    unit.event(Event::new(now, actor, "ca.key-export", format!("ca:{ca}")));
    authority.db.commit(unit).await?;
    authority.reload().await?;
    Ok(pem)
}

/// Removes a root's key from this machine for good, or that of a CA that retired. Asked again after a cut-short removal, it finishes it;
/// a caller that leaves does not cut it off.
/// Errors: `not-found`, `ca-key-needed` for an issuing CA, `key-not-exported`, `key-in-token`, `state-conflict`, `storage`.
pub async fn remove_key(authority: &Authority, ca: &CaId, actor: Actor) -> Result<()> {
    let (authority, ca) = (authority.clone(), ca.clone());
    to_the_end(async move { removed(&authority, &ca, actor).await }).await
}

async fn removed(authority: &Authority, ca: &CaId, actor: Actor) -> Result<()> {
    let stored = authority.db.require::<CaRecord>(&CaRecord::key_of(ca), ca).await?;
    let key = stored.value.key.clone();
    if stored.value.key_removed.is_none() {
        refuse_token(authority, ca, "take the token away instead, and bring it back for the root's CRL")?;
        if authority.hierarchy().require(ca)?.retired.is_none() {
            may_remove(&stored.value)?;
        }
        let now = authority.clock.now();
        let changed = CaRecord { key_removed: Some(now), ..stored.value };
        let mut unit = Unit::new();
        unit.replace(&changed, stored.revision)?;
        unit.event(Event::new(now, actor, "ca.key-remove", format!("ca:{ca}")));
        authority.db.commit(unit).await?;
    }
    let gone = remove_file(&authority.keys, key).await;
    // Also where the file could not be removed: the key is no longer used.
    authority.reload().await?;
    gone
}

/// Removes the keys that were to be removed when the machine stopped; one that cannot be is reported.
pub(super) async fn finish_removals(hierarchy: &Hierarchy, keys: &Arc<dyn KeyStore>) {
    for ca in hierarchy.all().iter().filter(|ca| ca.record.key_removed.is_some()) {
        if let Err(error) = remove_file(keys, ca.record.key.clone()).await {
            tracing::error!(ca = %ca.record.id, %error, "the removed key of this CA still stands in the key folder");
        }
    }
}

/// Removes a key; one that is gone already is no error.
async fn remove_file(keys: &Arc<dyn KeyStore>, key: KeyId) -> Result<()> {
    let keys = Arc::clone(keys);
    on_thread(move || match keys.remove(&key) {
        Err(e) if e.code() == "key-not-present" => Ok(()),
        other => other,
    })
    .await
}

/// An exported key, opened for one task and kept in memory only.
/// Errors: `bad-key`, `wrong-passphrase`, as the key room says.
pub async fn open_exported(
    authority: &Authority,
    pem: Zeroizing<String>,
    passphrase: Zeroizing<String>,
) -> Result<Arc<dyn Signer>> {
    let random = authority.random.clone();
    on_thread(move || crate::keys::software::open_exported(&pem, &passphrase, &random)).await
}

/// A key that a token made does not leave it, and is not for us to destroy.
fn refuse_token(authority: &Authority, ca: &CaId, instead: &str) -> Result<()> {
    let hierarchy = authority.hierarchy();
    match authority.keys.place(&hierarchy.require(ca)?.record.key) {
        Place::Software => Ok(()),
        Place::Token => {
            let text = format!("the key of the CA {ca} was made in a token and stays there: {instead}");
            Err(Error::conflict("key-in-token", text))
        }
    }
}

fn may_remove(record: &CaRecord) -> Result<()> {
    if record.role == Role::Issuing {
        return Err(Error::new(
            Kind::Forbidden,
            "ca-key-needed",
            format!("the CA {} issues and signs CRLs every day: its key stays here", record.id),
        ));
    }
    if record.key_exported.is_none() {
        return Err(Error::conflict(
            "key-not-exported",
            format!("export the key of {} first (signet ca export-key {})", record.id, record.id),
        ));
    }
    Ok(())
}

/// Holds that `signer` is the key of that CA. Errors: `wrong-key`, `ca-not-ready` without a certificate.
pub(super) fn require_key_of(ca: &LoadedCa, signer: &dyn Signer) -> Result<()> {
    let id = &ca.record.id;
    let certificate = ca.certificate.as_ref().ok_or_else(|| {
        Error::new(Kind::Conflict, "ca-not-ready", format!("the CA {id} has no certificate yet"))
    })?;
    if certificate.spki() == signer.public_key().spki() {
        return Ok(());
    }
    Err(Error::invalid("wrong-key", format!("the key given is not that of the CA {id}")))
}
