//! Files that are signed at the same time: recorded together before any of them is served.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::task::JoinSet;

use super::attempt::{self, Outcome};
use super::folder::{Source, blocking};
use super::memory::{Memory, Work};
use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::server::files;
use crate::store::Unit;
use crate::trust::file::{FileSigner, Made};
use crate::trust::signed::ENCRYPTED;
use crate::trust::warning::hex;

/// So many files.
const MOST: usize = 64;
/// So many octets of them; one larger file goes alone.
const MOST_OCTETS: u64 = 8 << 20;
/// So many names stand in the audit log, and in a line of the log.
const TOLD: usize = 10;

/// A file that was signed.
struct Ready {
    source: Source,
    device: Option<[u8; 32]>,
    made: Vec<Made>,
    /// Whether it was encrypted before, and is no more.
    is_opened: bool,
}

/// Takes the next ones from the end.
pub fn take(due: &mut Vec<Work>) -> Vec<Work> {
    let (mut taken, mut octets) = (Vec::new(), 0);
    while let Some(work) = due.pop() {
        octets += work.source.stamp.length;
        if !taken.is_empty() && (octets > MOST_OCTETS || taken.len() == MOST) {
            due.push(work);
            return taken;
        }
        taken.push(work);
    }
    taken
}

/// Looks at these files and signs those that are not right; returns how many. Errors: `storage`: they are tried again
/// in the next round.
pub async fn run(
    authority: &Authority,
    (cluster, to): (&ClusterId, &Path),
    by: &FileSigner,
    works: Vec<Work>,
    memory: &mut Memory,
) -> Result<usize> {
    let now = authority.clock.now();
    let mut ready = Vec::new();
    for (source, outcome, device) in attempts(authority, to, by, works).await? {
        match outcome {
            Outcome::Stands => memory.signed(&source, by, device, now),
            Outcome::Later => {}
            Outcome::Made(made) => {
                let is_opened = attempt::stale(to, &source);
                ready.push(Ready { source, device, made, is_opened });
            }
            Outcome::Refused(error) => refuse((cluster, &source), by, &error, (memory, now)),
        }
    }
    if ready.is_empty() {
        return Ok(0);
    }
    let mut unit = Unit::new();
    unit.event(told(cluster, by, &ready, now));
    authority.db.commit(unit).await?;
    let (count, names) = (ready.len(), names(&ready));
    tracing::info!(%cluster, count, names, "signed configuration files that had changed");
    serve((cluster, to), by, ready, (memory, now)).await?;
    Ok(count)
}

/// Puts them where phones are served them.
async fn serve(
    (cluster, to): (&ClusterId, &Path),
    by: &FileSigner,
    ready: Vec<Ready>,
    (memory, now): (&mut Memory, Timestamp),
) -> Result<()> {
    let mut under_way = JoinSet::new();
    for Ready { source, device, made, is_opened } in ready {
        let to = to.to_owned();
        let stale = is_opened.then(|| to.join(format!("{}{ENCRYPTED}", source.name)));
        under_way.spawn(async move { (source, device, write(to, made, stale).await) });
    }
    while let Some(ended) = under_way.join_next().await {
        let (source, device, written) =
            ended.map_err(|e| Error::internal("writing a file was cut off").because(e))?;
        match written {
            Ok(()) => memory.signed(&source, by, device, now),
            Err(error) => refuse((cluster, &source), by, &error, (memory, now)),
        }
    }
    Ok(())
}

fn refuse(
    (cluster, source): (&ClusterId, &Source),
    by: &FileSigner,
    error: &Error,
    (memory, now): (&mut Memory, Timestamp),
) {
    if memory.refused(source, by, error, now) {
        let (file, why) = (&source.name, error.detail());
        tracing::warn!(%cluster, %file, why, "a configuration file cannot be signed");
    }
}

async fn attempts(
    authority: &Authority,
    to: &Path,
    by: &FileSigner,
    works: Vec<Work>,
) -> Result<Vec<(Source, Outcome, Option<[u8; 32]>)>> {
    let mut under_way = JoinSet::new();
    for work in works {
        let (authority, to, by) = (authority.clone(), to.to_owned(), by.clone());
        under_way.spawn(async move {
            let (outcome, device) = attempt::run(&authority, &to, &by, &work).await;
            (work.source, outcome, device)
        });
    }
    let mut done = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        done.push(ended.map_err(|e| Error::internal("signing a file was cut off").because(e))?);
    }
    done.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(done)
}

/// What belongs together one after the other, each whole or not at all: the encrypted one before the one that says by which key;
/// then the one goes that was encrypted before.
async fn write(to: PathBuf, made: Vec<Made>, stale: Option<PathBuf>) -> Result<()> {
    blocking(move || {
        std::fs::create_dir_all(&to)
            .map_err(|e| Error::storage(format!("cannot make {}", to.display())).because(e))?;
        made.iter()
            .try_for_each(|file| files::write(&to.join(file.name.as_str()), &file.content, files::PUBLIC))?;
        stale.map_or(Ok(()), |stale| remove(&to, &stale))
    })
    .await
}

fn remove(folder: &Path, stale: &Path) -> Result<()> {
    match std::fs::remove_file(stale).and_then(|()| files::sync_folder(folder)) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(Error::storage(format!("cannot remove {}", stale.display())).because(e))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn told(cluster: &ClusterId, by: &FileSigner, ready: &[Ready], now: Timestamp) -> Event {
    let opened = ready.iter().filter(|ready| ready.is_opened);
    let removed: Vec<String> =
        opened.take(TOLD).map(|ready| format!("{}{ENCRYPTED}", ready.source.name)).collect();
    let event = Event::new(now, Actor::System, "file.sign", format!("cluster:{cluster}"))
        .with("signer", hex(&by.certificate.fingerprint()))
        .with("count", ready.iter().map(|ready| ready.made.len()).sum::<usize>())
        .with("names", names(ready));
    if removed.is_empty() { event } else { event.with("removed", removed.join(" ")) }
}

fn names(ready: &[Ready]) -> String {
    let made = ready.iter().flat_map(|ready| &ready.made);
    made.take(TOLD).map(|file| file.name.as_str()).collect::<Vec<_>>().join(" ")
}
