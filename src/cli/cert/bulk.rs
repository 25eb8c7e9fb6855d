//! `signet cert bulk`: certificates for many requests, some batches at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::source::{self, Wanted};
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, Output, client, csv::Sheet, input, show};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::id::{ProfileId, RecordId};
use crate::outbound::Api;

/// Requests in one batch: what the API takes.
const BATCH: usize = 100;
/// Bytes of requests in one batch, so that its body stays under the API's bound.
const BATCH_BYTES: usize = 180 * 1024;
/// Batches under way at once.
const UNDER_WAY: usize = 4;
/// How often a batch is sent when the server is busy or the connection breaks.
pub(in crate::cli) const TRIES: u32 = 6;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The profile to issue by; a CSV's column "profile" goes before it
    #[arg(long)]
    profile: Option<ProfileId>,
    /// A folder of requests, or a CSV file
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// The folder that the certificates go to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let wanted = source::read(&args.from)?;
    std::fs::create_dir_all(&args.out).map_err(|e| unwritable(&args.out, e))?;
    let api = Arc::new(client::connect(context)?);
    let mut progress = Progress::new("issued", Some(wanted.len() as u64));
    let mut report = Vec::new();
    let work = Work { args: &args, context, api };
    let ended = work.all(wanted, &mut progress, &mut report).await;
    progress.end();
    print(&report, context)?;
    ended?;
    let failed = report.iter().any(|row| !matches!(row["outcome"].as_str(), Some("issued" | "present")));
    Ok(if failed { ExitCode::Failed } else { ExitCode::Done })
}

struct Work<'a> {
    args: &'a Args,
    context: &'a Context,
    api: Arc<Api>,
}

impl Work<'_> {
    /// Sends all, batch by batch. Errors: when the server is lost; what was done until then is in the report.
    async fn all(&self, wanted: Vec<Wanted>, progress: &mut Progress, report: &mut Vec<Value>) -> Result<()> {
        let run = RecordId::new(self.context.clock.now(), &self.context.random)?;
        let mut wanted = wanted.into_iter().peekable();
        let mut under_way = JoinSet::new();
        for number in 0.. {
            let batch = self.next_batch(&mut wanted, progress, report);
            let at_end = batch.is_empty();
            if !at_end {
                let (api, clock) = (self.api.clone(), self.context.clock.clone());
                let names: Vec<String> =
                    batch.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect();
                let body =
                    json!({"profile": self.args.profile.as_ref().map(ProfileId::as_str), "items": batch});
                under_way.spawn(async move {
                    let answer = send(&api, &clock, &body, &format!("{run}-{number}")).await;
                    answer.map(|answer| (names, answer))
                });
            }
            while under_way.len() >= if at_end { 1 } else { UNDER_WAY } {
                let Some(ended) = under_way.join_next().await else { break };
                let (names, answer) =
                    ended.map_err(|e| Error::internal("a batch broke off").because(e))??;
                self.take(&names, &answer, progress, report)?;
            }
            if at_end {
                break;
            }
        }
        Ok(())
    }

    /// The requests of the next batch; what cannot be sent, or is there already, goes to the report.
    fn next_batch(
        &self,
        wanted: &mut std::iter::Peekable<std::vec::IntoIter<Wanted>>,
        progress: &mut Progress,
        report: &mut Vec<Value>,
    ) -> Vec<Value> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Some(one) = wanted.next()
        {
            if self.file(&one.name).exists() {
                report.push(json!({"name": one.name, "outcome": "present", "file": self.file(&one.name)}));
                progress.add(1, 0);
                continue;
            }
            match input::csr(&one.csr) {
                Ok(csr) => {
                    bytes += csr.len();
                    batch.push(json!({"name": one.name, "profile": one.profile, "csr": csr,
                        "not_after": one.not_after}));
                }
                Err(e) => {
                    let (code, detail) = (e.code(), e.to_string());
                    report.push(
                        json!({"name": one.name, "outcome": "refused", "code": code, "detail": detail}),
                    );
                    progress.add(0, 1);
                }
            }
        }
        batch
    }

    /// Writes what was issued and notes what became of each.
    /// The answers come in the order of the requests; what the server calls them names no file.
    fn take(
        &self,
        names: &[String],
        answer: &Value,
        progress: &mut Progress,
        report: &mut Vec<Value>,
    ) -> Result<()> {
        let items =
            answer["items"].as_array().filter(|items| items.len() == names.len()).ok_or_else(|| {
                let text = "the server did not answer for each request of a batch";
                Error::new(Kind::Unreachable, "bad-answer", text)
            })?;
        for (name, item) in names.iter().zip(items) {
            let row = self.row(name, item)?;
            let done = u64::from(row["outcome"] == "issued");
            progress.add(done, 1 - done);
            report.push(row);
        }
        Ok(())
    }

    fn row(&self, name: &str, item: &Value) -> Result<Value> {
        let mut row = json!({"name": name, "outcome": item["outcome"], "serial": item["certificate"]["serial"],
            "request": item["request"], "code": item["problem"]["code"], "detail": item["problem"]["detail"]});
        if let Some(pem) = item["certificate"]["pem"].as_str() {
            let file = self.file(name);
            input::write_whole(&file, pem.as_bytes())?;
            row["file"] = json!(file);
        }
        Ok(row)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.args.out.join(format!("{name}.pem"))
    }
}

