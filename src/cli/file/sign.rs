//! `signet file sign`: files in bulk, some batches at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::batch::{self, Batch};
use super::changes::Changes;
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::outbound::Api;
use crate::trust::tlv::FileName;
use crate::x509::cert::Certificate;

/// Batches under way at once.
const UNDER_WAY: usize = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file, or a folder of files; what ends in .sgn is left out
    #[arg(value_name = "PATH")]
    from: PathBuf,
    /// The cluster whose phones are to take them
    #[arg(long)]
    cluster: ClusterId,
    /// The folder that the signed files go to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Encrypt each to the certificate that the device of its name confirmed to hold
    #[arg(long)]
    encrypt: bool,
    /// Put the certificate of an SRST gateway (PEM or DER) into srstInfo of each
    #[arg(long, value_name = "FILE")]
    srst_certificate: Option<PathBuf>,
    /// The element of srstInfo that holds it [default: certificate]
    #[arg(long, value_name = "NAME", requires = "srst_certificate")]
    srst_element: Option<String>,
    /// Go on: every so many seconds (2) sign what changed, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = clap::value_parser!(u16).range(1..=3600))]
    watch: Option<u16>,
    /// End after so many looks
    #[arg(long, value_name = "N", requires = "watch", value_parser = clap::value_parser!(u32).range(1..))]
    times: Option<u32>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    std::fs::create_dir_all(&args.out).map_err(|e| unwritable(&args.out, e))?;
    let mut changes = Changes::new(args.watch.is_none());
    let files = batch::files(&args.from)?;
    let first = changes.due(files);
    let mut failed = once(&first, &args, context).await?;
    for look in 1.. {
        let Some(pause) = args.watch.filter(|_| args.times.is_none_or(|times| look < times)) else { break };
        context.clock.sleep(Duration::from_secs(pause.into())).await;
        failed |= again(&mut changes, &args, context).await;
    }
    Ok(if failed { ExitCode::Failed } else { ExitCode::Done })
}

/// One more look. The folder and the server may be away for a while: what was not signed is due again. Whether anything
/// failed.
async fn again(changes: &mut Changes, args: &Args, context: &Context) -> bool {
    let due = match batch::files(&args.from) {
        Ok(files) => changes.due(files),
        Err(error) => {
            eprintln!("error: {error}");
            return true;
        }
    };
    if due.is_empty() {
        return false;
    }
    once(&due, args, context).await.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        changes.forget(&due);
        true
    })
}

/// Signs these files and says what became of them; whether any was refused.
async fn once(files: &[PathBuf], args: &Args, context: &Context) -> Result<bool> {
    let work = Work {
        api: Arc::new(client::connect(context)?),
        path: format!("/clusters/{}/files", args.cluster),
        common: common(args)?,
        out: args.out.clone(),
        progress: Progress::new("signed", Some(files.len() as u64)),
        under_way: JoinSet::new(),
        report: Vec::new(),
    };
    let report = work.all(files, args.encrypt).await?;
    print(&report, args, context)?;
    Ok(report.iter().any(|row| row["outcome"] != "signed"))
}

/// What holds for every file.
fn common(args: &Args) -> Result<Value> {
    let Some(file) = &args.srst_certificate else { return Ok(json!({})) };
    let certificate = Certificate::read(&input::bytes(file)?)?.pem();
    Ok(json!({"srst_certificate": certificate, "srst_element": args.srst_element}))
}

struct Work {
    api: Arc<Api>,
    path: String,
    common: Value,
    out: PathBuf,
    progress: Progress,
    under_way: JoinSet<Result<Value>>,
    report: Vec<Value>,
}

impl Work {
    async fn all(mut self, files: &[PathBuf], encrypt: bool) -> Result<Vec<Value>> {
        let mut batch = Batch::default();
        for file in files {
            match batch::item(file, encrypt) {
                Ok(item) => {
                    if batch.is_full_for(&item) {
                        self.send(batch.take()).await?;
                    }
                    batch.add(item);
                }
                Err(e) => self.row(&json!({"name": file.display().to_string(), "outcome": "refused",
                    "code": e.code(), "detail": e.detail()}))?,
            }
        }
        let rest = batch.take();
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        while self.one_more().await? {}
        self.progress.end();
        Ok(self.report)
    }

    async fn send(&mut self, items: Vec<Value>) -> Result<()> {
        if self.under_way.len() >= UNDER_WAY {
            self.one_more().await?;
        }
        let (api, path, mut body) = (Arc::clone(&self.api), self.path.clone(), self.common.clone());
        body["items"] = items.into();
        self.under_way.spawn(async move { api.post(&path, &body).await?.json() });
        Ok(())
    }

    /// Takes an answer in; false if none is awaited any more.
    async fn one_more(&mut self) -> Result<bool> {
        let Some(ended) = self.under_way.join_next().await else { return Ok(false) };
        let answer = ended.map_err(|e| Error::internal("a batch broke off").because(e))??;
        for row in answer["items"].as_array().into_iter().flatten() {
            self.row(row)?;
        }
        Ok(true)
    }

    /// Writes the files of a row, and keeps what is to be told of it.
    fn row(&mut self, row: &Value) -> Result<()> {
        let mut names = Vec::new();
        for file in row["files"].as_array().into_iter().flatten() {
            names.push(write(&self.out, file)?);
        }
        let is_signed = row["outcome"] == "signed";
        self.progress.add(u64::from(is_signed), u64::from(!is_signed));
        let mut told = row.clone();
        told["files"] = names.into();
        self.report.push(told);
        Ok(())
    }
}

/// Writes a file whole: a phone that fetches it meanwhile gets the one before. A name with a folder in it is refused.
fn write(out: &Path, file: &Value) -> Result<String> {
    let name = FileName::parse(file["name"].as_str().unwrap_or_default())?;
    let broken = || Error::malformed("bad-answer", "the server's answer cannot be read");
    let content = STANDARD.decode(file["content"].as_str().unwrap_or_default()).map_err(|_| broken())?;
    input::write_whole(&out.join(name.as_str()), &content)?;
    Ok(name.to_string())
}

const COLUMNS: &[show::Column] =
    &[("NAME", "name"), ("OUTCOME", "outcome"), ("CODE", "code"), ("WHY", "detail")];

fn print(report: &[Value], args: &Args, context: &Context) -> Result<()> {
    let refused: Vec<Value> = report.iter().filter(|row| row["outcome"] != "signed").cloned().collect();
    let signed = report.len() - refused.len();
    if context.is_json() {
        return show::json(&json!({"signed": signed, "refused": refused.len(), "items": report}));
    }
    if !refused.is_empty() {
        print!("{}", show::table(&refused, COLUMNS));
    }
    println!("signed {signed}, refused {}: {}", refused.len(), args.out.display());
    Ok(())
}

fn unwritable(folder: &Path, e: std::io::Error) -> Error {
    Error::invalid("unwritable-file", format!("cannot make {}", folder.display())).because(e)
}
