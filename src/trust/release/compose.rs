//! What a list of a cluster is to say: its anchors in their roles.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::trust::list::{Contents, Entry, Heading};
use crate::trust::records::{AnchorRecord, ClusterRecord, ListDigest, ListKind, Member};
use crate::trust::role::Role;
use crate::trust::sign::SignatureDigest;
use crate::trust::tlv::{FileName, SignerVersion};
use crate::x509::cert::Certificate;

/// A list before it is signed.
pub(super) struct Composed {
    /// What it says.
    pub(super) contents: Contents,
    /// Who stands in it.
    pub(super) members: Vec<Member>,
    /// What it says as a hash, whenever it is made.
    pub(super) content: [u8; 32],
}

/// The list of these anchors, made `at` a moment. Errors: `signer-not-in-list` if the signer is no anchor with role
/// sast; `signer-key-not-allowed`; `trust-list-too-large`; `bad-certificate`.
pub(super) fn compose(
    cluster: &ClusterRecord,
    kind: ListKind,
    anchors: &[AnchorRecord],
    at: Timestamp,
) -> Result<Composed> {
    let (mut entries, mut members, mut signer) = (Vec::new(), Vec::new(), None);
    for anchor in anchors {
        let certificate = Arc::new(anchor.read()?);
        if anchor.fingerprint == cluster.signer {
            signer = Some(Arc::clone(&certificate));
        }
        let roles: Vec<Role> = anchor.roles.iter().copied().filter(|role| kind.lists(*role)).collect();
        for role in &roles {
            entries.push(entry(*role, anchor, &certificate)?);
        }
        if !roles.is_empty() {
            members.push(Member { fingerprint: anchor.fingerprint, roles: roles.into_iter().collect() });
        }
    }
    // By role, so that who signs stands first; the anchors themselves are in the order of their fingerprints.
    entries.sort_by_key(|entry| entry.role().code());
    let signer = signer.ok_or_else(|| not_an_anchor(cluster))?;
    let content = content(cluster, kind, &signer, &entries)?;
    let contents = Contents::new(heading(cluster, kind, at)?, signer, entries)?;
    Ok(Composed { contents, members, content })
}

fn entry(role: Role, anchor: &AnchorRecord, certificate: &Arc<Certificate>) -> Result<Entry> {
    let mut entry = Entry::new(role, Arc::clone(certificate));
    if let Some(name) = &anchor.dns_name {
        entry = entry.with_dns_name(name)?;
    }
    Ok(match anchor.address {
        Some(address) => entry.with_address(address),
        None => entry,
    })
}

/// What is signed, as if it were made at the beginning of time: the same anchors make the same list.
fn content(
    cluster: &ClusterRecord,
    kind: ListKind,
    signer: &Arc<Certificate>,
    entries: &[Entry],
) -> Result<[u8; 32]> {
    let heading = heading(cluster, kind, Timestamp::from_secs(0))?;
    let timeless = Contents::new(heading, Arc::clone(signer), entries.to_vec())?;
    Ok(Sha256::digest(timeless.to_be_signed()?.message()).into())
}

fn heading(cluster: &ClusterRecord, kind: ListKind, at: Timestamp) -> Result<Heading> {
    Ok(Heading {
        file_name: FileName::parse(kind.file_name())?,
        timestamp: at,
        digest: match cluster.digest {
            ListDigest::Sha512 => SignatureDigest::Sha512,
            ListDigest::Sha1 => SignatureDigest::Sha1,
        },
        signer_version: cluster.signer_version.map(|version| match version {
            (_, 0) => SignerVersion::V1_0,
            (_, _) => SignerVersion::V1_1,
        }),
    })
}

fn not_an_anchor(cluster: &ClusterRecord) -> Error {
    let text = format!(
        "who is to sign the lists of {0} is no anchor of it any more: signet trust cluster set {0} --signer recovery",
        cluster.id
    );
    Error::conflict("signer-not-in-list", text)
}
