//! What a list would bring about that an operator should know before phones get it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::ca::Authority;
use crate::error::Result;
use crate::id::ClusterId;
use crate::trust::records::{AnchorRecord, ClusterRecord, ListKind, ReleaseRecord};
use crate::trust::role::Role;
use crate::trust::standing::{self, Standing};
use crate::trust::{cluster, release};
use crate::x509::key::KeyKind;

/// Something that is allowed and seldom wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable, for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

/// What the next lists of a cluster would bring about with these anchors. Errors: `storage`, `not-found`.
pub async fn of(authority: &Authority, id: &ClusterId, anchors: &[AnchorRecord]) -> Result<Vec<Warning>> {
    let db = &authority.db;
    let cluster = cluster::require(db, id).await?.value;
    let mut found: Vec<_> = without_curve(&cluster, anchors).into_iter().collect();
    for kind in release::kinds(&cluster) {
        if let Some(last) = release::current(db, id, kind).await? {
            found.extend(locked_out(authority, &cluster, anchors, &last).await?);
        }
    }
    Ok(found)
}

/// What stands in the anchors themselves: what has expired or was revoked, and what phones would miss.
/// Errors: `storage`.
pub async fn of_anchors(authority: &Authority, anchors: &[AnchorRecord]) -> Result<Vec<Warning>> {
    let now = authority.clock.now();
    let mut found = Vec::new();
    for anchor in anchors {
        let Ok(certificate) = anchor.read() else { continue };
        if certificate.not_after() < now {
            let (subject, end) = (certificate.subject(), certificate.not_after());
            let text = format!("{subject} expired at {end}: phones refuse what it signs or shows");
            found.push(Warning { code: "anchor-expired", text });
        }
        if standing::of(authority, &certificate).await? == Standing::Revoked {
            let text = format!(
                "{} was revoked: it signs and shows nothing any more; take it out of the lists",
                certificate.subject()
            );
            found.push(Warning { code: "anchor-revoked", text });
        }
    }
    let signs_files =
        |anchor: &AnchorRecord| anchor.roles.iter().any(|role| role.signs_files()) && !is_curve(anchor);
    if !anchors.iter().any(signs_files) {
        let text =
            "no anchor signs configuration files (tftp or ccm+tftp): phones would take none".to_owned();
        found.push(Warning { code: "no-file-signer", text });
    }
    Ok(found)
}

/// With signer version 1.1 phones first try HTTPS on 6971, and want a certificate for an elliptic curve with role TFTP
/// there.
pub(in crate::trust) fn without_curve(cluster: &ClusterRecord, anchors: &[AnchorRecord]) -> Option<Warning> {
    let wants = cluster.signer_version.is_some_and(|(major, minor)| (major, minor) > (1, 0));
    if !wants || anchors.iter().any(|anchor| anchor.is(Role::Tftp) && is_curve(anchor)) {
        return None;
    }
    let text = format!(
        "the lists of {0} say signer version 1.1: phones then want a certificate for an elliptic curve with role tftp \
         over HTTPS, and no anchor is one: signet trust anchor add {0} --own tftp-ec",
        cluster.id
    );
    Some(Warning { code: "no-ec-file-server", text })
}

/// Whether phones that hold `last` could follow to a list of these anchors: they know the signer, or a TVS that they
/// know, and that is still valid, answers for it. Errors: `storage`.
pub(in crate::trust) async fn locked_out(
    authority: &Authority,
    cluster: &ClusterRecord,
    anchors: &[AnchorRecord],
    last: &ReleaseRecord,
) -> Result<Option<Warning>> {
    let known: BTreeSet<_> = last.with_role(Role::Sast).map(|member| member.fingerprint).collect();
    if known.contains(&cluster.signer) {
        return Ok(None);
    }
    // Only an ITL names who answers; a CTL's phones ask by the ITL that they hold beside it.
    if last.kind == ListKind::Itl && is_answered(authority, anchors, last).await? {
        return Ok(None);
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
    Ok(Some(Warning { code: "phones-locked-out", text }))
}

async fn is_answered(authority: &Authority, anchors: &[AnchorRecord], last: &ReleaseRecord) -> Result<bool> {
    let known: BTreeSet<_> = last.with_role(Role::Tvs).map(|member| member.fingerprint).collect();
    for anchor in anchors.iter().filter(|a| a.is(Role::Tvs) && known.contains(&a.fingerprint)) {
        if standing::of(authority, &anchor.read()?).await? == Standing::Valid {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether its key is one that signs neither lists nor files.
fn is_curve(anchor: &AnchorRecord) -> bool {
    let kind = anchor.read().and_then(|certificate| Ok(certificate.public_key()?.kind()));
    matches!(kind, Ok(KeyKind::P256 | KeyKind::P384 | KeyKind::P521))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
