//! `signet challenge import`: challenges for a whole list of devices, from CSV to CSV.
//!
//! Every line is checked before the first challenge is made. Then they are made in batches, each whole or not at all,
//! and each batch is written out as soon as it is made: what was made is never lost, for it is shown only once.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::challenge::rows::{self, Row};
use crate::cli::challenge::sheet::Sheet;
use crate::cli::csv::reading::Fault;
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::outbound::Api;

/// Challenges of one request, and about the bytes of its body (the server takes 64 KiB).
const BATCH: usize = 100;
const BATCH_BYTES: usize = 48 * 1024;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// CSV with a heading: subject, and where wanted san, profile, ttl; - is standard input
    file: PathBuf,
    /// The profile of lines that name none
    #[arg(long)]
    profile: Option<ProfileId>,
    /// How long those live that do not say: 30m, 1h, 7d (at most 30d)
    #[arg(long, default_value = "1h", value_parser = input::duration)]
    ttl: String,
    /// Only check every line
    #[arg(long)]
    dry_run: bool,
    /// Write the challenges to a new file (mode 0600) instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Checks every line, then makes the challenges. Exit 1 and nothing made if a line is faulty.
pub async fn run(args: Import, context: &Context) -> Result<ExitCode> {
    let bytes = input::bytes_within(&args.file, rows::LARGEST)?;
    let (rows, mut faults) = rows::read(&bytes, args.profile.as_ref(), &args.ttl)?;
    let api = client::connect(context)?;
    faults.extend(check(&api, &rows).await?);
    faults.sort_by_key(|fault| fault.line);
    if !faults.is_empty() {
        return refuse(context, &faults);
    }
    if args.dry_run {
        let found = json!({"challenges": rows.len(), "faults": []});
        show::done(context, &found, &format!("{} challenges would be made", rows.len()))?;
        return Ok(ExitCode::Done);
    }
    let mut sheet = Sheet::open(args.out.as_deref(), context.is_json())?;
    let made = make(&api, &rows, &mut sheet).await;
    sheet.close()?;
    made.map(|()| ExitCode::Done)
}

async fn check(api: &Api, rows: &[Row]) -> Result<Vec<Fault>> {
    let (mut faults, mut progress) = (Vec::new(), Progress::new("checked", Some(rows.len() as u64)));
    for batch in batches(rows) {
        let answer = api.post("/challenges/batch", &body(batch, true)).await;
        faults.extend(match answer {
            Ok(answer) => told(batch, &answer.json()?),
            // what no line may hold, as a control character, is refused with the whole batch
            Err(e) => vec![Fault::of_refusal(batch, e)?],
        });
        progress.add(batch.len() as u64, 0);
    }
    progress.end();
    Ok(faults)
}

async fn make(api: &Api, rows: &[Row], sheet: &mut Sheet) -> Result<()> {
    let (mut done, mut progress) = (0, Progress::new("made", Some(rows.len() as u64)));
    for batch in batches(rows) {
        let made = match api.post("/challenges/batch", &body(batch, false)).await {
            Ok(answer) => answer.json()?,
            Err(e) => {
                eprintln!(
                    "made {done} of {}; line {} and those after it were not",
                    rows.len(),
                    batch[0].line
                );
                return Err(e);
            }
        };
        sheet.write(batch, made["items"].as_array().map(Vec::as_slice).unwrap_or_default())?;
        done += batch.len();
        progress.add(batch.len() as u64, 0);
    }
    progress.end();
    eprintln!("made {done} challenges; they are not shown again");
    Ok(())
}

fn body(batch: &[Row], dry_run: bool) -> Value {
    let items: Vec<&Value> = batch.iter().map(|row| &row.body).collect();
    json!({"items": items, "dry_run": dry_run})
}

/// Cut where a request would be too many or too long.
fn batches(rows: &[Row]) -> Vec<&[Row]> {
    let (mut found, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (place, row) in rows.iter().enumerate() {
        if place > start && (place - start == BATCH || bytes + row.size > BATCH_BYTES) {
            found.push(&rows[start..place]);
            (start, bytes) = (place, 0);
        }
        bytes += row.size;
    }
    found.push(&rows[start..]);
    found.retain(|batch| !batch.is_empty());
    found
}

fn told(batch: &[Row], answer: &Value) -> Vec<Fault> {
    let faults = answer["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.iter().filter_map(|fault| Fault::of_answer(batch, fault)).collect()
}

fn refuse(context: &Context, faults: &[Fault]) -> Result<ExitCode> {
    if context.is_json() {
        show::json(&json!({"faults": faults.iter().map(Fault::json).collect::<Vec<_>>()}))?;
    } else {
        faults.iter().for_each(|fault| eprintln!("{fault}"));
        eprintln!("{} faults; no challenge was made", faults.len());
    }
    Ok(ExitCode::Failed)
}

impl Fault {
    /// What a refused batch says of one of its lines. Errors: the refusal itself, if it is about none.
    fn of_refusal(batch: &[Row], refusal: Error) -> Result<Self> {
        let place = refusal.field().and_then(|field| field.strip_prefix("/items/")).and_then(|rest| {
            let (item, field) = rest.split_once('/').unwrap_or((rest, ""));
            Some((item.parse::<usize>().ok()?, field.to_owned()))
        });
        match place.and_then(|(item, field)| Some((batch.get(item)?.line, field))) {
            Some((line, field)) => {
                let code = crate::outbound::server_code(&refusal).unwrap_or("refused").to_owned();
                Ok(Self { line, field, code, detail: refusal.detail().to_owned() })
            }
            None => Err(refusal),
        }
    }

    fn of_answer(batch: &[Row], fault: &Value) -> Option<Self> {
        let item = usize::try_from(fault["item"].as_u64()?).ok()?;
        let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        let field = text("pointer");
        let field = field.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        Some(Self { line: batch.get(item)?.line, field, code: text("code"), detail: text("detail") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_by_number_and_by_size() {
        let rows = |n: usize, size| -> Vec<Row> {
            (0..n).map(|line| Row { line: line as u64, body: Value::Null, size }).collect()
        };
        let sizes = |rows: &[Row]| batches(rows).iter().map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&rows(250, 10)), [100, 100, 50]);
        assert_eq!(sizes(&rows(5, 20 * 1024)), [2, 2, 1]);
        assert_eq!(sizes(&rows(2, 60 * 1024)), [1, 1]);
        assert!(sizes(&[]).is_empty());
    }

    #[test]
    fn a_refusal_of_a_line_is_told_with_its_line() {
        let batch =
            [Row { line: 2, body: Value::Null, size: 1 }, Row { line: 7, body: Value::Null, size: 1 }];
        let refusal = Error::invalid("refused", "no control characters").at("/items/1/subject");
        let fault = Fault::of_refusal(&batch, refusal).unwrap();
        assert_eq!(fault.to_string(), "line 7, subject: no control characters");
        let other = Error::invalid("refused", "no").at("/dry_run");
        assert_eq!(Fault::of_refusal(&batch, other).unwrap_err().detail(), "no");
        let answer = json!({"item": 0, "pointer": "/items/0/sans/1", "code": "bad-san", "detail": "no name"});
        assert_eq!(Fault::of_answer(&batch, &answer).unwrap().to_string(), "line 2, sans/1: no name");
    }
}
