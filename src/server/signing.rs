//! A folder of configuration files for phones, signed whenever one of them changes, or who signs them, or the
//! certificate that one is encrypted to.
//!
//! In `FROM/<cluster>` lie files that are signed, in `FROM/<cluster>/encrypted` those that only their device is to read;
//! phones are served what comes of them, from `DIR/files/<cluster>`. Nothing is ever deleted but
//! what is encrypted of a file that no longer is: phones ask for that first.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::admin::{FolderState, SignedFolders};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::server::signing::folder::{Folder, Listed};
use crate::server::signing::memory::{Memory, Work};
use crate::trust::file;

mod attempt;
mod batch;
mod folder;
mod memory;

/// How often the folder is looked at. A file is signed when it was the same twice: nobody writes it any more.
pub const PERIOD: Duration = Duration::from_secs(2);
/// So many files are signed in one round, so that a change of the signer, and the end of the server, are soon seen.
const MOST_SIGNED: usize = 2000;
/// So many are looked at.
const MOST: usize = 5000;

/// Signs what lies in the folder.
pub struct Signing {
    authority: Arc<Authority>,
    from: Option<PathBuf>,
    to: PathBuf,
    memories: tokio::sync::Mutex<BTreeMap<ClusterId, Memory>>,
    told: RwLock<Vec<FolderState>>,
}

impl Signing {
    /// From the folder `from`, if there is one, into `to`: both have a folder for each cluster.
    pub fn new(authority: Arc<Authority>, from: Option<PathBuf>, to: PathBuf) -> Self {
        Self { authority, from, to, memories: Default::default(), told: RwLock::default() }
    }

    /// Whether a folder is looked at at all.
    pub fn is_on(&self) -> bool {
        self.from.is_some()
    }

    /// Looks once through the folder and signs what is due; returns how many files were signed. What goes wrong is
    /// logged when it begins, and stands in health.
    pub async fn round(&self) -> usize {
        let Some(from) = &self.from else { return 0 };
        let mut memories = self.memories.lock().await;
        let (mut told, mut signed) = (Vec::new(), 0);
        match folder::clusters(from.clone()).await {
            Ok(folders) => {
                memories.retain(|known, _| folders.iter().any(|folder| folder.name == known.as_str()));
                for folder in folders {
                    let (state, count) = self.one(folder, &mut memories).await;
                    told.push(state);
                    signed += count;
                }
            }
            Err(error) => told.push(broken("", &error)),
        }
        self.log_new_faults(&told);
        *self.told.write().unwrap_or_else(PoisonError::into_inner) = told;
        signed
    }

    async fn one(&self, folder: Folder, memories: &mut BTreeMap<ClusterId, Memory>) -> (FolderState, usize) {
        let cluster: ClusterId = match folder.name.parse() {
            Ok(cluster) => cluster,
            Err(error) => return (broken(&folder.name, &error), 0),
        };
        let memory = memories.entry(cluster.clone()).or_default();
        match self.sign(&cluster, &folder, memory).await {
            Ok(count) => (memory.state(&folder.name), count),
            Err(error) => (broken(&folder.name, &error), 0),
        }
    }

    async fn sign(&self, cluster: &ClusterId, folder: &Folder, memory: &mut Memory) -> Result<usize> {
        let Listed { sources, refused } = folder::sources(folder.path.clone()).await?;
        let by = file::signer(&self.authority, cluster).await?;
        if !by.is_listed {
            // What stands is of one that phones know, as long as they hold the list before.
            let text = format!(
                "phones do not know who would sign: it stands in no ITL of {cluster} yet, and what stands is left; \
                 publish first: signet trust publish {cluster}"
            );
            return Err(Error::conflict("no-file-signer", text));
        }
        let mut due = memory.due(sources, refused, &by, self.authority.clock.now());
        due.truncate(MOST);
        let (mut signed, to) = (0, self.to.join(cluster.as_str()));
        let mut due: Vec<Work> = due.into_iter().rev().collect();
        while !due.is_empty() && signed < MOST_SIGNED {
            let chunk = batch::take(&mut due);
            signed += batch::run(&self.authority, (cluster, &to), &by, chunk, memory).await?;
        }
        Ok(signed)
    }

    /// What is wrong with a folder as a whole is said once.
    fn log_new_faults(&self, told: &[FolderState]) {
        let before = self.told.read().unwrap_or_else(PoisonError::into_inner);
        for FolderState { cluster, fault, .. } in told {
            let was =
                before.iter().find(|state| state.cluster == *cluster).and_then(|state| state.fault.as_ref());
            match fault {
                Some(fault) if was != Some(fault) => {
                    tracing::warn!(cluster, fault, "configuration files are not signed");
                }
                Some(_) | None => {}
            }
        }
    }
}

impl SignedFolders for Signing {
    fn folders(&self) -> Vec<FolderState> {
        self.told.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn broken(cluster: &str, error: &Error) -> FolderState {
    FolderState {
        cluster: cluster.to_owned(),
        fault: Some(error.detail().to_owned()),
        ..FolderState::default()
    }
}
