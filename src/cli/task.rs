//! `signet task`: scheduled and periodic work.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, Output, client, show};
use crate::error::Result;
use crate::id::RecordId;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet task list --state failed")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List scheduled work; without filters, what is done periodically too
    #[command(after_help = "Examples:\n  signet task list\n  signet task list --state waiting\n  \
        signet task list --kind notice.send --state failed")]
    List {
        /// Only in this state
        #[arg(long)]
        state: Option<State>,
        /// Only of this kind
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one task
    #[command(after_help = "Example:\n  signet task show 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Show {
        /// Its identifier
        id: RecordId,
    },
    /// Run a task now, also one that was given up or cancelled
    #[command(after_help = "Example:\n  signet task run 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Run {
        /// Its identifier
        id: RecordId,
    },
    /// Cancel a task that waits
    #[command(after_help = "Example:\n  signet task cancel 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Cancel {
        /// Its identifier
        id: RecordId,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Waiting,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { state: None, kind: None, paging } if is_for_all(context, &paging) => {
            all(context, &paging).await
        }
        Verb::List { state, kind, paging } => {
            let state = state.map(|s| format!("{s:?}").to_lowercase());
            let filters = page::given(vec![("state", state), ("kind", kind)]);
            page::print(context, ("/tasks", filters), &paging, COLUMNS).await
        }
        Verb::Show { id } => {
            let task = client::connect(context)?.get(&format!("/tasks/{id}"), &[]).await?.json()?;
            show::object(context, &task)?;
            Ok(ExitCode::Done)
        }
        Verb::Run { id } => ordered(context, id, "run", "is due now").await,
        Verb::Cancel { id } => ordered(context, id, "cancel", "is cancelled").await,
    }
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("KIND", "kind"),
    ("ABOUT", "subject"),
    ("STATE", "state"),
    ("DUE", "due"),
    ("TRIED", "attempts"),
    ("SAID", "said"),
];

const PERIODIC: &[show::Column] = &[
    ("PERIODIC", "name"),
    ("LAST", "last"),
    ("MS", "took_ms"),
    ("OK", "ok"),
    ("NEXT", "next"),
    ("SAID", "said"),
];

/// Whether the periodic work is shown too: not in lines for a program, nor on a later page.
fn is_for_all(context: &Context, paging: &Paging) -> bool {
    context.global.output != Output::Csv && paging.cursor.is_none()
}

/// What is done periodically, then what is scheduled.
async fn all(context: &Context, paging: &Paging) -> Result<ExitCode> {
    let api = client::connect(context)?;
    let periodic = api.get("/tasks/periodic", &[]).await?.json()?;
    let mut tasks = page::fetch(&api, "/tasks", Vec::new(), paging).await?;
    if context.is_json() {
        tasks["periodic"] = periodic["items"].clone();
        show::json(&tasks)?;
    } else {
        show::list(context, &periodic, PERIODIC, "--cursor")?;
        println!();
        show::list(context, &tasks, COLUMNS, "--cursor")?;
    }
    Ok(ExitCode::Done)
}

async fn ordered(context: &Context, id: RecordId, verb: &str, sentence: &str) -> Result<ExitCode> {
    let answer = client::connect(context)?.post(&format!("/tasks/{id}/{verb}"), &json!({})).await?.json()?;
    show::done(context, &answer, &format!("the task {id} {sentence}"))?;
    Ok(ExitCode::Done)
}
