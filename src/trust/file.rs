//! Configuration files for the phones of a cluster: signed, and encrypted where a device's certificate is known.

use std::sync::Arc;

use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::keys::Signer;
use crate::random::Random;
use crate::trust::records::{AnchorRecord, ListDigest, ListKind, ReleaseRecord};
use crate::trust::sign::SignatureDigest;
use crate::trust::signed::{self, By, ContentKey};
use crate::trust::standing::{self, Standing};
use crate::trust::tlv::FileName;
use crate::trust::{anchor, cluster, release};
use crate::x509::cert::Certificate;
use crate::x509::key::KeyKind;

/// Who signs the files of a cluster.
#[derive(Clone, Debug)]
pub struct FileSigner {
    /// The certificate, which stands in the list that phones hold.
    pub certificate: Arc<Certificate>,
    /// The digest of its signatures.
    pub digest: SignatureDigest,
    /// Whether phones know it: the current ITL holds it, or there is none that was made here.
    pub is_listed: bool,
    signer: Arc<dyn Signer>,
}

/// A file to be signed.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Its name without `.sgn`.
    pub name: FileName,
    /// Its content.
    pub content: Vec<u8>,
    /// The certificate of the device that alone is to read it.
    pub device: Option<Certificate>,
    /// The certificate of an SRST gateway that is put into it, and into which element of `srstInfo`.
    pub srst: Option<(Arc<Certificate>, String)>,
}

/// A file as phones take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name, with `.sgn` or `.enc.sgn`.
    pub name: FileName,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Who signs the files of a cluster: an anchor with role tftp or ccm+tftp whose key is here, in date and not revoked.
/// Of those that the current ITL holds the oldest, which phones of the list before know too; the newest if it holds none.
/// Errors: `not-found`; `no-file-signer`; `key-not-present`; `storage`.
pub async fn signer(authority: &Authority, id: &ClusterId) -> Result<FileSigner> {
    let db = &authority.db;
    let record = cluster::require(db, id).await?.value;
    let current = release::current(db, id, ListKind::Itl).await?;
    let anchors = anchor::of(db, id).await?;
    let able = able(authority, &anchors).await?;
    let known = able.iter().filter(|anchor| is_known(current.as_ref(), anchor));
    // Those of a new cluster were added at one moment.
    let began = |anchor: &AnchorRecord| anchor.read().map(|certificate| certificate.not_before()).ok();
    let oldest = known.min_by_key(|anchor| (anchor.added, began(anchor)));
    let chosen = oldest.or_else(|| able.iter().max_by_key(|anchor| anchor.added)).copied();
    let Some((anchor, key)) = chosen.and_then(|anchor| Some((anchor, anchor.source.key()?))) else {
        let text = format!(
            "no anchor of {id} that signs files (tftp or ccm+tftp) is valid and has its key here: signet trust anchor \
             add {id} --own tftp, then signet trust publish {id}"
        );
        return Err(Error::conflict("no-file-signer", text));
    };
    let digest = match record.digest {
        ListDigest::Sha512 => SignatureDigest::Sha512,
        ListDigest::Sha1 => SignatureDigest::Sha1,
    };
    let is_listed = current.is_none() || oldest.is_some();
    let (certificate, signer) = (Arc::new(anchor.read()?), authority.keys.signer(key)?);
    Ok(FileSigner { certificate, digest, is_listed, signer })
}

/// Signs a file; with a device's certificate it is encrypted too, and the plain file beside it says by which key.
/// Errors: `bad-phone-configuration`, `bad-element-name`, `bad-file-name`, `device-key-not-rsa`, `signed-file-too-large`,
/// `signer-key-not-allowed`, `digest-not-supported`, `busy`, and those of the signer.
pub async fn make(authority: &Authority, by: &FileSigner, plain: Plain) -> Result<Vec<Made>> {
    let (random, now) = (authority.random.clone(), authority.clock.now());
    let (key, by) = (Arc::clone(&by.signer), by.clone());
    authority.run_with(&*key, move || by.make(plain, &random, now)).await?
}

impl FileSigner {
    fn make(&self, plain: Plain, random: &Random, at: Timestamp) -> Result<Vec<Made>> {
        let Plain { name, content, device, srst } = plain;
        let by = By { signer: &self.certificate, digest: self.digest, at };
        let content = match srst {
            Some((gateway, element)) => signed::insert_srst(&content, &gateway, &element)?,
            None => content,
        };
        let Some(device) = device else {
            return Ok(vec![self.sign(&name, signed::SIGNED, signed::sign(&name, &content, by)?)?]);
        };
        let key = ContentKey::for_device(&device, random)?;
        let encrypted = signed::encrypt(&name, &content, &key, by)?;
        let companion = signed::companion(&content, &device)?;
        Ok(vec![
            self.sign(&name, signed::ENCRYPTED, encrypted)?,
            self.sign(&name, signed::SIGNED, signed::sign(&name, &companion, by)?)?,
        ])
    }

    fn sign(&self, name: &FileName, suffix: &str, draft: crate::trust::tlv::ToBeSigned) -> Result<Made> {
        Ok(Made { name: name.with(suffix)?, content: draft.sign(&*self.signer)? })
    }
}

async fn able<'a>(authority: &Authority, anchors: &'a [AnchorRecord]) -> Result<Vec<&'a AnchorRecord>> {
    let mut found = Vec::new();
    for anchor in anchors.iter().filter(|anchor| anchor.source.key().is_some() && signs_files(anchor)) {
        let certificate = anchor.read()?;
        if has_code(&certificate) && standing::of(authority, &certificate).await? == Standing::Valid {
            found.push(anchor);
        }
    }
    Ok(found)
}

/// Whether a signed file has a code for its key: an elliptic curve stands in lists with role TFTP for HTTPS alone.
fn has_code(certificate: &Certificate) -> bool {
    certificate.public_key().is_ok_and(|key| matches!(key.kind(), KeyKind::Rsa(2048 | 4096)))
}

fn signs_files(anchor: &AnchorRecord) -> bool {
    anchor.roles.iter().any(|role| role.signs_files())
}

/// Whether phones that hold this list take files that it signs.
fn is_known(current: Option<&ReleaseRecord>, anchor: &AnchorRecord) -> bool {
    let members = current.into_iter().flat_map(|release| &release.members);
    let mut same = members.filter(|member| member.fingerprint == anchor.fingerprint);
    same.any(|member| member.roles.iter().any(|role| role.signs_files()))
}
