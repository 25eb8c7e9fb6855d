//! `init` and `restore`: a new CA or one of a backup, built out of sight in `DIR/.init` and put in place at once. A broken-off attempt
//! leaves nothing that counts, and the next one starts afresh.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::server::files;
use crate::server::layout::Layout;
use crate::server::lock::FolderLock;

mod build;
mod moved;

pub use build::{Algorithms, NewAuthority, Places, build, tls_root};

/// What may stand in a data folder before there is a CA.
const BEFORE: &[&str] = &["lock", "security-password", "signet.toml", ".init", "lost+found"];
/// What `init` puts in place, in this order; the keys, last, make it a CA.
const PIECES: &[&str] =
    &["policies", "store", "store.marker", "tls-ca.pem", "admin.token", "audit", "signet.toml", "keys"];

/// A data folder that is ready for `init` or `restore`, locked.
#[derive(Debug)]
pub struct Site<'a> {
    layout: &'a Layout,
    made: bool,
    lock: FolderLock,
}

impl<'a> Site<'a> {
    /// Makes the folder (0700) if it is not there, and locks it. Errors: `already-initialised`;
    /// `already-running`; `folder-in-use` if it holds something else; `storage`.
    pub fn prepare(layout: &'a Layout) -> Result<Self> {
        let dir = layout.dir();
        let made = !dir.exists();
        if made {
            let failed = |e| Error::storage(format!("cannot make {}", dir.display())).because(e);
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        } else {
            // Before the lock's file is put into a folder that is not ours.
            refuse_unfit(layout)?;
        }
        let lock = FolderLock::take(layout)?;
        refuse_unfit(layout)?;
        Ok(Self { layout, made, lock })
    }

    /// An empty `DIR/.init` to build in. What a broken-off attempt had put in place goes, as far as its list proves
    /// it: without its keys it never was a CA.
    pub fn clear(&self) -> Result<Layout> {
        let building = self.layout.building();
        let cleared = || -> std::io::Result<()> {
            if building.exists() {
                for piece in moved::ours(self.layout)? {
                    remove(&self.layout.dir().join(piece))?;
                }
                files::sync_folder(self.layout.dir())?;
                fs::remove_dir_all(&building)?;
            }
            DirBuilder::new().mode(0o700).create(&building)
        };
        cleared().map_err(|e| Error::storage(format!("cannot prepare {}", building.display())).because(e))?;
        Ok(Layout::new(building))
    }

    /// Puts what was built in place, durably. The folder stays locked as long as the returned value lives.
    pub fn finish(self) -> Result<FolderLock> {
        let (dir, building) = (self.layout.dir(), self.layout.building());
        let finish = || -> std::io::Result<()> {
            moved::note(self.layout)?;
            for piece in PIECES {
                let (from, to) = (building.join(piece), dir.join(piece));
                if from.exists() {
                    fs::rename(from, to)?;
                }
            }
            files::sync_folder(dir)?;
            fs::remove_dir_all(&building)?;
            files::sync_folder(dir)?;
            files::sync_folder(dir.canonicalize()?.parent().unwrap_or(Path::new("/")))
        };
        finish().map_err(|e| {
            Error::storage(format!("cannot put the new CA into {}", dir.display())).because(e)
        })?;
        Ok(self.lock)
    }

    /// Leaves the folder as it was found.
    pub fn abandon(self) {
        // The failure that led here is what the user must see, not one of cleaning up.
        let _ = remove(&self.layout.building());
        if self.made {
            let _ = fs::remove_dir_all(self.layout.dir());
        }
    }
}

/// Removes what a start or an `init` that was broken off at its very end left beside a whole CA. Errors: `storage`.
pub fn forget_building(layout: &Layout) -> Result<()> {
    let building = layout.building();
    if !layout.is_initialised() {
        return Ok(());
    }
    remove(&building).map_err(|e| Error::storage(format!("cannot remove {}", building.display())).because(e))
}

fn refuse_unfit(layout: &Layout) -> Result<()> {
    if layout.is_initialised() {
        return Err(Error::conflict(
            "already-initialised",
            format!("there is a CA in {} already; serve it: signet serve --data {0}", layout.dir().display()),
        ));
    }
    let failed = |e| Error::storage(format!("cannot read {}", layout.dir().display())).because(e);
    let ours = moved::ours(layout).map_err(failed)?;
    for entry in fs::read_dir(layout.dir()).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !BEFORE.contains(&name.as_str()) && !ours.contains(&name.as_str()) {
            let text = format!(
                "{} holds {name} but no CA: name an empty folder, or restore the one that is missing its keys",
                layout.dir().display()
            );
            return Err(Error::conflict("folder-in-use", text));
        }
    }
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broken_off_attempt_left_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().join("new/data"));
        let site = Site::prepare(&layout).unwrap();
        let building = site.clear().unwrap();
        fs::create_dir(building.store()).unwrap();
        moved::note(&layout).unwrap();
        fs::rename(building.store(), layout.store()).unwrap();
        assert_eq!(Site::prepare(&layout).unwrap_err().code(), "already-running");
        drop(site);

        let site = Site::prepare(&layout).unwrap();
        let building = site.clear().unwrap();
        assert!(!layout.store().exists());
        fs::create_dir(building.keys()).unwrap();
        fs::write(building.admin_token(), "token").unwrap();
        site.finish().unwrap();
        assert!(layout.is_initialised() && layout.admin_token().exists() && !layout.building().exists());
        assert_eq!(Site::prepare(&layout).unwrap_err().code(), "already-initialised");
    }

    #[test]
    fn a_store_that_was_put_back_beside_a_leftover_is_never_removed() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path());
        let building = Site::prepare(&layout).unwrap().clear().unwrap();
        fs::create_dir(building.store()).unwrap();
        fs::create_dir(layout.store()).unwrap();
        fs::write(layout.store().join("live"), "").unwrap();
        fs::write(home.path().join("store.marker"), "").unwrap();
        assert_eq!(Site::prepare(&layout).unwrap_err().code(), "folder-in-use", "no list");
        moved::note(&layout).unwrap();
        assert_eq!(
            Site::prepare(&layout).unwrap_err().code(),
            "folder-in-use",
            "another than the list names"
        );
        assert!(layout.store().join("live").exists());

        fs::create_dir(layout.keys()).unwrap();
        forget_building(&layout).unwrap();
        assert!(!building.dir().exists() && layout.store().join("live").exists());
    }

    #[test]
    fn a_folder_with_something_else_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.tex"), "").unwrap();
        let layout = Layout::new(home.path());
        assert_eq!(Site::prepare(&layout).unwrap_err().code(), "folder-in-use");
        fs::rename(home.path().join("thesis.tex"), home.path().join("store.marker")).unwrap();
        assert_eq!(Site::prepare(&layout).unwrap_err().code(), "folder-in-use", "a store that lost its keys");
    }

    #[test]
    fn an_abandoned_attempt_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().join("data"));
        let site = Site::prepare(&layout).unwrap();
        site.clear().unwrap();
        site.abandon();
        assert!(!layout.dir().exists());
    }
}
