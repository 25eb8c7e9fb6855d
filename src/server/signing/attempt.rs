//! One file: read, held against what stands, and signed.

use std::path::Path;

use super::folder::{self, Source, blocking};
use super::memory::Work;
use crate::ca::Authority;
use crate::device::configuration;
use crate::error::{Error, Kind, Result};
use crate::trust::file::{self, FileSigner, Made, Plain};
use crate::trust::signed::{ENCRYPTED, MAX_LEN, SIGNED, SignedFile, companion};
use crate::x509::cert::Certificate;

/// What came of it.
pub enum Outcome {
    /// What phones are served is right as it is.
    Stands,
    /// It is being written, or gone: the next round looks again.
    Later,
    /// To be served.
    Made(Vec<Made>),
    /// It cannot be signed.
    Refused(Error),
}

/// A header is smaller than this.
const HEADER: usize = 64 << 10;

/// Looks at one file; with the SHA-256 of the certificate that it is encrypted to.
pub async fn run(
    authority: &Authority,
    to: &Path,
    by: &FileSigner,
    work: &Work,
) -> (Outcome, Option<[u8; 32]>) {
    let source = &work.source;
    let device = match device(authority, source).await {
        Ok(device) => device,
        Err(error) => return (Outcome::Refused(error), None),
    };
    let fingerprint = device.as_ref().map(Certificate::fingerprint);
    if work.unless.is_some() && work.unless == fingerprint {
        return (Outcome::Stands, fingerprint);
    }
    let outcome = signed(authority, to, by, (work, device)).await;
    let refused = |error: Error| {
        if error.kind() == Kind::Busy { Outcome::Later } else { Outcome::Refused(error) }
    };
    (outcome.unwrap_or_else(refused), fingerprint)
}

async fn device(authority: &Authority, source: &Source) -> Result<Option<Certificate>> {
    if !source.encrypt {
        return Ok(None);
    }
    configuration::certificate(&authority.db, authority.clock.now(), &source.name).await.map(Some)
}

async fn signed(
    authority: &Authority,
    to: &Path,
    by: &FileSigner,
    (work, device): (&Work, Option<Certificate>),
) -> Result<Outcome> {
    let source = work.source.clone();
    let Some(content) = blocking(move || folder::read(&source)).await? else { return Ok(Outcome::Later) };
    if work.is_new && stands(to, by, (&work.source, &content), device.as_ref()).await? {
        return Ok(Outcome::Stands);
    }
    if !work.is_settled {
        return Ok(Outcome::Later);
    }
    let plain = Plain { name: work.source.name.clone(), content, device, srst: None };
    file::make(authority, by, plain).await.map(Outcome::Made)
}

/// Whether what phones are served was made of this content, by this signer, for this device.
async fn stands(
    to: &Path,
    by: &FileSigner,
    (source, content): (&Source, &[u8]),
    device: Option<&Certificate>,
) -> Result<bool> {
    let (to, by, source) = (to.to_owned(), by.clone(), source.clone());
    let plain = match device {
        None => content.to_vec(),
        // A configuration that makes none is refused when it is signed.
        Some(device) => match companion(content, device) {
            Ok(companion) => companion,
            Err(_) => return Ok(false),
        },
    };
    blocking(move || {
        let beside = standing(&to, &source, SIGNED, &by).is_some_and(|file| file.content() == Some(&plain));
        let newer = || {
            let path = to.join(format!("{}{ENCRYPTED}", source.name));
            folder::stamp(&path).is_some_and(|made| source.stamp.is_older_than(&made))
        };
        let whole = || match source.encrypt {
            true => newer() && standing(&to, &source, ENCRYPTED, &by).is_some(),
            false => !stale(&to, &source),
        };
        Ok(beside && whole())
    })
    .await
}

/// Whether an encrypted file of before stands beside a plain one: phones ask for that first.
pub fn stale(to: &Path, source: &Source) -> bool {
    let path = to.join(format!("{}{ENCRYPTED}", source.name));
    !source.encrypt && std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir())
}

/// The signed file that stands there, if it is one of that name by that signer.
fn standing(to: &Path, source: &Source, suffix: &str, by: &FileSigner) -> Option<SignedFile> {
    let name = source.name.with(suffix).ok()?;
    let file = SignedFile::parse(&folder::read_served(&to.join(name.as_str()), MAX_LEN + HEADER)?).ok()?;
    let is_it =
        file.file_name() == &name && file.digest() == by.digest && file.verify(&by.certificate).is_ok();
    is_it.then_some(file)
}
