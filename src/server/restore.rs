//! Restoring a backup into a data folder that is being built: the files, the store in any engine, and what must not come
//! alive again.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::audit::{Actor, Event};
use crate::ca::recover::{Jumped, Taken};
use crate::clock::Timestamp;
use crate::device::spend;
use crate::enrol::challenge;
use crate::error::{Error, Result};
use crate::keys::software::archive;
use crate::server::backup::Verified;
use crate::server::backup::content::{Entry, Reader, SafePath};
use crate::server::files;
use crate::server::layout::Layout;
use crate::server::settings::Given;
use crate::storage::EngineKind;
use crate::storage::load::Load;
use crate::store::{Db, Unit};

/// Unpacks a backup below `building`, an empty folder: nothing of it counts until the folder is put in place. Blocking.
/// Errors: as [`crate::server::backup::verify`]; `storage`.
pub fn unpack(source: impl Read, password: &str, building: &Layout, engine: EngineKind) -> Result<Verified> {
    let archive = archive::open(source, password)?;
    let mut folder = Folder { root: building.dir(), written: HashSet::new() };
    folder.write("keys", archive::VAULT_FILE, archive.vault())?;
    let (mut reader, begin) = Reader::begin(archive)?;
    let mut load = Load::into_new(building.dir(), engine)?;
    loop {
        let path = match reader.entry()? {
            Entry::File(path) => path,
            Entry::Row(part, key, value) => {
                load.row(part, key, value)?;
                continue;
            }
            Entry::End(end) => {
                folder.sync()?;
                return Ok(Verified { begin, end, report: load.finish()? });
            }
        };
        let mut file = folder.create(&path)?;
        reader.file(&mut file)?;
        file.sync_all().map_err(|e| cannot(&path.below(building.dir()), e))?;
    }
}

/// Brings the settings in line with where their things stand now. Returns the folder that the policies were in, if it was
/// another than the data folder's own. Errors: `bad-settings`, `storage`.
pub fn adjust_settings(building: &Layout, engine: EngineKind) -> Result<Option<std::path::PathBuf>> {
    let mut settings = Given::read(building)?;
    let policies = settings.policies.take();
    let engine = engine.to_string();
    if policies.is_some() || settings.store.as_deref().unwrap_or("redb") != engine {
        settings.store = Some(engine);
        settings.write(&building.settings())?;
    }
    Ok(policies)
}

/// What a restore did, for its audit event.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// CRLs that were taken over.
    pub taken: Vec<Taken>,
    /// CRLs whose numbers jumped.
    pub jumped: Vec<Jumped>,
    /// Challenges that were ended.
    pub challenges: usize,
    /// Operations of devices that waited for an authentication string, and were ended.
    pub device_strings: usize,
}

/// Ends what was not used up at the backup, unless it is kept, and records the restore. Errors: `storage`.
pub async fn settle(
    db: &Db,
    now: Timestamp,
    unpacked: &Verified,
    keep_challenges: bool,
    mut outcome: Outcome,
) -> Result<Outcome> {
    if !keep_challenges {
        outcome.challenges = challenge::expire_all(db, now).await?;
        outcome.device_strings = spend::end_strings(db, now).await?;
    }
    let mut event = Event::new(now, Actor::System, "store.restore", "store:all")
        .with("made", &unpacked.begin.made)
        .with("made-by", &unpacked.begin.signet)
        .with("audit-entries", unpacked.begin.audit_entries)
        .with("records", unpacked.end.records)
        .with("findings", unpacked.report.findings.len())
        .with("challenges-ended", outcome.challenges)
        .with("device-strings-ended", outcome.device_strings);
    for taken in &outcome.taken {
        event =
            event.with(&format!("crl {}", taken.ca), format!("above {}, {} new", taken.number, taken.new));
    }
    for jumped in &outcome.jumped {
        event = event.with(&format!("crl {}", jumped.ca), format!("jumped above {}", jumped.number));
    }
    let mut unit = Unit::new();
    unit.event(event);
    db.commit(unit).await?;
    Ok(outcome)
}

/// The folder that is written into.
struct Folder<'a> {
    root: &'a Path,
    written: HashSet<std::path::PathBuf>,
}

impl Folder<'_> {
    /// A new file, and the folders above it. Errors: `damaged-backup` if it was there already; `storage`.
    fn create(&mut self, path: &SafePath) -> Result<File> {
        let target = path.below(self.root);
        let mode = if path.is_private() { files::PRIVATE } else { files::PUBLIC };
        self.make_folders(&target)?;
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&target).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::invalid("damaged-backup", format!("the backup is damaged: {path} stands in it twice"))
            }
            _ => cannot(&target, e),
        })
    }

    fn write(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<()> {
        let target = self.root.join(folder).join(name);
        self.make_folders(&target)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(files::PRIVATE).open(&target);
        let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|e| cannot(&target, e))
    }

    fn make_folders(&mut self, target: &Path) -> Result<()> {
        let Some(folder) = target.parent().filter(|folder| *folder != self.root) else { return Ok(()) };
        if self.written.contains(folder) {
            return Ok(());
        }
        self.make_folders(folder)?;
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(cannot(folder, e)),
            Ok(()) | Err(_) => {}
        }
        self.written.insert(folder.to_owned());
        Ok(())
    }

    /// Makes the names in all folders durable.
    fn sync(&self) -> Result<()> {
        for folder in self.written.iter().map(std::path::PathBuf::as_path).chain([self.root]) {
            files::sync_folder(folder).map_err(|e| cannot(folder, e))?;
        }
        Ok(())
    }
}

/// Holds that a folder to restore into has no settings of its own, which would be replaced. Errors: `folder-in-use`.
pub fn refuse_settings(layout: &Layout) -> Result<()> {
    if layout.settings().exists() && !layout.building().exists() && !layout.is_initialised() {
        let text = format!(
            "{} holds signet.toml: a restore brings its own; name an empty folder",
            layout.dir().display()
        );
        return Err(Error::conflict("folder-in-use", text));
    }
    Ok(())
}

fn cannot(path: &Path, e: std::io::Error) -> Error {
    Error::storage(format!("cannot write {}", path.display())).because(e)
}
