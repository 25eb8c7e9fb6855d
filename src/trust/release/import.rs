//! A list of a running cluster, taken over: its certificates become anchors in their roles, and the file itself a
//! release, for it is what phones hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{Unit, When};
use crate::trust::anchor::{self, NewAnchor};
use crate::trust::cluster;
use crate::trust::list::List;
use crate::trust::records::{AnchorRecord, ClusterRecord, ListKind, Member, Mode, ReleaseRecord, Source};
use crate::trust::role::Role;
use crate::trust::sign::SignatureDigest;
use crate::trust::warning::{self, Warning};

/// What was taken over.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The list, as a release of the cluster.
    pub release: ReleaseRecord,
    /// The anchors that came or got more roles.
    pub anchors: Vec<AnchorRecord>,
    /// What an operator should know.
    pub warnings: Vec<Warning>,
}

/// Takes a foreign list over into a cluster, which becomes mixed by a CTL. Its signer stays sast, so that phones that
/// trust him go on doing so. Nothing that cannot be verified is taken. Errors: those of [`List::parse`] and
/// [`List::verify`]; `bad-file-name` if it is neither a CTL nor an ITL; `not-found`; `release-exists` if it is the
/// standing release, or that was published here; `too-many-anchors`; `state-conflict`; `storage`.
pub async fn import(authority: &Authority, id: &ClusterId, file: &[u8], actor: Actor) -> Result<Imported> {
    let (db, now) = (&authority.db, authority.clock.now());
    let list = List::parse(file)?;
    let kind = kind(&list)?;
    let signer = list.verify()?.certificate().map(|certificate| certificate.fingerprint());
    let stored = cluster::require(db, id).await?;
    let standing = super::current(db, id, kind).await?;
    let last = super::numbered(db, id, kind).await?;
    if standing.as_ref().is_some_and(|last| last.file_hash == list.fingerprint()) {
        return Err(Error::conflict(
            "release-exists",
            format!("this is the standing {kind} of {id} already"),
        ));
    }
    let (new, hashed) = anchors(&list);
    let mut unit = Unit::new();
    let present = anchor::of(db, id).await?;
    refuse_published(standing.as_ref(), &present)?;
    let (added, after) = anchor::merge(&mut unit, id, (present, new.clone()), (&actor, now))?;
    let mode = if kind == ListKind::Ctl { Mode::Mixed } else { stored.value.mode };
    let cluster = ClusterRecord { changed: now, mode, ..stored.value };
    unit.put(&cluster, When::Revision(stored.revision))?;
    let release = ReleaseRecord {
        cluster: id.clone(),
        kind,
        number: last.map_or(1, |last| last.number.saturating_add(1)),
        content: Sha256::digest(file).into(),
        signer: signer.unwrap_or_default(),
        members: new.iter().map(member).collect(),
        file: file.to_vec(),
        file_hash: list.fingerprint(),
        at: now.max(cluster.created),
        by: actor.to_string(),
    };
    unit.insert(&release)?;
    let event = Event::new(now, actor, "release.import", format!("cluster:{id}"));
    unit.event(event.with("list", kind).with("number", release.number).with("entries", list.entries().len()));
    db.commit(unit).await?;
    let mut warnings = said(&list, hashed, &cluster);
    warnings.extend(warning::locked_out(authority, &cluster, &after, &release).await?);
    Ok(Imported { release, anchors: added, warnings })
}

/// Phones that hold a list of ours are not given one that another signed.
fn refuse_published(standing: Option<&ReleaseRecord>, anchors: &[AnchorRecord]) -> Result<()> {
    let Some(last) = standing else { return Ok(()) };
    let is_ours = |anchor: &AnchorRecord| anchor.fingerprint == last.signer && anchor.source.key().is_some();
    if !anchors.iter().any(is_ours) {
        return Ok(());
    }
    let text = format!(
        "the {} of {} was published here already: make a cluster of its own for the other list, or add its \
         certificates as anchors",
        last.kind, last.cluster
    );
    Err(Error::conflict("release-exists", text))
}

fn kind(list: &List) -> Result<ListKind> {
    match list.kind() {
        Some(ListKind::Ctl) => Ok(ListKind::Ctl),
        Some(ListKind::Itl) => Ok(ListKind::Itl),
        None => {
            let text = format!("{} is neither a CTL nor an ITL by its name", list.file_name());
            Err(Error::invalid("bad-file-name", text))
        }
    }
}

/// Each certificate once, with all its roles; and how many entries hold a hash alone.
fn anchors(list: &List) -> (Vec<NewAnchor>, usize) {
    let (mut found, mut hashed) = (BTreeMap::<[u8; 32], NewAnchor>::new(), 0);
    let from = list.file_name().to_string();
    for entry in list.entries() {
        let Some(certificate) = entry.certificate() else {
            hashed += 1;
            continue;
        };
        let anchor = found.entry(certificate.fingerprint()).or_insert_with(|| NewAnchor {
            certificate: Arc::clone(certificate),
            roles: BTreeSet::new(),
            source: Source::Imported { from: from.clone() },
            dns_name: None,
            address: None,
        });
        anchor.roles.insert(entry.role());
        anchor.dns_name =
            entry.dns_name().filter(|name| !name.is_empty()).map(str::to_owned).or(anchor.dns_name.take());
        anchor.address = entry.address().or(anchor.address);
    }
    (found.into_values().collect(), hashed)
}

fn member(anchor: &NewAnchor) -> Member {
    Member { fingerprint: anchor.certificate.fingerprint(), roles: anchor.roles.clone() }
}

fn said(list: &List, hashed: usize, cluster: &ClusterRecord) -> Vec<Warning> {
    let mut found: Vec<Warning> = list
        .doubts()
        .iter()
        .map(|doubt| Warning { code: "doubtful-list", text: doubt.to_string() })
        .collect();
    if hashed > 0 {
        let text = format!(
            "{hashed} entries hold the hash of a certificate alone: add these certificates from files, or the next list \
             lacks them"
        );
        found.push(Warning { code: "hashed-entries", text });
    }
    if list.digest() == SignatureDigest::Sha1 && cluster.digest.as_str() != "sha1" {
        let text = format!(
            "this list is signed with SHA-1, the next will be with {}: phones that know SHA-1 alone would refuse it",
            cluster.digest
        );
        found.push(Warning { code: "digest-changes", text });
    }
    if !list.entries().iter().any(|entry| entry.role() == Role::Tvs) && cluster.mode == Mode::NonSecure {
        let text =
            "no TVS stands in this list: phones that hold it follow a signer that they know, and no other"
                .to_owned();
        found.push(Warning { code: "no-tvs", text });
    }
    found
}
