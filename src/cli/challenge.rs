//! `signet challenge`: one-time challenge passwords.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::id::{ProfileId, RecordId};

mod import;
mod rows;
mod sheet;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet challenge create --profile scep-device --subject CN=gw1")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a challenge for one device; the secret alone goes to standard output, once
    #[command(
        after_help = "Example:\n  signet challenge create --profile scep-device \\\n      --subject \"CN=SEP001122334455\" \\\n      --san dns:sep001122334455.example.org --ttl 1h"
    )]
    Create(Create),
    /// Make challenges for every line of a CSV file, all checked before the first is made
    #[command(
        after_help = "Example:\n  printf 'subject,san\\nCN=gw1,dns:gw1.example.org\\n' > devices.csv\n  signet challenge import devices.csv --profile scep-device \\\n      --ttl 7d --out challenges.csv\n\nSeveral names of one device are separated by semicolons; a subject that\nholds a comma stands in quotes."
    )]
    Import(import::Import),
    /// List challenges; a secret is never shown again
    #[command(after_help = "Example:\n  signet challenge list --state unused --output json")]
    List {
        /// Only for this profile
        #[arg(long)]
        profile: Option<ProfileId>,
        /// Only in this state
        #[arg(long)]
        state: Option<State>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Withdraw a challenge that was not used
    #[command(after_help = "Example:\n  signet challenge withdraw 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Withdraw {
        /// Its identifier, from the list
        id: RecordId,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Unused,
    Used,
    Expired,
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The profile it is for
    #[arg(long)]
    profile: ProfileId,
    /// The subject it is for, as CN=SEP001122334455,O=Acme
    #[arg(long, value_name = "DN")]
    subject: String,
    /// An alternative name it is for, as dns:host.example or ip:10.0.0.1; repeat for more
    #[arg(long, value_name = "TYPE:VALUE")]
    san: Vec<String>,
    /// How long it lives: 30m, 1h, 7d (at most 30d)
    #[arg(long, default_value = "1h", allow_hyphen_values = true, value_parser = input::duration)]
    ttl: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Create(new) => create(new, context).await,
        Verb::Import(args) => import::run(args, context).await,
        Verb::List { profile, state, paging } => {
            let state = state.map(|s| format!("{s:?}").to_lowercase());
            let filters = page::given(vec![("profile", profile.map(|p| p.to_string())), ("state", state)]);
            page::print(context, ("/challenges", filters), &paging, COLUMNS).await
        }
        Verb::Withdraw { id } => {
            client::connect(context)?.delete(&format!("/challenges/{id}")).await?;
            let withdrawn = json!({"id": id.to_string(), "state": "withdrawn"});
            show::done(context, &withdrawn, &format!("withdrew the challenge {id}"))?;
            Ok(ExitCode::Done)
        }
    }
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("PROFILE", "profile"),
    ("SUBJECT", "subject"),
    ("STATE", "state"),
    ("EXPIRES", "expires"),
    ("USED FOR", "used_for"),
];

async fn create(new: Create, context: &Context) -> Result<ExitCode> {
    let body =
        json!({"profile": new.profile.as_str(), "subject": new.subject, "sans": new.san, "ttl": new.ttl});
    let made = client::connect(context)?.post("/challenges", &body).await?.json()?;
    if context.is_json() {
        show::json(&made)?;
    } else {
        println!("{}", made["challenge"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::Done)
}
