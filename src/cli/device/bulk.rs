//! An operation for what filters find: counted, asked for, set in batches, and told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::strings::{Strings, is_uncertain, unknown};
use crate::cli::cert::{TRIES, is_passing};
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::outbound::Api;

/// Devices in one batch, and batches under way at once.
const BATCH: usize = 1_000;
const UNDER_WAY: usize = 4;
/// So many refusals are shown to people.
const SHOWN: usize = 50;

/// One run.
pub(super) struct Work<'a> {
    pub context: &'a Context,
    /// The operation, as the API takes it.
    pub operation: Map<String, Value>,
    pub dry_run: bool,
    pub yes: bool,
    pub out: Option<PathBuf>,
}

/// What became of them.
#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<String, u64>,
    refused: Vec<Value>,
}

const REFUSED: &[show::Column] = &[("NAME", "name"), ("CODE", "code"), ("DETAIL", "detail")];

impl Work<'_> {
    /// Looks what there is to do, asks, and does it.
    pub(super) async fn run(self, filters: &[(String, String)]) -> Result<ExitCode> {
        let api = Arc::new(client::connect(self.context)?);
        let (names, found) = self.find(&api, filters).await?;
        if self.dry_run || names.is_empty() {
            return found.print(self.context, self.dry_run);
        }
        let question = format!("Say {} of {} devices? [y/N] ", self.operation_text(), names.len());
        if !self.yes && !input::confirm(&question)? {
            eprintln!("signet: nothing was set");
            return Ok(ExitCode::Failed);
        }
        let generates = self.operation.get("string").is_some_and(|string| string == "generate");
        let mut strings = generates.then(|| Strings::create(self.out.as_deref())).transpose()?;
        let mut tally = Tally { refused: found.refused, outcomes: BTreeMap::new() };
        if !tally.refused.is_empty() {
            tally.outcomes.insert("refused".to_owned(), tally.refused.len() as u64);
        }
        let done = self.set(&api, &names, &mut tally, strings.as_mut()).await;
        if let Some(count) = strings.map(Strings::close).transpose()? {
            eprintln!("{count} authentication strings are written; they are not shown again");
        }
        let code = tally.print(self.context, false)?;
        done.map(|()| code)
    }

    fn operation_text(&self) -> String {
        let text = |name: &str| self.operation.get(name).and_then(Value::as_str);
        let how = text("authentication").map(|how| format!(" by {how}")).unwrap_or_default();
        format!("{}{how}", text("operation").unwrap_or_default())
    }

    /// Walks the filter to its end. Returns the names of those that are to be set, and what became of all in a dry run.
    async fn find(&self, api: &Api, filters: &[(String, String)]) -> Result<(Vec<String>, Tally)> {
        let filter: Map<String, Value> =
            filters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut body = self.operation.clone();
        body.extend([("filter".to_owned(), Value::Object(filter)), ("dry_run".to_owned(), true.into())]);
        let (mut names, mut tally, mut progress) =
            (Vec::new(), Tally::default(), Progress::new("found", None));
        loop {
            let mut answer = send(api, &self.context.clock, &Value::Object(body.clone())).await?;
            let rows = tally.take(&mut answer)?;
            progress.add(rows.len() as u64, 0);
            let wanted = rows.iter().filter(|row| {
                row["outcome"].as_str().is_some_and(|outcome| outcome.starts_with("would-be-"))
            });
            names.extend(wanted.filter_map(|row| row["name"].as_str().map(str::to_owned)));
            match answer["next"].take() {
                Value::Null => break,
                next => drop(body.insert("cursor".to_owned(), next)),
            }
        }
        progress.end();
        Ok((names, tally))
    }

    /// Sets them in batches, some at once.
    async fn set(
        &self,
        api: &Arc<Api>,
        names: &[String],
        tally: &mut Tally,
        mut strings: Option<&mut Strings>,
    ) -> Result<()> {
        let mut progress = Progress::new("set", Some(names.len() as u64));
        let (mut batches, mut under_way, mut failed) = (names.chunks(BATCH), JoinSet::new(), None);
        loop {
            // After a failure no more is sent, but what was sent is done: it belongs in the report.
            let batch = batches.next().filter(|_| failed.is_none());
            let at_end = batch.is_none();
            if let Some(batch) = batch {
                let (api, clock) = (Arc::clone(api), self.context.clock.clone());
                let mut body = self.operation.clone();
                body.insert("names".to_owned(), json!(batch));
                under_way.spawn(async move { send(&api, &clock, &Value::Object(body)).await });
            }
            while under_way.len() >= if at_end { 1 } else { UNDER_WAY } {
                let Some(ended) = under_way.join_next().await else { break };
                let ended = ended.unwrap_or_else(|e| Err(Error::internal("a batch broke off").because(e)));
                match ended.and_then(|mut answer| tally.take(&mut answer)) {
                    Ok(rows) => {
                        progress.add(rows.len() as u64, 0);
                        let written = strings.as_deref_mut().map_or(Ok(()), |s| s.write(&made(&rows)));
                        failed = failed.or(written.err());
                    }
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if at_end {
                progress.end();
                return failed.map_or(Ok(()), Err);
            }
        }
    }
}

/// The strings of those that got one.
fn made(rows: &[Value]) -> Vec<Value> {
    let with = rows.iter().filter(|row| !row["string"].is_null());
    with.map(|row| json!({"name": row["name"], "string": row["string"]})).collect()
}

impl Tally {
    /// Counts the rows of an answer, and gives them back.
    fn take(&mut self, answer: &mut Value) -> Result<Vec<Value>> {
        let Value::Array(rows) = answer["items"].take() else {
            let text = "the server did not say what became of each device";
            return Err(Error::new(Kind::Unreachable, "bad-answer", text));
        };
        for row in &rows {
            *self.outcomes.entry(show::text(&row["outcome"])).or_default() += 1;
            if row["outcome"] == "refused" {
                self.refused.push(row.clone());
            }
        }
        Ok(rows)
    }

    fn print(self, context: &Context, dry_run: bool) -> Result<ExitCode> {
        let refused = self.refused.len();
        if context.is_json() {
            show::json(&json!({"dry_run": dry_run, "outcomes": self.outcomes, "refused": self.refused}))?;
        } else {
            if refused > 0 {
                print!("{}", show::table(&self.refused[..refused.min(SHOWN)], REFUSED));
            }
            let sums: Vec<String> =
                self.outcomes.iter().map(|(outcome, n)| format!("{outcome} {n}")).collect();
            println!("{}", if sums.is_empty() { "no device is found".to_owned() } else { sums.join(", ") });
        }
        Ok(if refused > 0 { ExitCode::Failed } else { ExitCode::Done })
    }
}

/// Sends one batch until it is answered: what was done the first time is unchanged the second. But not where strings are
/// generated: the string of an attempt that nobody saw the end of may come into force after that of the next.
async fn send(api: &Api, clock: &Clock, body: &Value) -> Result<Value> {
    let generates = body["string"] == "generate" && body["dry_run"] != true;
    for attempt in 1.. {
        match api.post("/devices/operations", body).await {
            Ok(answer) => return answer.json(),
            Err(e) if generates && is_uncertain(&e) => {
                let name = |device: Option<&Value>| device.map(show::text).unwrap_or_default();
                let all = body["names"].as_array();
                let (first, last) = (all.and_then(|a| a.first()), all.and_then(|a| a.last()));
                return Err(unknown(&e, &format!("the devices from {} to {}", name(first), name(last))));
            }
            Err(e) if attempt < TRIES && is_passing(&e) => {
                clock.sleep(Duration::from_millis(200) * 2u32.pow(attempt)).await;
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::internal("a batch was never sent"))
}
