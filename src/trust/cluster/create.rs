//! A new cluster, with the anchors that make sense by themselves.

use std::sync::Arc;

use super::address;
use super::settings::refuse_digest;
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::id::{CaId, ClusterId};
use crate::store::{CommitError, Unit};
use crate::trust::anchor::{self, NewAnchor};
use crate::trust::identity::OwnIdentity;
use crate::trust::records::{AnchorRecord, ClusterRecord, ListDigest, Mode, Source};
use crate::trust::recovery;
use crate::trust::role::Role;

/// The CA that signs phones' certificates over CAPF, where there is one of that name.
const CAPF: &str = "capf";

/// A cluster to be made.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// Its name.
    pub id: ClusterId,
    /// What people call it; without it: its name.
    pub title: Option<String>,
    /// Whether its phones talk encrypted.
    pub mode: Mode,
    /// With which digest its lists are signed.
    pub digest: ListDigest,
    /// Where its phones find TVS.
    pub tvs: Vec<String>,
    /// Where they find files.
    pub tftp: Vec<String>,
    /// Identities of our own that serve it.
    pub identities: Vec<OwnIdentity>,
}

/// Makes a cluster with its first anchors: the recovery signer (made now if there is none), which signs its lists; the
/// CA `capf`, if there is one; and the identities of our own that were asked for. Nothing is published yet.
/// Errors: `already-exists`, `invalid-address`, `digest-not-supported`, `storage`, and those of [`recovery::make`].
pub async fn create(
    authority: &Authority,
    new: NewCluster,
    actor: Actor,
) -> Result<(ClusterRecord, Vec<AnchorRecord>)> {
    address::check(&new.tvs, "/tvs")?;
    address::check(&new.tftp, "/tftp")?;
    refuse_digest(new.digest)?;
    let recovery = recovery::ensure(authority, actor.clone()).await?;
    let now = authority.clock.now();
    let record = ClusterRecord {
        title: new.title.unwrap_or_else(|| new.id.to_string()),
        id: new.id,
        mode: new.mode,
        digest: new.digest,
        signer: recovery.read()?.fingerprint(),
        signer_version: None,
        tvs: new.tvs,
        tftp: new.tftp,
        created: now,
        created_by: actor.to_string(),
        changed: now,
    };
    let mut anchors = vec![recovery::anchor(&recovery)?];
    anchors.extend(capf(authority)?);
    anchors.extend(new.identities.iter().map(of_identity));
    let mut unit = Unit::new();
    let place = unit.insert(&record)?;
    let event = Event::new(now, actor.clone(), "cluster.create", format!("cluster:{}", record.id));
    unit.event(event.with("mode", record.mode).with("digest", record.digest));
    let (_, anchors) = anchor::merge(&mut unit, &record.id, (Vec::new(), anchors), (&actor, now))?;
    authority.db.commit(unit).await.map_err(|error| exists(error, place, &record.id))?;
    Ok((record, anchors))
}

/// An identity of our own as an anchor.
pub fn of_identity(identity: &OwnIdentity) -> NewAnchor {
    NewAnchor {
        certificate: Arc::clone(&identity.certificate),
        roles: [identity.purpose.role()].into(),
        source: Source::Identity { name: identity.purpose.to_string(), key: identity.key.clone() },
        dns_name: None,
        address: None,
    }
}

fn capf(authority: &Authority) -> Result<Option<NewAnchor>> {
    let (hierarchy, id): (_, CaId) = (authority.hierarchy(), CAPF.parse()?);
    let certificate = hierarchy.in_force(&id).ok().and_then(|ca| ca.certificate.clone());
    Ok(certificate.map(|certificate| NewAnchor {
        certificate,
        roles: [Role::Capf].into(),
        source: Source::Authority { ca: id },
        dns_name: None,
        address: None,
    }))
}

fn exists(error: CommitError, place: usize, id: &ClusterId) -> Error {
    match error {
        CommitError::Refused { item, .. } if item == place => {
            Error::conflict("already-exists", format!("there is a cluster {id} already")).at("/id")
        }
        other => other.into(),
    }
}
