//! What health says of a certificate that is shown: whose phones refuse it, and what its successor waits for.

use std::sync::Arc;

use super::{Phones, lacking, lock};
use crate::admin::Listing;
use crate::device::fetch::ListFile;
use crate::error::Result;
use crate::id::ClusterId;
use crate::server::tls::Resolver;
use crate::trust::anchor;
use crate::trust::identity::{OwnIdentity, Purpose};
use crate::trust::warning::hex;
use crate::x509::cert::Certificate;

/// So many clusters are named.
const NAMED: usize = 3;
/// So many digits name an anchor.
const DIGITS: usize = 16;

impl Phones {
    /// Notes what is shown, for health. Errors: `storage`.
    pub(super) async fn tell(
        &self,
        purpose: Purpose,
        (held, lists): (&[OwnIdentity], &[Arc<ListFile>]),
        shown: Option<&OwnIdentity>,
    ) -> Result<()> {
        let Some(next) = held.first() else { return Ok(()) };
        let listing = match shown {
            Some(shown) => self.listing(purpose, (next, shown), lists).await?,
            None if purpose != Purpose::TftpEc => {
                let what = "what is shown was revoked or is over, and the next one waits for the ITL";
                Listing { fault: self.step(what, purpose, lists, next).await?, waits: None }
            }
            None if self.is_unused(next, lists).await? => {
                self.identities.note_hidden(purpose);
                return Ok(());
            }
            None => {
                let waits =
                    self.step("phones are shown RSA until it stands in the ITL", purpose, lists, next);
                Listing { fault: None, waits: waits.await? }
            }
        };
        self.identities.note_shown(purpose, &shown.unwrap_or(next).certificate, listing);
        Ok(())
    }

    /// Notes that what is shown was revoked or is over, and that there is no other.
    pub(super) fn tell_over(
        &self,
        purpose: Purpose,
        resolver: &Resolver,
        lists: &[Arc<ListFile>],
    ) -> Result<()> {
        let Some(leaf) = resolver.current().and_then(|shown| shown.cert.first().cloned()) else {
            return Ok(());
        };
        let cluster = lists.first().map_or("CLUSTER", |list| list.release.cluster.as_str());
        let fault = format!(
            "it was revoked or is over, and there is no other: signet trust anchor add {cluster} --own {purpose} \
             --renew, then signet trust publish {cluster}"
        );
        let listing = Listing { fault: Some(fault), waits: None };
        self.identities.note_shown(purpose, &Certificate::from_der(&leaf)?, listing);
        Ok(())
    }

    /// Whether no list holds it, and none is about to.
    async fn is_unused(&self, identity: &OwnIdentity, lists: &[Arc<ListFile>]) -> Result<bool> {
        let anchors = anchor::by_fingerprint(&self.authority.db, &identity.certificate.fingerprint()).await?;
        Ok(anchors.is_empty() && lacking(lists, identity).len() == lists.len())
    }

    async fn listing(
        &self,
        purpose: Purpose,
        (next, shown): (&OwnIdentity, &OwnIdentity),
        lists: &[Arc<ListFile>],
    ) -> Result<Listing> {
        let fault = self.step("phones refuse it that hold the ITL", purpose, lists, shown).await?;
        let waits = if lists.is_empty() {
            match self.unlisted(purpose, next).await? {
                None if purpose == Purpose::Capf => self.elsewhere(next, shown),
                waits => waits,
            }
        } else if next.certificate != shown.certificate {
            match self.step("the next one waits for the ITL", purpose, lists, next).await? {
                None => Some(taken_out(shown, lists)),
                waits => waits,
            }
        } else if self.identities.is_due(&next.certificate) {
            let first = lists.first().map(|list| list.release.cluster.as_str()).unwrap_or_default();
            Some(format!("make the next one: signet trust anchor add {first} --own {purpose} --renew"))
        } else {
            None
        };
        Ok(Listing { fault, waits })
    }

    /// The steps where all lists are made elsewhere: when they hold the next one, only the operator knows.
    fn elsewhere(&self, next: &OwnIdentity, shown: &OwnIdentity) -> Option<String> {
        let serial = shown.certificate.serial();
        if next.certificate != shown.certificate {
            return Some(format!(
                "the next one is shown when this one is revoked, once the lists that are made elsewhere hold both: \
                 signet cert revoke {serial} --reason superseded"
            ));
        }
        let make = "make the next one: signet trust anchor add CLUSTER --own capf-tls --renew (any cluster will do, \
                    and need not be published)";
        self.identities.is_due(&shown.certificate).then(|| make.to_owned())
    }

    /// What is shown stands in no list, though there are some.
    async fn unlisted(&self, purpose: Purpose, shown: &OwnIdentity) -> Result<Option<String>> {
        let is_on = purpose == Purpose::Capf || lock(&self.said.on).contains(&purpose);
        let all = if is_on { self.all_lists().await? } else { Vec::new() };
        self.step("phones refuse it until it stands in the ITL", purpose, &all, shown).await
    }

    /// The clusters that lack it, and what is to be done there; none if all have it.
    async fn step(
        &self,
        what: &str,
        purpose: Purpose,
        lists: &[Arc<ListFile>],
        identity: &OwnIdentity,
    ) -> Result<Option<String>> {
        let clusters = lacking(lists, identity);
        let Some(first) = clusters.first() else { return Ok(None) };
        let named: Vec<&str> = clusters.iter().take(NAMED).map(|cluster| cluster.as_str()).collect();
        let more = if clusters.len() > NAMED { " and others" } else { "" };
        let how = self.how(purpose, first, identity).await?;
        Ok(Some(format!("{what} of {}{more}: {how}", named.join(", "))))
    }

    async fn how(&self, purpose: Purpose, cluster: &ClusterId, identity: &OwnIdentity) -> Result<String> {
        let fingerprint = identity.certificate.fingerprint();
        let anchors = anchor::by_fingerprint(&self.authority.db, &fingerprint).await?;
        let publish = format!("signet trust publish {cluster}");
        Ok(match anchors.iter().any(|anchor| anchor.cluster == *cluster) {
            true => publish,
            false => format!("signet trust anchor add {cluster} --own {purpose}, then {publish}"),
        })
    }
}

/// The last step of a change: phones of the list before know both by now.
fn taken_out(shown: &OwnIdentity, lists: &[Arc<ListFile>]) -> String {
    let first = lists.first().map(|list| list.release.cluster.as_str()).unwrap_or_default();
    let digits = hex(&shown.certificate.fingerprint());
    format!(
        "the next one stands in every ITL and is shown when the one before is taken out, once phones hold those lists: \
         signet trust anchor remove {first} {}, then signet trust publish {first}",
        &digits[..DIGITS]
    )
}
