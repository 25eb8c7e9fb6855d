//! `signet backup`: everything in one encrypted file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, serving, show};
use crate::error::{Error, Kind, Result};
use crate::keys::software::archive::Frames;
use crate::server::backup;
use crate::server::files::sync_folder;
use crate::server::layout::Layout;
use crate::server::password::{self, Purpose};
use crate::server::settings::Given;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet backup create /backup/signet-$(date +%F).backup")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write everything into one file, encrypted under the security password in force
    #[command(after_help = "Example:\n  signet backup create /backup/signet-$(date +%F).backup\n\n\
        Asks the running server, which goes on serving; makes it itself if none runs\n\
        on DIR. The file is as of one instant: whatever was acknowledged before is in\n\
        it. It is there whole or not at all. To restore it, the security password of\n\
        this moment is needed, also after it was changed.")]
    Create(Create),
    /// Read a backup to its end and say whether it would restore; nothing is written
    #[command(after_help = "Example:\n  signet backup verify signet.backup \\\n      \
        --security-password-file /etc/signet/password")]
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,
    /// Where no server runs: a file with the security password (mode 0600)
    #[arg(long, env = "SIGNET_SECURITY_PASSWORD_FILE", value_name = "FILE")]
    security_password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file with the security password that was in force when it was made (mode 0600); else asked for
    #[arg(long, alias = "password-file", env = "SIGNET_SECURITY_PASSWORD_FILE", value_name = "FILE")]
    security_password_file: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Create(create) => make(create, context).await,
        Verb::Verify(verify) => look(verify, context),
    }
}

async fn make(create: Create, context: &Context) -> Result<ExitCode> {
    if create.file.exists() && !create.overwrite {
        let text = format!("{} is there already: name another file, or --overwrite", create.file.display());
        return Err(Error::conflict("file-exists", text));
    }
    let mut part = Part::create(&create.file)?;
    match fetch(&mut part, context).await {
        Err(e) if e.kind() == Kind::Unreachable && is_on_folder(context) && part.bytes == 0 => {
            // No server answers for the folder: whoever may read it makes the backup.
            let layout = serving::layout(context)?;
            let named = create.security_password_file.as_deref();
            let password = password(named, &layout, Some(&layout))?;
            let ground = (&context.clock, &context.random);
            backup::offline(layout.dir(), &password, ground, part.reopened()?).await?;
        }
        outcome => outcome?,
    }
    let bytes = part.finish(&create.file)?;
    let name = create.file.display().to_string();
    show::done(
        context,
        &json!({"file": name, "bytes": bytes}),
        &format!("wrote {name} ({} KiB)", bytes / 1024),
    )?;
    Ok(ExitCode::Done)
}

fn is_on_folder(context: &Context) -> bool {
    context.global.server.is_none() && context.global.data.is_some()
}

/// Has the server make it.
async fn fetch(part: &mut Part, context: &Context) -> Result<()> {
    let api = client::connect(context)?;
    let (mut frames, mut progress) = (Frames::begin(), Progress::new("KiB written", None));
    api.post_streaming("/backups", |piece| {
        frames.follow(piece)?;
        let before = part.bytes / 1024;
        part.write(piece)?;
        progress.add(part.bytes / 1024 - before, 0);
        Ok(())
    })
    .await?;
    progress.end();
    frames.end()
}

fn look(verify: Verify, context: &Context) -> Result<ExitCode> {
    let layout = context.data().map_or_else(|_| Layout::new("."), Layout::new);
    let own = context.global.data.is_some().then_some(&layout);
    let password = password(verify.security_password_file.as_deref(), &layout, own)?;
    let found = backup::verify(BufReader::new(open(&verify.file)?), &password)?;
    let report = json!({
        "made": found.begin.made,
        "made_by": found.begin.signet,
        "files": found.end.files,
        "records": found.end.records,
        "counters": found.end.counters,
        "audit_entries": found.end.audit_entries,
        "sha256": found.end.sha256,
        "findings": found.report.findings,
        "ok": found.report.is_clean(),
    });
    if !context.is_json() {
        println!("made {} by Signet {}", found.begin.made, found.begin.signet);
    }
    show::report(context, &report, "ok")
}

/// A backup to be read. Errors: `unreadable-backup`.
pub(super) fn open(file: &Path) -> Result<File> {
    File::open(file).map_err(|e| {
        Error::invalid("unreadable-backup", format!("cannot read {}", file.display())).because(e)
    })
}

/// The password of a backup: as for the data folder whose settings may name its file. Errors: `usage`, `password-file`.
fn password(
    named: Option<&Path>,
    layout: &Layout,
    own: Option<&Layout>,
) -> Result<zeroize::Zeroizing<String>> {
    let settings = own.map_or_else(|| Ok(Given::default()), Given::read)?;
    let named = named.or(settings.security_password_file.as_deref());
    let found = password::find(named, layout, Purpose::Open);
    found.map_err(|e| if e.code() == "no-password" { crate::cli::usage(e.detail()) } else { e })
}

/// The file under its temporary name, until it is whole.
struct Part {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Part {
    /// `FILE.part` beside it, for its owner alone. One that an attempt left that was broken off is replaced.
    fn create(file: &Path) -> Result<Self> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = file.with_file_name(name);
        if File::open(&path).is_ok_and(|standing| standing.try_lock().is_err()) {
            let text = format!("another backup to {} is under way", file.display());
            return Err(Error::conflict("backup-running", text));
        }
        let _ = fs::remove_file(&path);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let made = made.map_err(|e| unwritable(&path).because(e))?;
        made.try_lock().map_err(|e| unwritable(&path).because(std::io::Error::from(e)))?;
        Ok(Self { path, file: Some(made), bytes: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        let mut file = self.file.as_ref().ok_or_else(|| unwritable(&self.path))?;
        file.write_all(piece).map_err(|e| unwritable(&self.path).because(e))?;
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// The same file for another writer.
    fn reopened(&self) -> Result<File> {
        let file = self.file.as_ref().ok_or_else(|| unwritable(&self.path))?;
        file.try_clone().map_err(|e| unwritable(&self.path).because(e))
    }

    /// Gives it its name, durably. Returns its length.
    fn finish(mut self, target: &Path) -> Result<u64> {
        let file = self.file.take().ok_or_else(|| unwritable(target))?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let finish = || {
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            fs::rename(&self.path, target)?;
            sync_folder(folder)?;
            Ok(bytes)
        };
        finish().map_err(|e: std::io::Error| unwritable(target).because(e))
    }
}

impl Drop for Part {
    /// What was not finished is no backup.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn unwritable(path: &Path) -> Error {
    Error::invalid("unwritable-file", format!("cannot write {}", path.display()))
}
