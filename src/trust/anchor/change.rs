//! Anchors come, change their roles and go, each change in one unit with the cluster: who read the cluster at a
//! revision knows whether its anchors still hold.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{Db, Stored, Unit, When};
use crate::trust::records::{AnchorRecord, ClusterRecord, Source};
use crate::trust::role::Role;
use crate::trust::warning::{self, Warning};
use crate::trust::{anchor, cluster, recovery};
use crate::x509::cert::Certificate;

/// More anchors than these a cluster does not have.
const MOST: usize = 512;

/// A certificate that is to be trusted.
#[derive(Clone, Debug)]
pub struct NewAnchor {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// For what, never nothing.
    pub roles: BTreeSet<Role>,
    /// Where it comes from.
    pub source: Source,
    /// The name of its server, if it is to stand in lists.
    pub dns_name: Option<String>,
    /// The address of its server, if it is to stand in lists.
    pub address: Option<Ipv4Addr>,
}

/// What a change left.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The anchors that were added or changed.
    pub anchors: Vec<AnchorRecord>,
    /// What the next lists would bring about.
    pub warnings: Vec<Warning>,
}

/// Adds anchors to a cluster, all of them or none; one that is there gets the roles that it lacks.
/// Errors: `not-found`, `missing-role`, `bad-dns-name`, `too-many-anchors`, `state-conflict`, `storage`.
pub async fn add(
    authority: &Authority,
    id: &ClusterId,
    new: Vec<NewAnchor>,
    actor: Actor,
) -> Result<Changed> {
    let (db, now) = (&authority.db, authority.clock.now());
    let stored = cluster::require(db, id).await?;
    let standing = anchor::of(db, id).await?;
    let mut unit = Unit::new();
    let (anchors, after) = merge(&mut unit, id, (standing, new), (&actor, now))?;
    finish(db, unit, stored, now).await?;
    Ok(Changed { anchors, warnings: warning::of(authority, id, &after).await? })
}

/// Puts new anchors among those that stand, into the unit; gives those that changed and all that there are then.
pub(in crate::trust) fn merge(
    unit: &mut Unit,
    id: &ClusterId,
    (mut standing, new): (Vec<AnchorRecord>, Vec<NewAnchor>),
    (actor, now): (&Actor, Timestamp),
) -> Result<(Vec<AnchorRecord>, Vec<AnchorRecord>)> {
    let mut changed = BTreeSet::new();
    for new in new {
        refuse_no_role(&new.roles)?;
        refuse_name(new.dns_name.as_deref())?;
        let fingerprint = new.certificate.fingerprint();
        match standing.iter_mut().find(|anchor| anchor.fingerprint == fingerprint) {
            Some(anchor) => enrich(anchor, new),
            None => standing.push(made(id, new, actor, now)),
        }
        changed.insert(fingerprint);
    }
    if standing.len() > MOST {
        let text = format!("a cluster has at most {MOST} anchors");
        return Err(Error::invalid("too-many-anchors", text));
    }
    let anchors: Vec<_> = standing.iter().filter(|a| changed.contains(&a.fingerprint)).cloned().collect();
    for anchor in &anchors {
        unit.put(anchor, When::Always)?;
        unit.event(told(anchor, "anchor.add", actor, now));
    }
    Ok((anchors, standing))
}

/// Gives an anchor other roles. Errors: `not-found`, `missing-role`, `anchor-signs` if it signs and would no longer be
/// in the list for that, `state-conflict`, `storage`.
pub async fn set_roles(
    authority: &Authority,
    id: &ClusterId,
    fingerprint: &[u8; 32],
    roles: BTreeSet<Role>,
    actor: Actor,
) -> Result<Changed> {
    let (db, now) = (&authority.db, authority.clock.now());
    refuse_no_role(&roles)?;
    let stored = cluster::require(db, id).await?;
    let standing = anchor::require(db, id, fingerprint).await?;
    if !roles.contains(&Role::Sast) {
        refuse_needed(db, &stored.value, fingerprint).await?;
    }
    let anchor = AnchorRecord { roles, ..standing.value };
    let mut unit = Unit::new();
    unit.replace(&anchor, standing.revision)?;
    unit.event(told(&anchor, "anchor.roles", &actor, now));
    finish(db, unit, stored, now).await?;
    let after = anchor::of(db, id).await?;
    Ok(Changed { anchors: vec![anchor], warnings: warning::of(authority, id, &after).await? })
}

