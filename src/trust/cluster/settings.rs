//! What of a cluster may change.

use super::address;
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{Unit, When};
use crate::trust::records::{AnchorRecord, ClusterRecord, ListDigest, Mode};
use crate::trust::release::refuse_revoked;
use crate::trust::role::Role;
use crate::trust::warning::{self, Warning};
use crate::trust::{anchor, recovery};
use crate::x509::key::KeyKind;

/// What is to change; none: as it is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What people call it.
    pub title: Option<String>,
    /// Whether its phones talk encrypted.
    pub mode: Option<Mode>,
    /// With which digest its lists are signed.
    pub digest: Option<ListDigest>,
    /// Who signs them.
    pub signer: Option<Signer>,
    /// Element 28 of its lists; none inside: it is left out.
    pub signer_version: Option<Option<(u8, u8)>>,
    /// Where its phones find TVS.
    pub tvs: Option<Vec<String>>,
    /// Where they find files.
    pub tftp: Option<Vec<String>>,
}

/// Who is to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The recovery signer in force.
    Recovery,
    /// An anchor of the cluster whose key is here, by the SHA-256 of its certificate.
    Anchor([u8; 32]),
}

/// Changes a cluster; what phones hold changes with the next release. Who is to sign becomes sast if it is not yet.
/// Errors: `not-found`, `invalid-address`, `digest-not-supported`, `signer-key-elsewhere`, `signer-not-supported`, `signer-revoked`,
/// `state-conflict`, `storage`.
pub async fn set(
    authority: &Authority,
    id: &ClusterId,
    settings: Settings,
    actor: Actor,
) -> Result<(ClusterRecord, Vec<Warning>)> {
    let (db, now) = (&authority.db, authority.clock.now());
    let stored = super::require(db, id).await?;
    let mut unit = Unit::new();
    let mut record = ClusterRecord { changed: now, ..stored.value };
    if let Some(signer) = &settings.signer {
        let anchor = chosen(authority, id, signer).await?;
        record.signer = anchor.fingerprint;
        unit.put(&anchor, When::Always)?;
    }
    apply(&mut record, settings)?;
    unit.replace(&record, stored.revision)?;
    let event = Event::new(now, actor, "cluster.set", format!("cluster:{id}"));
    let event = event.with("mode", record.mode).with("digest", record.digest);
    unit.event(event.with("signer", warning::hex(&record.signer)));
    db.commit(unit).await?;
    let warnings = warning::of(authority, id, &anchor::of(db, id).await?).await?;
    Ok((record, warnings))
}

/// Holds that this build signs with the digest. Errors: `digest-not-supported`.
pub(super) fn refuse_digest(digest: ListDigest) -> Result<()> {
    match digest {
        ListDigest::Sha512 => Ok(()),
        ListDigest::Sha1 if cfg!(feature = "legacy") => Ok(()),
        ListDigest::Sha1 => {
            let text = "this build signs no lists with sha1 (feature legacy): take sha512";
            Err(Error::invalid("digest-not-supported", text).at("/digest"))
        }
    }
}

fn apply(record: &mut ClusterRecord, settings: Settings) -> Result<()> {
    let Settings { title, mode, digest, signer: _, signer_version, tvs, tftp } = settings;
    if let Some(digest) = digest {
        refuse_digest(digest)?;
        record.digest = digest;
    }
    if let Some(tvs) = tvs {
        address::check(&tvs, "/tvs")?;
        record.tvs = tvs;
    }
    if let Some(tftp) = tftp {
        address::check(&tftp, "/tftp")?;
        record.tftp = tftp;
    }
    record.title = title.unwrap_or_else(|| std::mem::take(&mut record.title));
    record.mode = mode.unwrap_or(record.mode);
    record.signer_version = signer_version.unwrap_or(record.signer_version);
    Ok(())
}

/// The anchor that is to sign, as sast.
async fn chosen(authority: &Authority, id: &ClusterId, signer: &Signer) -> Result<AnchorRecord> {
    let db = &authority.db;
    let fingerprint = match signer {
        Signer::Recovery => recovery::current(db)
            .await?
            .ok_or_else(|| Error::not_found("recovery signer", "yet"))?
            .value
            .read()?
            .fingerprint(),
        Signer::Anchor(fingerprint) => *fingerprint,
    };
    let mut anchor = anchor::require(db, id, &fingerprint).await?.value;
    if anchor.source.key().is_none() {
        let text =
            "the key of this anchor is not here: the recovery signer or an identity of our own signs lists";
        return Err(Error::conflict("signer-key-elsewhere", text).at("/signer"));
    }
    match anchor.read()?.public_key()?.kind() {
        KeyKind::Rsa(2048 | 4096) => {}
        other => {
            let text =
                format!("lists are signed with rsa-2048 or rsa-4096, not {other}: phones know no other");
            return Err(Error::invalid("signer-not-supported", text).at("/signer"));
        }
    }
    refuse_revoked(authority, &anchor).await.map_err(|e| e.at("/signer"))?;
    anchor.roles.insert(Role::Sast);
    Ok(anchor)
}
