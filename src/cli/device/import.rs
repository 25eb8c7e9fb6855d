//! `signet device import`: a CSV file of devices, sent in batches, some at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::rows::{self, Row, Sheet};
use super::strings::{Strings, is_uncertain, unknown};
use crate::cli::cert::{TRIES, is_passing};
use crate::cli::csv::reading::Fault;
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::outbound::Api;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet device import phones.csv --dry-run\n  \
    signet device import phones.csv --out strings.csv\n\n\
    The file begins with a heading; its columns may stand in any order, and name\n\
    alone is needed:\n  \
    name,model,region,profile,operation,auth,string,key,deadline\n  \
    SEP001122334455,8845,EMEA,,install,string,generate,p-384/rsa-2048,\n\n\
    operation  install, fetch, delete, or none (takes back what is pending)\n\
    auth       string, null-string, existing-lsc, existing-mic\n\
    string     4 to 10 digits, or generate: then --out names where they go (0600)\n\
    key        rsa-2048 ... p-521, or p-384/rsa-2048: EC, and RSA where it cannot;\n\
               of old phones rsa-1024, if their profile lists it\n\
    deadline   a time, as 2027-01-01T00:00:00Z\n\n\
    An empty cell leaves what a device has. The columns that signet device export\n\
    adds are passed over. A run that broke off is repeated as it was: what is done\n\
    is unchanged. The exit code is 1 if lines were refused.";

/// Devices of one request, and about the bytes of its body (the server takes 256 KiB).
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 240 * 1024;
/// Requests under way at once.
const UNDER_WAY: usize = 4;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV with a heading; - is standard input
    file: PathBuf,
    /// The profile of lines that name none
    #[arg(long)]
    profile: Option<ProfileId>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// A new file (mode 0600) for the authentication strings that are generated
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Looks at every line, then sends them. Exit 1 and nothing sent if one is faulty.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let bytes = input::bytes_within(&args.file, rows::LARGEST)?;
    let sheet = Sheet::open(&bytes, args.profile.as_ref())?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    let checked = sheet.check(&mut report.faults)?;
    report.lines = checked.lines;
    if !report.faults.is_empty() {
        return report.print(context, "nothing was sent");
    }
    let generates = checked.generates && !args.dry_run;
    let api = Arc::new(client::connect(context)?);
    let mut strings = generates.then(|| Strings::create(args.out.as_deref())).transpose()?;
    let sent = send_all(&api, context, &sheet, &mut report, strings.as_mut()).await;
    let written = strings.map(Strings::close).transpose()?;
    if let Some(count) = written {
        eprintln!("{count} authentication strings are written; they are not shown again");
    }
    match sent {
        Ok(()) => report.print(context, ""),
        Err(error) => {
            // What was done until then stays done, and is told.
            report.print(context, "broken off: run it again as it was, what is done is unchanged")?;
            Err(error)
        }
    }
}