/// Takes an anchor out of a cluster; lists that were published keep it. Errors: `not-found`, `anchor-signs`,
/// `state-conflict`, `storage`.
pub async fn remove(
    authority: &Authority,
    id: &ClusterId,
    fingerprint: &[u8; 32],
    actor: Actor,
) -> Result<Changed> {
    let (db, now) = (&authority.db, authority.clock.now());
    let stored = cluster::require(db, id).await?;
    let standing = anchor::require(db, id, fingerprint).await?;
    refuse_needed(db, &stored.value, fingerprint).await?;
    let mut unit = Unit::new();
    unit.delete::<AnchorRecord>(&AnchorRecord::key_of(id, fingerprint), When::Revision(standing.revision));
    unit.event(told(&standing.value, "anchor.remove", &actor, now));
    finish(db, unit, stored, now).await?;
    let after = anchor::of(db, id).await?;
    Ok(Changed { anchors: vec![standing.value], warnings: warning::of(authority, id, &after).await? })
}

fn made(id: &ClusterId, new: NewAnchor, actor: &Actor, now: Timestamp) -> AnchorRecord {
    AnchorRecord {
        cluster: id.clone(),
        fingerprint: new.certificate.fingerprint(),
        certificate: new.certificate.der().to_vec(),
        roles: new.roles,
        source: new.source,
        dns_name: new.dns_name,
        address: new.address,
        added: now,
        added_by: actor.to_string(),
    }
}

/// What is known of it more than before; a key that is here is not forgotten.
fn enrich(anchor: &mut AnchorRecord, new: NewAnchor) {
    anchor.roles.extend(new.roles);
    if anchor.source.key().is_none() && !matches!(new.source, Source::Imported { .. }) {
        anchor.source = new.source;
    }
    anchor.dns_name = new.dns_name.or(anchor.dns_name.take());
    anchor.address = new.address.or(anchor.address);
}

fn refuse_no_role(roles: &BTreeSet<Role>) -> Result<()> {
    if !roles.is_empty() {
        return Ok(());
    }
    let text = "an anchor has a role at least: sast, ccm, ccm+tftp, tftp, capf, app-server or tvs";
    Err(Error::invalid("missing-role", text).at("/roles"))
}

/// What a list can carry.
fn refuse_name(dns_name: Option<&str>) -> Result<()> {
    let plain = |name: &str| name.len() <= 253 && name.bytes().all(|b| b.is_ascii_graphic());
    if dns_name.is_none_or(plain) {
        return Ok(());
    }
    let text = "the host name of an anchor has at most 253 visible ASCII characters";
    Err(Error::invalid("bad-dns-name", text).at("/dns_name"))
}

/// Phones take a list only if its signer stands in it, and the recovery signer stands in every list.
async fn refuse_needed(db: &Db, cluster: &ClusterRecord, fingerprint: &[u8; 32]) -> Result<()> {
    let id = &cluster.id;
    if cluster.signer == *fingerprint {
        let text = format!(
            "this anchor signs the lists of {id} and must stand in them as sast: let another sign first (signet \
             trust cluster set {id} --signer recovery)"
        );
        return Err(Error::conflict("anchor-signs", text));
    }
    match recovery::current(db).await? {
        Some(recovery) if recovery.value.read()?.fingerprint() == *fingerprint => {
            let text =
                "the recovery signer stands in every list as sast: by it phones follow when all else changed";
            Err(Error::conflict("anchor-signs", text))
        }
        Some(_) | None => Ok(()),
    }
}

/// Commits a change of anchors together with the cluster that they belong to.
async fn finish(db: &Db, mut unit: Unit, stored: Stored<ClusterRecord>, now: Timestamp) -> Result<()> {
    unit.replace(&ClusterRecord { changed: now, ..stored.value }, stored.revision)?;
    db.commit(unit).await?;
    Ok(())
}

fn told(anchor: &AnchorRecord, action: &str, actor: &Actor, now: Timestamp) -> Event {
    let roles: Vec<String> = anchor.roles.iter().map(Role::to_string).collect();
    let event = Event::new(now, actor.clone(), action, format!("cluster:{}", anchor.cluster))
        .with("sha256", warning::hex(&anchor.fingerprint))
        .with("roles", roles.join(" "));
    match anchor.read() {
        Ok(certificate) => event.with("subject", certificate.subject()),
        Err(_) => event,
    }
}
