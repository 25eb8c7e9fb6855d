//! Publishing: the anchors of a cluster become lists, signed, numbered and kept.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::compose::{Composed, compose};
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{Stored, Unit, When};
use crate::trust::list::{List, diff, limits};
use crate::trust::records::{AnchorRecord, ClusterRecord, ListKind, ReleaseRecord};
use crate::trust::standing::{self, Standing};
use crate::trust::warning::{self, Warning};
use crate::trust::{anchor, cluster};

/// How often publishing is tried anew after the anchors changed meanwhile.
const ATTEMPTS: usize = 3;

/// A list as it would be, or as it is, published.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which list.
    pub kind: ListKind,
    /// The number of the release: the standing one's if nothing changed.
    pub number: u32,
    /// Whether it is another than the one that stands.
    pub is_new: bool,
    /// What differs from the one that stands, in words.
    pub changes: Vec<String>,
    /// How many entries it has.
    pub entries: usize,
    /// The release; none while it is only proposed and new.
    pub release: Option<ReleaseRecord>,
    /// What an operator should know of it.
    pub warnings: Vec<Warning>,
}

/// What publishing would write, without writing it. Errors: as [`publish`].
pub async fn propose(authority: &Authority, id: &ClusterId) -> Result<Vec<Proposal>> {
    let stored = cluster::require(&authority.db, id).await?;
    let drafts = drafts(authority, &stored.value).await?;
    Ok(drafts.into_iter().map(|draft| draft.proposal).collect())
}

/// Publishes the lists of a cluster: those whose content changed become new releases, all in one unit; of the others
/// the standing release is given. Errors: `not-found`, `signer-not-in-list`, `signer-key-not-allowed`,
/// `signer-key-elsewhere`, `signer-revoked`, `trust-list-too-large`, `digest-not-supported`, `busy`, `state-conflict`, `storage`; those of
/// the signer.
pub async fn publish(authority: &Authority, id: &ClusterId, actor: Actor) -> Result<Vec<Proposal>> {
    for _ in 1..ATTEMPTS {
        match attempt(authority, id, &actor).await {
            Err(e) if e.code() == "state-conflict" => {}
            other => return other,
        }
    }
    attempt(authority, id, &actor).await
}

async fn attempt(authority: &Authority, id: &ClusterId, actor: &Actor) -> Result<Vec<Proposal>> {
    let stored = cluster::require(&authority.db, id).await?;
    let (mut unit, mut published) = (Unit::new(), Vec::new());
    for draft in drafts(authority, &stored.value).await? {
        let Draft { composed, mut proposal, signer, now } = draft;
        if proposal.is_new {
            refuse_revoked(authority, &signer).await?;
            let file = signed(authority, &composed, &signer).await?;
            proposal.warnings.extend(too_large(proposal.entries, file.len()));
            let release = record(&stored.value, (&proposal, composed), file, (actor, now));
            unit.insert(&release)?;
            unit.event(told(&release, actor, now));
            proposal.release = Some(release);
        }
        published.push(proposal);
    }
    if !unit.items.is_empty() {
        commit(authority, unit, &stored).await?;
    }
    Ok(published)
}

/// The anchors that were published are those that stand.
async fn commit(authority: &Authority, mut unit: Unit, stored: &Stored<ClusterRecord>) -> Result<()> {
    unit.check::<ClusterRecord>(&ClusterRecord::key_of(&stored.value.id), When::Revision(stored.revision));
    authority.db.commit(unit).await?;
    Ok(())
}

/// A list that may become a release.
struct Draft {
    composed: Composed,
    proposal: Proposal,
    signer: AnchorRecord,
    now: Timestamp,
}

async fn drafts(authority: &Authority, cluster: &ClusterRecord) -> Result<Vec<Draft>> {
    let (db, now) = (&authority.db, authority.clock.now());
    let anchors = anchor::of(db, &cluster.id).await?;
    let signer = anchors.iter().find(|anchor| anchor.fingerprint == cluster.signer);
    let mut found = Vec::new();
    for kind in super::kinds(cluster) {
        let composed = compose(cluster, kind, &anchors, now)?;
        // A list composes only with its signer among the anchors.
        let signer = signer.cloned().ok_or_else(|| Error::internal("a list without its signer"))?;
        // In this order: a release that comes between the two takes the next number, and this one is refused.
        let last = super::numbered(db, &cluster.id, kind).await?.map_or(0, |last| last.number);
        let standing = super::current(db, &cluster.id, kind).await?;
        let warnings = warnings(authority, cluster, &anchors, standing.as_ref()).await?;
        let proposal = proposal((kind, last, &composed), standing, warnings)?;
        found.push(Draft { composed, proposal, signer, now });
    }
    Ok(found)
}

