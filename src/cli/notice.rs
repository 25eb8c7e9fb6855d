//! `signet notice`: what expires and was told, and whom.

use clap::Subcommand;
use serde_json::json;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;
use crate::id::{ProfileId, Serial};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet notice list")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List notices, newest first
    #[command(after_help = "Examples:\n  signet notice list --limit 20\n  signet notice list --serial 3F0A")]
    List {
        /// Only of the certificate with this serial number
        #[arg(long)]
        serial: Option<Serial>,
        #[command(flatten)]
        paging: Paging,
    },
    /// List whom notices are sent to (policies/notices.toml)
    #[command(after_help = "Example:\n  signet notice channels")]
    Channels,
    /// Send a test message to a channel, now
    #[command(after_help = "Example:\n  signet notice test operations\n\n\
        Exit code 1 and the reason if it does not arrive.")]
    Test {
        /// The channel's name in policies/notices.toml
        channel: ProfileId,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { serial, paging } => {
            let filters = page::given(vec![("serial", serial.map(|serial| serial.to_string()))]);
            page::print(context, ("/notices", filters), &paging, COLUMNS).await
        }
        Verb::Channels => {
            let answer = client::connect(context)?.get("/notices/channels", &[]).await?.json()?;
            show::list(context, &answer, CHANNELS, "--cursor")?;
            Ok(ExitCode::Done)
        }
        Verb::Test { channel } => {
            let path = format!("/notices/channels/{channel}/test");
            let answer = client::connect(context)?.post(&path, &json!({})).await?.json()?;
            show::done(context, &answer, &format!("sent a test to {}", show::text(&answer["to"])))?;
            Ok(ExitCode::Done)
        }
    }
}

const COLUMNS: &[show::Column] = &[
    ("GIVEN", "at"),
    ("DAYS LEFT", "days_left"),
    ("EXPIRES", "not_after"),
    ("ABOUT", "about"),
    ("SUBJECT", "subject"),
    ("SERIAL", "serial"),
    ("CA", "ca"),
    ("PROFILE", "profile"),
];

const CHANNELS: &[show::Column] =
    &[("CHANNEL", "name"), ("TYPE", "type"), ("TO", "to"), ("USED", "enabled"), ("FAULT", "fault")];
