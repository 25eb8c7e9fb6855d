//! Where files come from, and the note of who took them.

use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::shelf::{ListFile, Shelf, tag};
use super::wanted::{File, Wanted};
use crate::clock::{Clock, Timestamp};
use crate::device::DeviceName;
use crate::device::ledger::{Ledger, Note, Over, What};
use crate::error::{Error, Result};
use crate::id::ClusterId;

/// The largest file that is served.
pub const MOST: u64 = 4 * 1024 * 1024;

/// Everything that devices fetch.
pub struct Depot {
    /// The lists.
    pub shelf: Arc<Shelf>,
    /// Who took what.
    pub ledger: Arc<Ledger>,
    /// Time.
    clock: Clock,
    /// The folder with a folder for each cluster.
    files: PathBuf,
}

/// A file, found for who asked.
#[derive(Clone, Debug)]
pub struct Served {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Its entity tag.
    pub tag: Arc<str>,
    device: Option<DeviceName>,
    what: What,
}

impl Depot {
    /// Lists of `shelf`, and files of `files/<cluster>`; who takes them is noted in `ledger`.
    pub fn new(shelf: Arc<Shelf>, ledger: Arc<Ledger>, clock: Clock, files: PathBuf) -> Self {
        Self { shelf, ledger, clock, files }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The file of that name, as it was asked for; none if there is none for who asks. Errors: `storage`.
    pub async fn find(&self, name: &str) -> Result<Option<Served>> {
        let Some(wanted) = Wanted::parse(name) else { return Ok(None) };
        let Some(cluster) = self.shelf.cluster_of(wanted.device()).await? else { return Ok(None) };
        match wanted {
            Wanted::List { kind, device } => {
                let list = self.shelf.newest(&cluster, kind).await?;
                Ok(list.map(|list| Served::list(&list, device)))
            }
            Wanted::File(file) => self.read(&cluster, file).await,
        }
    }

    /// Notes that a file was taken; a name without a device says nobody.
    pub fn note(&self, served: Served, from: IpAddr, over: Over) {
        metrics::counter!("signet_files_served_total", "over" => over.as_str()).increment(1);
        if let Some(device) = served.device {
            let note = Note::Fetched { what: served.what, from, over };
            self.ledger.note(device, self.clock.now(), note);
        }
    }

    async fn read(&self, cluster: &ClusterId, file: File) -> Result<Option<Served>> {
        let File { name, device } = file;
        // Neither has a separator or begins with a dot.
        let path = self.files.join(cluster.as_str()).join(&name);
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let bytes = read.unwrap_or_else(|e| Err(Error::internal("reading a file was cut off").because(e)))?;
        Ok(bytes.map(|bytes| {
            let tag = tag(&Sha256::digest(&bytes).into());
            Served { bytes: bytes.into(), tag, device, what: What::File(name) }
        }))
    }
}

impl Served {
    fn list(list: &ListFile, device: Option<DeviceName>) -> Self {
        let what = What::List(list.release.clone());
        Self { bytes: Arc::clone(&list.bytes), tag: Arc::clone(&list.tag), device, what }
    }
}

/// A regular file of bounded size; a link is none, wherever it leads. Errors: `storage`.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |e| Error::storage(format!("cannot read {}", path.display())).because(e);
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    if !found.is_file() || found.len() > MOST {
        tracing::warn!(path = %path.display(), "not served: no regular file of at most 4 MiB");
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FETCH-07, FETCH-08.
    #[test]
    fn links_folders_and_large_files_are_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("secret"), b"secret").unwrap();
        std::fs::write(path("a.sgn"), b"signed").unwrap();
        std::os::unix::fs::symlink(path("secret"), path("b.sgn")).unwrap();
        std::fs::create_dir(path("c.sgn")).unwrap();
        std::fs::File::create(path("d.sgn")).unwrap().set_len(MOST + 1).unwrap();
        assert_eq!(read(&path("a.sgn")).unwrap().as_deref(), Some(&b"signed"[..]));
        for name in ["b.sgn", "c.sgn", "d.sgn", "e.sgn", "a.sgn/x.sgn"] {
            assert_eq!(read(&path(name)).unwrap(), None, "{name}");
        }
    }
}