async fn warnings(
    authority: &Authority,
    cluster: &ClusterRecord,
    anchors: &[AnchorRecord],
    standing: Option<&ReleaseRecord>,
) -> Result<Vec<Warning>> {
    let mut found = Vec::new();
    if let Some(last) = standing {
        found.extend(warning::locked_out(authority, cluster, anchors, last).await?);
    }
    found.extend(warning::of_anchors(authority, anchors).await?);
    found.extend(warning::without_curve(cluster, anchors));
    Ok(found)
}

/// A revoked certificate signs no list. Errors: `signer-revoked`, `storage`.
pub(in crate::trust) async fn refuse_revoked(authority: &Authority, signer: &AnchorRecord) -> Result<()> {
    match standing::of(authority, &signer.read()?).await? {
        Standing::Valid | Standing::Expired => Ok(()),
        Standing::Revoked => {
            let text = "the certificate that is to sign the lists was revoked: let another sign (signet trust cluster \
                        set, --signer recovery)";
            Err(Error::conflict("signer-revoked", text))
        }
    }
}

fn proposal(
    (kind, last, composed): (ListKind, u32, &Composed),
    standing: Option<ReleaseRecord>,
    mut warnings: Vec<Warning>,
) -> Result<Proposal> {
    let entries = composed.contents.entries().len();
    let same = standing.as_ref().is_some_and(|last| last.content == composed.content);
    let changes = match &standing {
        _ if same => Vec::new(),
        Some(last) => {
            super::words(&diff::diff(&List::parse(&last.file)?.outline(), &composed.contents.outline()), true)
        }
        None => first(composed),
    };
    warnings.extend(too_large(entries, 0));
    Ok(Proposal {
        kind,
        number: standing.as_ref().filter(|_| same).map_or(last.saturating_add(1), |standing| standing.number),
        is_new: !same,
        changes,
        entries,
        release: standing.filter(|_| same),
        warnings,
    })
}

/// Of the first release everything is new.
fn first(composed: &Composed) -> Vec<String> {
    let signer = composed.contents.signer().subject();
    let mut words = vec![format!("first release, signed by {signer}")];
    words.extend(
        composed.contents.entries().iter().map(|entry| format!("added {} {}", entry.role(), entry.subject())),
    );
    words
}

/// Signs where that holds nobody up: the key may be in a token.
async fn signed(authority: &Authority, composed: &Composed, signer: &AnchorRecord) -> Result<Vec<u8>> {
    let key = signer.source.key().ok_or_else(|| {
        let text = "the key of who is to sign the lists is not here: let the recovery signer or an identity of our own";
        Error::conflict("signer-key-elsewhere", text)
    })?;
    let key = authority.keys.signer(key)?;
    let (draft, signing) = (composed.contents.to_be_signed()?, Arc::clone(&key));
    authority.run_with(&*key, move || draft.sign(&*signing)).await?
}

fn too_large(entries: usize, octets: usize) -> Vec<Warning> {
    let said = limits::warnings(entries, octets).into_iter();
    said.map(|limit| Warning { code: "list-too-large-for-phones", text: limit.to_string() }).collect()
}

fn record(
    cluster: &ClusterRecord,
    (proposal, composed): (&Proposal, Composed),
    file: Vec<u8>,
    (actor, now): (&Actor, Timestamp),
) -> ReleaseRecord {
    ReleaseRecord {
        cluster: cluster.id.clone(),
        kind: proposal.kind,
        number: proposal.number,
        content: composed.content,
        signer: cluster.signer,
        members: composed.members,
        file_hash: Sha256::digest(&file).into(),
        file,
        // A clock that was set back does not make it one of a cluster before.
        at: now.max(cluster.created),
        by: actor.to_string(),
    }
}

fn told(release: &ReleaseRecord, actor: &Actor, now: Timestamp) -> Event {
    Event::new(now, actor.clone(), "release.publish", format!("cluster:{}", release.cluster))
        .with("list", release.kind)
        .with("number", release.number)
        .with("sha256", warning::hex(&release.file_hash))
        .with("signer", warning::hex(&release.signer))
}