/// Sends one batch until it is answered: a busy server and a broken connection are met with patience.
async fn send(api: &Api, clock: &Clock, body: &Value, key: &str) -> Result<Value> {
    for attempt in 1.. {
        match api.post_once("/certificates/batch", body, key).await {
            Ok(answer) => return answer.json(),
            Err(e) if attempt < TRIES && is_passing(&e) => {
                clock.sleep(Duration::from_millis(200) * 2u32.pow(attempt)).await;
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::internal("a batch was never sent"))
}

/// Whether the same request may fare better in a moment.
pub(in crate::cli) fn is_passing(error: &Error) -> bool {
    match error.kind() {
        Kind::Unreachable | Kind::Busy | Kind::Throttled => true,
        Kind::Malformed
        | Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::Storage
        | Kind::Internal => false,
    }
}

const COLUMNS: &[show::Column] = &[
    ("NAME", "name"),
    ("OUTCOME", "outcome"),
    ("SERIAL", "serial"),
    ("REQUEST", "request"),
    ("CODE", "code"),
    ("DETAIL", "detail"),
    ("FILE", "file"),
];

/// Scripts get every row; people the sums, and what was not issued.
fn print(report: &[Value], context: &Context) -> Result<()> {
    let count = |outcome: &str| report.iter().filter(|row| row["outcome"] == outcome).count();
    let (issued, present) = (count("issued"), count("present"));
    let (pending, refused) = (count("pending"), count("refused"));
    match context.global.output {
        Output::Csv => Sheet::new(std::io::stdout(), COLUMNS).rows(report),
        Output::Json => show::json(&json!({"issued": issued, "present": present, "pending": pending,
            "refused": refused, "items": report})),
        Output::Text => {
            let missing: Vec<Value> = report.iter().filter(|row| row["file"].is_null()).cloned().collect();
            if !missing.is_empty() {
                let answer = json!({ "items": missing });
                show::list(context, &answer, &[COLUMNS[0], COLUMNS[1], COLUMNS[3], COLUMNS[5]], "")?;
            }
            println!(
                "issued {issued}, there already {present}, waiting for an operator {pending}, refused {refused}"
            );
            Ok(())
        }
    }
}

fn unwritable(path: &Path, e: std::io::Error) -> Error {
    Error::invalid("unwritable-file", format!("cannot make {}", path.display())).because(e)
}
