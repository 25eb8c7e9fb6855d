//! `signet cert due`: what is to be renewed.

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::error::Result;
use crate::id::ProfileId;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those past the late point of their profile
    #[arg(long, conflicts_with = "vanished")]
    late: bool,
    /// Those that expired without being renewed, in the last 90 days
    #[arg(long)]
    vanished: bool,
    /// Only of this profile
    #[arg(long, conflicts_with = "count")]
    profile: Option<ProfileId>,
    /// Only how many are due, late and vanished
    #[arg(long, conflicts_with_all = ["late", "vanished", "limit", "cursor"])]
    count: bool,
    #[command(flatten)]
    paging: Paging,
}

const COLUMNS: &[show::Column] = &[
    ("SERIAL", "serial"),
    ("SUBJECT", "subject"),
    ("PROFILE", "profile"),
    ("RENEWAL", "renewal"),
    ("DUE", "due_at"),
    ("EXPIRES", "not_after"),
];

/// Lists, or counts.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    if args.count {
        let found = client::connect(context)?.get("/certificates/summary", &[]).await?.json()?;
        show::object(context, &found)?;
        return Ok(ExitCode::Done);
    }
    let state = match (args.late, args.vanished) {
        (true, _) => "late",
        (_, true) => "vanished",
        (false, false) => "due",
    };
    let filters = page::given(vec![
        ("renewal", Some(state.to_owned())),
        ("profile", args.profile.as_ref().map(ToString::to_string)),
    ]);
    page::print(context, ("/certificates", filters), &args.paging, COLUMNS).await
}
