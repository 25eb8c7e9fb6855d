//! The recovery signer on its way out: its key, encrypted, and its certificate.

use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Secret, certificate_pem};
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::keys::KeyStore;
use crate::keys::software::pkcs12;
use crate::store::Unit;
use crate::trust::records::RecoveryRecord;

/// How a recovery signer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// PEM: the encrypted PKCS#8 key that openssl reads, then the certificate.
    #[default]
    Pem,
    /// PKCS#12 with both.
    Pkcs12,
}

impl FromStr for Form {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "pem" => Ok(Self::Pem),
            "pkcs12" => Ok(Self::Pkcs12),
            _ => Err(Error::invalid("invalid-format", "a recovery signer leaves as pem or pkcs12")),
        }
    }
}

impl Form {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Pkcs12 => "pkcs12",
        }
    }
}

/// A recovery signer in a form that others read, under a passphrase. The newest, unless a generation is named. The
/// export is recorded before the key leaves. Errors: `not-found`, `invalid-passphrase`, `key-not-present`,
/// `state-conflict`, `storage`.
pub async fn export(
    authority: &Authority,
    generation: Option<u32>,
    (form, passphrase): (Form, Secret),
    actor: Actor,
) -> Result<(RecoveryRecord, Zeroizing<Vec<u8>>)> {
    let db = &authority.db;
    let stored = match generation {
        None => super::current(db).await?.ok_or_else(|| Error::not_found("recovery signer", "yet"))?,
        Some(number) => db.require::<RecoveryRecord>(&RecoveryRecord::key_of(number), number).await?,
    };
    refuse_another_key(authority, &stored.value)?;
    let (keys, leaving) = (Arc::clone(&authority.keys), stored.value.clone());
    // Stretching the passphrase takes a fifth of a second, and more than once for PKCS#12.
    let task = tokio::task::spawn_blocking(move || sealed(&*keys, &leaving, form, &passphrase));
    let sealed = task.await.unwrap_or_else(|e| Err(Error::internal("exporting a key").because(e)))?;
    let now = authority.clock.now();
    let record = RecoveryRecord { exported: Some(now), ..stored.value };
    let mut unit = Unit::new();
    unit.replace(&record, stored.revision)?;
    let event = Event::new(now, actor, "recovery.export", format!("recovery:{}", record.generation));
    unit.event(event.with("format", form.as_str()));
    db.commit(unit).await?;
    Ok((record, sealed))
}

fn sealed(
    keys: &dyn KeyStore,
    record: &RecoveryRecord,
    form: Form,
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    let key = keys.export(&record.key, passphrase)?;
    match form {
        Form::Pem => {
            let pem = format!("{}{}", key.as_str(), certificate_pem(record));
            Ok(Zeroizing::new(pem.into_bytes()))
        }
        Form::Pkcs12 => {
            let name = format!("recovery-{}", record.generation);
            pkcs12::seal(&key, passphrase, &record.certificate, &name)
        }
    }
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
