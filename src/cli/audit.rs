//! `signet audit`: what happened, and whether the log still says so.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::{Context, ExitCode, client, input, page, show};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet audit list --limit 20")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List entries, newest first
    #[command(after_help = "Examples:\n  signet audit list --limit 20\n  \
        signet audit list --subject certificate:3F0A… --output json")]
    List(List),
    /// Prove that no entry was altered, removed or reordered
    #[command(after_help = "Example:\n  signet audit verify --head /safe/place/head.json\n\n\
        DIR/audit/head.json is signed every minute;\n\
        a copy kept elsewhere shows a log that was cut or rewritten.")]
    Verify {
        /// A signed head that was kept elsewhere
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only about this, as certificate:3F0A… or ca:rsa-issuing
    #[arg(long, value_name = "KIND:ID")]
    subject: Option<String>,
    /// Only this action, as certificate.issue
    #[arg(long, conflicts_with = "subject")]
    action: Option<String>,
    /// Only entries of this time or later, as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    since: Option<Timestamp>,
    /// Only entries before this time
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    until: Option<Timestamp>,
    /// Only entries below this number
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List(list) => {
            let mut query = page::given(vec![
                ("subject", list.subject),
                ("action", list.action),
                ("since", list.since.map(|at| at.to_string())),
                ("until", list.until.map(|at| at.to_string())),
                ("before", list.before.map(|seq| seq.to_string())),
            ]);
            query.push(("limit", list.limit.to_string()));
            let found = client::connect(context)?.get("/audit", &query).await?.json()?;
            show::list(context, &found, COLUMNS, "--before")?;
            Ok(ExitCode::Done)
        }
        Verb::Verify { head } => verify(head, context).await,
    }
}

const COLUMNS: &[show::Column] = &[
    ("SEQ", "seq"),
    ("TIME", "at"),
    ("ACTOR", "actor"),
    ("ACTION", "action"),
    ("SUBJECT", "subject"),
    ("OUTCOME", "outcome"),
    ("DETAILS", "details"),
];

async fn verify(head: Option<PathBuf>, context: &Context) -> Result<ExitCode> {
    let head: Option<Value> = head.map(|file| read_head(&file)).transpose()?;
    let body = head.as_ref().map_or_else(|| json!({}), |head| json!({ "head": head }));
    let report = match client::look_if_running(context, "/audit/verify", &body).await? {
        Some(report) => report,
        None => crate::server::offline::verify_audit(&context.data()?, head).await?,
    };
    show::report(context, &report, "intact")
}

fn read_head(file: &std::path::Path) -> Result<Value> {
    serde_json::from_str(&input::text(file)?).map_err(|e| {
        Error::invalid("bad-head", format!("{} is not a signed head", file.display())).because(e)
    })
}