async fn send_all(
    api: &Arc<Api>,
    context: &Context,
    sheet: &Sheet<'_>,
    report: &mut Report,
    mut strings: Option<&mut Strings>,
) -> Result<()> {
    let verb = if report.dry_run { "checked" } else { "imported" };
    let mut progress = Progress::new(verb, Some(report.lines));
    let (mut batches, mut under_way) = (Batches(sheet.rows().peekable()), JoinSet::new());
    let mut failed = None;
    loop {
        // After a failure no more is sent, but what was sent is done: it belongs in the report.
        let batch = if failed.is_some() { Vec::new() } else { batches.next() };
        let at_end = batch.is_empty();
        if !at_end {
            let (api, clock, dry_run) = (Arc::clone(api), context.clock.clone(), report.dry_run);
            under_way.spawn(async move { send(&api, &clock, batch, dry_run).await });
        }
        while under_way.len() >= if at_end { 1 } else { UNDER_WAY } {
            let Some(ended) = under_way.join_next().await else { break };
            let ended = ended.unwrap_or_else(|e| Err(Error::internal("a batch broke off").because(e)));
            match ended.and_then(|(lines, answer)| report.take(&lines, &answer, strings.as_deref_mut())) {
                Ok((done, refused)) => progress.add(done, refused),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if at_end {
            progress.end();
            return failed.map_or(Ok(()), Err);
        }
    }
}

/// Cut where a request would be too many or too long.
struct Batches<I: Iterator<Item = Row>>(std::iter::Peekable<I>);

impl<I: Iterator<Item = Row>> Batches<I> {
    fn next(&mut self) -> Vec<Row> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH
            && let Some(row) = self.0.next_if(|row| batch.is_empty() || bytes + row.size <= BATCH_BYTES)
        {
            bytes += row.size;
            batch.push(row);
        }
        batch
    }
}

/// Sends one batch until it is answered: a busy server and a broken connection are met with patience. What was done the
/// first time is unchanged the second. But not where strings are generated: the string of an attempt that nobody saw the
/// end of may come into force after that of the next. Returns the lines and the answer.
async fn send(api: &Api, clock: &Clock, batch: Vec<Row>, dry_run: bool) -> Result<(Vec<u64>, Value)> {
    let (lines, items): (Vec<u64>, Vec<Value>) = batch.into_iter().map(|row| (row.line, row.body)).unzip();
    let generates = !dry_run && items.iter().any(|item| item["string"] == "generate");
    let body = json!({"items": items, "dry_run": dry_run});
    for attempt in 1.. {
        match api.post("/devices/batch", &body).await {
            Ok(answer) => return answer.json().map(|answer| (lines, answer)),
            Err(e) if generates && is_uncertain(&e) => {
                let about = |line: Option<&u64>| line.copied().unwrap_or_default();
                let (first, last) = (about(lines.first()), about(lines.last()));
                return Err(unknown(&e, &format!("lines {first} to {last}")));
            }
            Err(e) if attempt < TRIES && is_passing(&e) => {
                clock.sleep(Duration::from_millis(200) * 2u32.pow(attempt)).await;
            }
            Err(e) => return Err(of_line(&lines, e)),
        }
    }
    Err(Error::internal("a batch was never sent"))
}

/// A refusal of a whole batch, with the line that it is about.
fn of_line(lines: &[u64], refusal: Error) -> Error {
    let place = refusal.field().and_then(|field| field.strip_prefix("/items/"));
    let item = place.and_then(|rest| rest.split('/').next()).and_then(|item| item.parse::<usize>().ok());
    match item.and_then(|item| lines.get(item)) {
        Some(line) => refusal.at(format!("line {line}")),
        None => refusal,
    }
}

/// What became of the lines.
#[derive(Default)]
struct Report {
    dry_run: bool,
    lines: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    faults: Vec<Fault>,
}

impl Report {
    /// Returns how many were done, and refused.
    fn take(&mut self, lines: &[u64], answer: &Value, strings: Option<&mut Strings>) -> Result<(u64, u64)> {
        let count = |name: &str| answer[name].as_u64().unwrap_or_default();
        let list = |name: &str| answer[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let (created, updated, unchanged) = (count("created"), count("updated"), count("unchanged"));
        self.created += created;
        self.updated += updated;
        self.unchanged += unchanged;
        self.faults.extend(list("faults").iter().filter_map(|fault| told(lines, fault)));
        if let Some(strings) = strings {
            strings.write(list("strings"))?;
        }
        Ok((created + updated + unchanged, count("refused")))
    }

    fn print(mut self, context: &Context, after: &str) -> Result<ExitCode> {
        self.faults.sort_by_key(|fault| fault.line);
        let refused = self.faults.len();
        if context.is_json() {
            let faults: Vec<Value> = self.faults.iter().map(Fault::json).collect();
            show::json(&json!({"dry_run": self.dry_run, "lines": self.lines, "created": self.created,
                "updated": self.updated, "unchanged": self.unchanged, "refused": refused, "faults": faults}))?;
        } else {
            self.faults.iter().for_each(|fault| eprintln!("{fault}"));
            let would = if self.dry_run { "would be " } else { "" };
            let (created, updated, unchanged) = (self.created, self.updated, self.unchanged);
            let sums = format!(
                "{would}created {created}, updated {updated}, unchanged {unchanged}, refused {refused}"
            );
            println!("{} lines: {sums}", self.lines);
            if !after.is_empty() {
                eprintln!("signet: {after}");
            }
        }
        Ok(if refused > 0 || !after.is_empty() { ExitCode::Failed } else { ExitCode::Done })
    }
}

fn told(lines: &[u64], fault: &Value) -> Option<Fault> {
    let line = *lines.get(usize::try_from(fault["item"].as_u64()?).ok()?)?;
    let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    Some(Fault { line, field: text("field"), code: text("code"), detail: text("detail") })
}
