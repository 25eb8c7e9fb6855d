//! `signet request`: requests that wait for an operator, and requests that were refused.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;
use crate::id::RecordId;

mod refused;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet request list --state pending")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List requests that wait or waited for an operator, or that were refused
    #[command(after_help = "Examples:\n  signet request list --state pending\n  \
        signet request list --refused --profile scep-device --since 24h")]
    List {
        /// Only in this state
        #[arg(long)]
        state: Option<State>,
        #[command(flatten)]
        filters: refused::Filters,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one request that waits or waited, with its PKCS#10
    #[command(after_help = "Example:\n  signet request show 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Show {
        /// Its identifier
        id: RecordId,
    },
    /// Say why a request was refused, and what to change on which side
    #[command(after_help = "Example:\n  signet request explain 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Explain {
        /// Its identifier
        id: RecordId,
    },
    /// Try a refused request against today's policy, without issuing
    #[command(after_help = "Example:\n  signet request replay 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f\n\n\
        Exit code 1 if it would be refused again.")]
    Replay {
        /// Its identifier
        id: RecordId,
    },
    /// Approve a request: exactly what was asked for is issued
    #[command(after_help = "Example:\n  signet request approve 0199f2c4-… --comment \"ticket 4711\"")]
    Approve(Decide),
    /// Deny a request
    #[command(after_help = "Example:\n  signet request deny 0199f2c4-… --comment \"unknown device\"")]
    Deny(Decide),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Pending,
    Issued,
    Denied,
}

#[derive(Debug, clap::Args)]
struct Decide {
    /// Its identifier
    id: RecordId,
    /// Why, for the audit log
    #[arg(long)]
    comment: Option<String>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { filters, paging, .. } if filters.is_refused() => {
            refused::list(filters, &paging, context).await
        }
        Verb::Explain { id } => refused::explain(id, context).await,
        Verb::Replay { id } => refused::replay(id, context).await,
        Verb::List { state, paging, .. } => {
            let state = state.map(|s| format!("{s:?}").to_lowercase());
            page::print(context, ("/requests", page::given(vec![("state", state)])), &paging, COLUMNS).await
        }
        Verb::Show { id } => {
            show::object(
                context,
                &client::connect(context)?.get(&format!("/requests/{id}"), &[]).await?.json()?,
            )?;
            Ok(ExitCode::Done)
        }
        Verb::Approve(decide) => decided(decide, "approve", context).await,
        Verb::Deny(decide) => decided(decide, "deny", context).await,
    }
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("PROFILE", "profile"),
    ("SUBJECT", "subject"),
    ("REQUESTER", "requester"),
    ("STATE", "state"),
    ("CREATED", "created"),
];

async fn decided(decide: Decide, verb: &str, context: &Context) -> Result<ExitCode> {
    let body = decide.comment.map_or_else(|| json!({}), |comment| json!({"comment": comment}));
    let path = format!("/requests/{}/{verb}", decide.id);
    let answer = client::connect(context)?.post(&path, &body).await?.json()?;
    let sentence = match answer["certificate"]["serial"].as_str() {
        Some(serial) => format!(
            "approved: certificate {serial} is issued; fetch it: signet cert download {serial} --format chain"
        ),
        None => format!("denied the request {}", decide.id),
    };
    show::done(context, &answer, &sentence)?;
    Ok(ExitCode::Done)
}
