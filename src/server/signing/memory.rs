//! What was done with each file, as long as the process lives: a start looks at what stands, and signs what does not.

use std::collections::BTreeMap;
use std::time::Duration;

use super::folder::{Source, Stamp};
use crate::admin::FolderState;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::trust::file::FileSigner;
use crate::trust::sign::SignatureDigest;
use crate::trust::tlv::FileName;

/// How soon a file that was refused is tried again, and a device's certificate is looked at again.
const AGAIN: Duration = Duration::from_secs(30);
/// So many refusals are logged in one round.
const LOGGED: usize = 10;

/// Who signs, and how: another one, and every file is signed again.
type By = ([u8; 32], SignatureDigest);

/// What is known of a cluster's files.
#[derive(Default)]
pub struct Memory {
    files: BTreeMap<(FileName, bool), Known>,
    /// Of names that no file may have.
    refused: BTreeMap<String, String>,
}

struct Known {
    /// As it was seen last.
    seen: Stamp,
    done: Option<Done>,
}

impl Known {
    /// Whether nothing was done yet with the state that was seen last.
    fn is_unsettled(&self) -> bool {
        self.done.as_ref().is_none_or(|done| done.stamp != self.seen)
    }
}

/// What was done with a state of a file.
#[derive(Clone, Debug)]
pub struct Done {
    stamp: Stamp,
    by: By,
    /// SHA-256 of the certificate that it was encrypted to.
    pub device: Option<[u8; 32]>,
    /// Why it was not signed.
    refused: Option<String>,
    at: Timestamp,
}

/// A file to be looked at.
#[derive(Debug)]
pub struct Work {
    /// Which.
    pub source: Source,
    /// Whether it was the same when it was looked at before.
    pub is_settled: bool,
    /// Whether nothing was done with it in this process: what stands may be right.
    pub is_new: bool,
    /// It is due only if its device has another certificate than this.
    pub unless: Option<[u8; 32]>,
}

impl Memory {
    /// What is due of the files that there are, what changed before what is only looked at, and of that the longest
    /// unseen first. Those that are gone are forgotten.
    pub fn due(
        &mut self,
        sources: Vec<Source>,
        refused: Vec<(String, Error)>,
        by: &FileSigner,
        now: Timestamp,
    ) -> Vec<Work> {
        self.refuse_names(refused);
        let by = mark(by);
        let mut before = std::mem::take(&mut self.files);
        let mut due = Vec::new();
        for source in sources {
            let key = (source.name.clone(), source.encrypt);
            let known = before.remove(&key);
            let is_settled = known.as_ref().is_some_and(|known| known.seen == source.stamp);
            let done = known.and_then(|known| known.done);
            let wanted = wanted(done.as_ref(), &source, &by, now);
            let (is_new, since) = (done.is_none(), done.as_ref().map(|done| done.at));
            self.files.insert(key, Known { seen: source.stamp, done });
            if let Some(unless) = wanted {
                due.push((since, Work { source, is_settled, is_new, unless }));
            }
        }
        due.sort_by_key(|(since, work)| (work.unless.is_some(), *since));
        due.into_iter().map(|(_, work)| work).collect()
    }

    /// Notes that a file stands signed, for a device if it is encrypted.
    pub fn signed(&mut self, source: &Source, by: &FileSigner, device: Option<[u8; 32]>, at: Timestamp) {
        self.note(source, Done { stamp: source.stamp, by: mark(by), device, refused: None, at });
    }

    /// Notes that a file cannot be signed; says whether that is new.
    pub fn refused(&mut self, source: &Source, by: &FileSigner, error: &Error, at: Timestamp) -> bool {
        let why = error.detail().to_owned();
        let key = (source.name.clone(), source.encrypt);
        let before = self.files.get(&key).and_then(|known| known.done.as_ref());
        let is_new = before.is_none_or(|done| done.refused.as_ref() != Some(&why));
        let done = Done { stamp: source.stamp, by: mark(by), device: None, refused: Some(why), at };
        self.note(source, done);
        is_new
    }

    /// How the cluster's files stand.
    pub fn state(&self, cluster: &str) -> FolderState {
        let done = || self.files.iter().filter_map(|(key, known)| Some((key, known.done.as_ref()?)));
        let why = |((name, _), done): (&(FileName, bool), &Done)| {
            done.refused.as_ref().map(|why| (name.to_string(), why.clone()))
        };
        let of_names = self.refused.iter().map(|(name, why)| (name.clone(), why.clone()));
        let refused: Vec<(String, String)> = done().filter_map(why).chain(of_names).collect();
        FolderState {
            cluster: cluster.to_owned(),
            signed: done().filter(|(_, done)| done.refused.is_none()).count(),
            unsettled: self.files.values().filter(|known| known.is_unsettled()).count(),
            refused: refused.len(),
            first: refused.into_iter().next().map(|(name, why)| format!("{name}: {why}")),
            fault: None,
        }
    }

    fn note(&mut self, source: &Source, done: Done) {
        let key = (source.name.clone(), source.encrypt);
        self.files.insert(key, Known { seen: source.stamp, done: Some(done) });
    }

    fn refuse_names(&mut self, refused: Vec<(String, Error)>) {
        let now: BTreeMap<String, String> =
            refused.into_iter().map(|(name, error)| (name, error.detail().to_owned())).collect();
        for (name, why) in now.iter().filter(|(name, why)| self.refused.get(*name) != Some(why)).take(LOGGED)
        {
            tracing::warn!(file = %name.escape_debug(), why, "a configuration file cannot be signed");
        }
        self.refused = now;
    }
}

/// Whether a file is due; inside, the device's certificate that would still do.
fn wanted(done: Option<&Done>, source: &Source, by: &By, now: Timestamp) -> Option<Option<[u8; 32]>> {
    let Some(done) = done.filter(|done| done.stamp == source.stamp && done.by == *by) else {
        return Some(None);
    };
    let is_time = now >= done.at.plus(AGAIN);
    match &done.refused {
        Some(_) => is_time.then_some(None),
        None => (source.encrypt && is_time).then_some(done.device),
    }
}

fn mark(by: &FileSigner) -> By {
    (by.certificate.fingerprint(), by.digest)
}
