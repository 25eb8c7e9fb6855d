//! Which files of a folder changed since they were sent.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// By what a change is seen: when it was written, its size, and which file it is.
type Stamp = (i64, i64, u64, u64);

/// What was seen of each file.
pub struct Changes {
    seen: HashMap<PathBuf, Seen>,
    /// Whether files are taken as they are: nobody looks a second time.
    at_once: bool,
    /// Whether nothing was looked at yet.
    is_first: bool,
}

struct Seen {
    stamp: Option<Stamp>,
    is_sent: bool,
}

impl Changes {
    /// Nothing was seen yet. What changes later is taken when it was the same twice, for it is being written before,
    /// unless `at_once`.
    pub fn new(at_once: bool) -> Self {
        Self { seen: HashMap::new(), at_once, is_first: true }
    }

    /// Those of these files that are to be sent; what is gone is forgotten.
    pub fn due(&mut self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        let is_first = std::mem::take(&mut self.is_first);
        let mut before = std::mem::take(&mut self.seen);
        let mut due = Vec::new();
        for file in files {
            let stamp = stamp(&file);
            let (is_same, was_sent) =
                before.remove(&file).map_or((false, false), |seen| (seen.stamp == stamp, seen.is_sent));
            let is_due = !(is_same && was_sent) && (is_same || is_first || self.at_once);
            self.seen.insert(file.clone(), Seen { stamp, is_sent: is_due || (is_same && was_sent) });
            if is_due {
                due.push(file);
            }
        }
        due
    }

    /// These were not sent after all.
    pub fn forget(&mut self, files: &[PathBuf]) {
        for file in files {
            if let Some(seen) = self.seen.get_mut(file) {
                seen.is_sent = false;
            }
        }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_at_first_and_then_when_it_changed_and_came_to_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (a, b) = (path("a"), path("b"));
        std::fs::write(&a, "a").unwrap();
        let mut changes = Changes::new(false);
        let alone = vec![a.clone()];
        assert_eq!(changes.due(alone.clone()), alone);
        assert!(changes.due(alone).is_empty());
        std::fs::write(&a, "longer").unwrap();
        std::fs::write(&b, "b").unwrap();
        let both = vec![a.clone(), b.clone()];
        assert!(changes.due(both.clone()).is_empty(), "somebody may still write them");
        assert_eq!(changes.due(both.clone()), both);
        assert!(changes.due(both.clone()).is_empty());
        changes.forget(std::slice::from_ref(&b));
        assert_eq!(changes.due(both), [b]);
    }

    #[test]
    fn what_comes_into_an_empty_folder_may_still_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::new(false);
        assert!(changes.due(Vec::new()).is_empty());
        let late = vec![folder.path().join("late")];
        std::fs::write(&late[0], "half").unwrap();
        assert!(changes.due(late.clone()).is_empty());
        assert_eq!(changes.due(late.clone()), late);
    }
}
