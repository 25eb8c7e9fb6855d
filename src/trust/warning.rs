//! What a list would bring about that an operator should know before phones get it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ClusterId;
use crate::store::Db;
use crate::trust::records::{AnchorRecord, ClusterRecord, ListKind, ReleaseRecord};
use crate::trust::role::Role;
use crate::trust::{cluster, release};

/// Something that is allowed and seldom wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable, for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

/// What the next lists of a cluster would bring about with these anchors. Errors: `storage`, `not-found`.
pub async fn of(db: &Db, id: &ClusterId, anchors: &[AnchorRecord]) -> Result<Vec<Warning>> {
    let cluster = cluster::require(db, id).await?.value;
    let mut found = Vec::new();
    for kind in release::kinds(&cluster) {
        if let Some(last) = release::current(db, id, kind).await? {
            found.extend(locked_out(&cluster, anchors, &last));
        }
    }
    Ok(found)
}

/// What stands in the anchors themselves: what has expired, and what phones would miss.
pub fn of_anchors(anchors: &[AnchorRecord], now: Timestamp) -> Vec<Warning> {
    let mut found = Vec::new();
    for anchor in anchors {
        let Ok(certificate) = anchor.read() else { continue };
        if certificate.not_after() < now {
            let (subject, end) = (certificate.subject(), certificate.not_after());
            let text = format!("{subject} expired at {end}: phones refuse what it signs or shows");
            found.push(Warning { code: "anchor-expired", text });
        }
    }
    if !anchors.iter().any(|anchor| anchor.roles.iter().any(|role| role.signs_files())) {
        let text =
            "no anchor signs configuration files (tftp or ccm+tftp): phones would take none".to_owned();
        found.push(Warning { code: "no-file-signer", text });
    }
    found
}

/// Whether phones that hold `last` could follow to a list of these anchors: they know the signer, or a TVS that they
/// know answers for it.
pub(in crate::trust) fn locked_out(
    cluster: &ClusterRecord,
    anchors: &[AnchorRecord],
    last: &ReleaseRecord,
) -> Option<Warning> {
    let known: BTreeSet<_> = last.with_role(Role::Sast).map(|member| member.fingerprint).collect();
    if known.contains(&cluster.signer) {
        return None;
    }
    let answers = |fingerprint: &[u8; 32]| {
        anchors.iter().any(|anchor| anchor.is(Role::Tvs) && anchor.fingerprint == *fingerprint)
    };
    // Only an ITL names who answers; a CTL's phones ask by the ITL that they hold beside it.
    if last.kind == ListKind::Itl && last.with_role(Role::Tvs).any(|member| answers(&member.fingerprint)) {
        return None;
    }
    let text = format!(
        "phones that hold {} {} of {} know neither the new signer ({}…) nor a TVS that could vouch for it: they \
         would refuse every list from now on, until each is reset by hand. Publish a list with the new signer in it \
         first, signed by the one before",
        last.kind,
        last.number,
        last.cluster,
        &hex(&cluster.signer)[..16],
    );
    Some(Warning { code: "phones-locked-out", text })
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
