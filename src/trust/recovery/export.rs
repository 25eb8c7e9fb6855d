//! The recovery signer on its way out: its key, encrypted, and its certificate.

use std::sync::Arc;

use super::{Secret, certificate_pem};
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::store::Unit;
use crate::trust::records::RecoveryRecord;

/// A recovery signer as PEM: the encrypted PKCS#8 key that openssl reads, then the certificate. The newest, unless a
/// generation is named. The export is recorded before the key leaves. Errors: `not-found`, `invalid-passphrase`,
/// `key-not-present`, `state-conflict`, `storage`.
pub async fn export(
    authority: &Authority,
    generation: Option<u32>,
    passphrase: Secret,
    actor: Actor,
) -> Result<(RecoveryRecord, Secret)> {
    let db = &authority.db;
    let stored = match generation {
        None => super::current(db).await?.ok_or_else(|| Error::not_found("recovery signer", "yet"))?,
        Some(number) => db.require::<RecoveryRecord>(&RecoveryRecord::key_of(number), number).await?,
    };
    refuse_another_key(authority, &stored.value)?;
    let (keys, key) = (Arc::clone(&authority.keys), stored.value.key.clone());
    // Stretching the passphrase takes a fifth of a second.
    let task = tokio::task::spawn_blocking(move || keys.export(&key, &passphrase));
    let key = task.await.unwrap_or_else(|e| Err(Error::internal("exporting a key").because(e)))?;
    let now = authority.clock.now();
    let record = RecoveryRecord { exported: Some(now), ..stored.value };
    let mut unit = Unit::new();
    unit.replace(&record, stored.revision)?;
    unit.event(Event::new(now, actor, "recovery.export", format!("recovery:{}", record.generation)));
    db.commit(unit).await?;
    let pem = format!("{}{}", key.as_str(), certificate_pem(&record));
    Ok((record, Secret::new(pem)))
}

/// What is kept elsewhere must sign what phones take.
fn refuse_another_key(authority: &Authority, record: &RecoveryRecord) -> Result<()> {
    let signer = authority.keys.signer(&record.key)?;
    if signer.public_key().spki() == record.read()?.spki() {
        return Ok(());
    }
    let text = format!(
        "the key {} is not that of this recovery signer's certificate: it is not present",
        record.key
    );
    Err(Error::conflict("key-not-present", text))
}
