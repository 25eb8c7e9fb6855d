//! Which certificates of our own phones are shown: such as the newest lists of all clusters hold.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Phones;
use crate::device::fetch::ListFile;
use crate::error::Result;
use crate::id::ClusterId;
use crate::server::identity::Held;
use crate::server::tls::Resolver;
use crate::trust::anchor;
use crate::trust::identity::{OwnIdentities, OwnIdentity, Purpose};
use crate::trust::records::{ListKind, Source};

mod listing;

/// What was said, and what may be said.
#[derive(Default)]
pub(super) struct Said {
    /// That the clusters have no certificate of this purpose in common.
    warned: Mutex<BTreeSet<Purpose>>,
    /// What listeners show: of the others, nobody need be told anything.
    on: Mutex<BTreeSet<Purpose>>,
}

impl Phones {
    /// Makes sure that there is something to be shown, for a listener that begins.
    pub(super) async fn open(&self, purpose: Purpose) -> Result<()> {
        lock(&self.said.on).insert(purpose);
        self.identities.hold(purpose).await?;
        self.show(purpose).await
    }

    /// Shows the oldest certificate that stands in the newest lists of all clusters, so that phones of the list before
    /// know it too, and goes on with it as long as it does; the newest certificate if none stands anywhere. While the
    /// clusters have none in common, the one that is shown stays. An elliptic curve is shown only if all lists hold it:
    /// who does not get it takes RSA. Errors: `storage`.
    pub(super) async fn show(&self, purpose: Purpose) -> Result<()> {
        let Some(resolver) = self.resolver(purpose) else { return Ok(()) };
        let held = self.identities.held(purpose).await?;
        let lists = self.lists(purpose, &held).await?;
        let (chosen, is_common) = choose(&held, &lists);
        let is_optional = purpose == Purpose::TftpEc;
        // Where none was ever made there is nothing to suit anybody.
        let is_off = held.is_empty() && resolver.shown().is_none();
        self.warn_once(purpose, is_common || is_off || is_optional);
        let standing = held.iter().find(|identity| resolver.shows(identity.certificate.der()));
        let suits_all = |identity: &&OwnIdentity| lists.iter().all(|list| stands(identity, list));
        // Lists that were made elsewhere hold the one that is shown, and nobody knows what else.
        let is_elsewhere = purpose == Purpose::Capf && lists.is_empty() && self.all_lists().await?.is_empty();
        let chosen = match (is_common && !lists.is_empty(), standing) {
            (false, Some(standing)) if is_elsewhere => Some(standing),
            (true, _) => standing.filter(suits_all).or(chosen),
            (false, _) if is_optional => None,
            (false, Some(standing)) if !is_common => Some(standing),
            // Phones refuse it, but there is nothing else to be shown.
            (false, None) if resolver.shown().is_none() => chosen.or(held.first()),
            (false, _) => chosen,
        };
        match chosen {
            Some(OwnIdentity { key, certificate, chain, .. }) => {
                let (key, certificate, chain) = (key.clone(), Arc::clone(certificate), chain.clone());
                resolver
                    .show(&*self.authority.keys, &Held { key, certificate, chain, former: Vec::new() })?;
            }
            None if is_optional => resolver.hide(),
            None => {}
        }
        if held.is_empty() {
            return self.tell_over(purpose, &resolver, &lists);
        }
        self.tell(purpose, (&held, &lists), chosen).await
    }

    /// What the listeners for this purpose take their certificate from, if it is one of ours.
    fn resolver(&self, purpose: Purpose) -> Option<Arc<Resolver>> {
        match purpose {
            Purpose::Tvs => Some(Arc::clone(&self.shown_by_tvs)),
            Purpose::Tftp => Some(Arc::clone(&self.shown_by_files)),
            Purpose::TftpEc => Some(Arc::clone(&self.shown_to_ec)),
            Purpose::Capf => self.identities.listed_capf_resolver(),
        }
    }

    /// The newest ITL of each cluster in which one of these stands, or one before them that can be shown no more. An
    /// elliptic curve is for the phones of every cluster that is served files over HTTPS.
    async fn lists(&self, purpose: Purpose, held: &[OwnIdentity]) -> Result<Vec<Arc<ListFile>>> {
        let mut served = held.to_vec();
        if purpose == Purpose::TftpEc {
            served.extend(self.identities.held(Purpose::Tftp).await?);
        }
        let mut lists = Vec::new();
        for list in self.all_lists().await? {
            if served.iter().any(|identity| stands(identity, &list)) || self.held_once(purpose, &list).await?
            {
                lists.push(list);
            }
        }
        Ok(lists)
    }

    /// Whether a list holds a certificate of this purpose that its cluster still trusts, though it was revoked or is over.
    async fn held_once(&self, purpose: Purpose, list: &ListFile) -> Result<bool> {
        let anchors = anchor::of(&self.authority.db, &list.release.cluster).await?;
        Ok(anchors.iter().any(|anchor| {
            matches!(&anchor.source, Source::Identity { name, .. } if name == purpose.as_str())
                && list.members.contains(&anchor.fingerprint)
        }))
    }

    async fn all_lists(&self) -> Result<Vec<Arc<ListFile>>> {
        let shelf = &self.depot.shelf;
        let mut found = Vec::new();
        for cluster in shelf.clusters().await? {
            found.extend(shelf.newest(&cluster, ListKind::Itl).await?);
        }
        Ok(found)
    }

    fn warn_once(&self, purpose: Purpose, is_common: bool) {
        let mut warned = lock(&self.said.warned);
        if is_common {
            warned.remove(&purpose);
        } else if warned.insert(purpose) {
            tracing::warn!(
                identity = %purpose,
                "no valid certificate stands in the newest ITL of every cluster: phones of some refuse what is shown; \
                 add it there (signet trust anchor add --own) and publish"
            );
        }
    }
}

/// The oldest that stands in all lists, newest first as they are held; without one the oldest that stands in any, or
/// the newest. Says whether it suits all.
fn choose<'a>(held: &'a [OwnIdentity], lists: &[Arc<ListFile>]) -> (Option<&'a OwnIdentity>, bool) {
    let mut oldest_first = held.iter().rev();
    if lists.is_empty() {
        return (held.first(), !held.is_empty());
    }
    match oldest_first.find(|identity| lists.iter().all(|list| stands(identity, list))) {
        Some(common) => (Some(common), true),
        None => (held.iter().rev().find(|identity| lists.iter().any(|list| stands(identity, list))), false),
    }
}

fn stands(identity: &OwnIdentity, list: &ListFile) -> bool {
    list.members.contains(&identity.certificate.fingerprint())
}

/// The clusters whose list does not hold it.
fn lacking<'a>(lists: &'a [Arc<ListFile>], identity: &OwnIdentity) -> Vec<&'a ClusterId> {
    lists.iter().filter(|list| !stands(identity, list)).map(|list| &list.release.cluster).collect()
}

fn lock(set: &Mutex<BTreeSet<Purpose>>) -> MutexGuard<'_, BTreeSet<Purpose>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}
