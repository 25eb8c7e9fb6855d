//! Many revocations: looked at, asked for, done in batches, and told.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::report::{Plan, Report};
use crate::cli::cert::bulk::{TRIES, is_passing};
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::outbound::Api;

/// Certificates in one batch: what the API takes.
const BATCH: usize = 1_000;
/// Batches under way at once.
const UNDER_WAY: usize = 4;

/// Which certificates.
pub(super) enum Selection {
    /// Serial numbers, `CA.SERIAL` or fingerprints.
    Names(Vec<String>),
    /// What a filter finds.
    Filter(Value),
}

/// One run.
pub(super) struct Work<'a> {
    pub context: &'a Context,
    /// Reason and dates, as the API takes them.
    pub how: Value,
    pub dry_run: bool,
    pub yes: bool,
}

impl Work<'_> {
    /// Looks what there is to do, asks, and does it.
    pub(super) async fn run(self, selection: Selection) -> Result<ExitCode> {
        let api = Arc::new(client::connect(self.context)?);
        let mut report = Report::new(self.context, self.dry_run);
        let names = match (self.look(&api, selection, &mut report).await?, self.dry_run) {
            (_, true) => return end(report, self.context),
            (None, false) => {
                eprintln!("signet: nothing was revoked");
                return Ok(ExitCode::Failed);
            }
            (Some(names), false) => names,
        };
        let mut progress = Progress::new("revoked", Some(names.len() as u64));
        let ended = self
            .each_batch(&api, names, &self.body(false), |rows| {
                let (done, refused) = report.take(rows)?;
                progress.add(done, refused);
                Ok(())
            })
            .await;
        progress.end();
        match ended {
            Ok(()) => end(report, self.context),
            Err(error) => {
                // What was done until then stays done, and is told.
                end(report, self.context)?;
                Err(error)
            }
        }
    }

    /// The names of what is to be done; none if the question was answered with no. What a dry run finds, and what a
    /// filter finds that cannot be revoked, is in the report.
    async fn look(
        &self,
        api: &Arc<Api>,
        selection: Selection,
        report: &mut Report,
    ) -> Result<Option<Vec<String>>> {
        let mut plan = Plan::default();
        let names = match selection {
            Selection::Names(names) if self.yes && !self.dry_run => return Ok(Some(names)),
            Selection::Names(names) => {
                let each = |rows: Vec<Value>| {
                    rows.iter().for_each(|row| plan.add(row));
                    if self.dry_run { report.take(rows).map(drop) } else { Ok(()) }
                };
                self.each_batch(api, names.clone(), &self.body(true), each).await?;
                names
            }
            Selection::Filter(filter) => self.find(api, filter, &mut plan, report).await?,
        };
        if !self.dry_run && plan.wanted > 0 && !self.yes {
            eprintln!("{}", plan.sentence(&show::text(&self.how["reason"])));
            let question = format!("Revoke {} certificates? [y/N] ", plan.wanted);
            return Ok(input::confirm(&question)?.then_some(names));
        }
        Ok(Some(names))
    }

    /// Walks a filter to its end. Returns those that are to be revoked; the others are in the report.
    async fn find(
        &self,
        api: &Api,
        filter: Value,
        plan: &mut Plan,
        report: &mut Report,
    ) -> Result<Vec<String>> {
        let mut body = self.body(true);
        body["filter"] = filter;
        let (mut names, mut progress) = (Vec::new(), Progress::new("found", None));
        loop {
            let mut answer = send(api, &self.context.clock, &body).await?;
            let rows = rows_of(&mut answer)?;
            rows.iter().for_each(|row| plan.add(row));
            progress.add(rows.len() as u64, 0);
            let is_wanted = |row: &Value| row["outcome"] == "would-be-revoked";
            names.extend(rows.iter().filter(|row| is_wanted(row)).map(|row| {
                format!(
                    "{}.{}",
                    row["ca"].as_str().unwrap_or_default(),
                    row["serial"].as_str().unwrap_or_default()
                )
            }));
            report.take(rows.into_iter().filter(|row| self.dry_run || !is_wanted(row)).collect())?;
            match answer["next"].take() {
                Value::Null => break,
                next => body["cursor"] = next,
            }
        }
        progress.end();
        Ok(names)
    }

    /// Sends names in batches, some at once, and gives the rows of each to `take`.
    async fn each_batch(
        &self,
        api: &Arc<Api>,
        names: Vec<String>,
        body: &Value,
        mut take: impl FnMut(Vec<Value>) -> Result<()>,
    ) -> Result<()> {
        let mut under_way = JoinSet::new();
        let mut batches = names.chunks(BATCH);
        let mut failed = None;
        loop {
            // After a failure no more is sent, but what was sent is done: it belongs in the report.
            let batch = batches.next().filter(|_| failed.is_none());
            let at_end = batch.is_none();
            if let Some(batch) = batch {
                let (api, clock, mut body) = (Arc::clone(api), self.context.clock.clone(), body.clone());
                body["certificates"] = json!(batch);
                under_way.spawn(async move { send(&api, &clock, &body).await });
            }
            while under_way.len() >= if at_end { 1 } else { UNDER_WAY } {
                let Some(ended) = under_way.join_next().await else { break };
                let ended = ended.unwrap_or_else(|e| Err(Error::internal("a batch broke off").because(e)));
                match ended {
                    Ok(mut answer) => take(rows_of(&mut answer)?)?,
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if at_end {
                return failed.map_or(Ok(()), Err);
            }
        }
    }

    fn body(&self, dry_run: bool) -> Value {
        let mut body = self.how.clone();
        body["dry_run"] = dry_run.into();
        body
    }
}

fn end(report: Report, context: &Context) -> Result<ExitCode> {
    let refused = report.refused;
    report.print(context)?;
    Ok(if refused > 0 { ExitCode::Failed } else { ExitCode::Done })
}

fn rows_of(answer: &mut Value) -> Result<Vec<Value>> {
    match answer["items"].take() {
        Value::Array(rows) => Ok(rows),
        _ => Err(Error::new(Kind::Unreachable, "bad-answer", "the server did not say what became of each")),
    }
}

/// Sends one batch until it is answered: a busy server and a broken connection are met with patience. What was done
/// the first time is known the second.
async fn send(api: &Api, clock: &Clock, body: &Value) -> Result<Value> {
    for attempt in 1.. {
        match api.post("/certificates/revoke", body).await {
            Ok(answer) => return answer.json(),
            Err(e) if attempt < TRIES && is_passing(&e) => {
                clock.sleep(Duration::from_millis(200) * 2u32.pow(attempt)).await;
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::internal("a batch was never sent"))
}
