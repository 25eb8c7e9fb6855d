//! `signet cert revoke` and `release`: one certificate, or many by name, CSV file or filter.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::ca::records::serials::Reference;
use crate::cli::{Context, ExitCode, Output, client, input, show, usage};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, ProfileId};
use crate::x509::crl::Reason;

mod many;
mod report;
mod sheet;

/// Its examples.
pub const EXAMPLES: &str = "Examples:\n  signet cert revoke 3F0A… --reason key-compromise\n  \
    signet cert revoke 3F0A… --reason certificate-hold\n  \
    signet cert release 3F0A…\n  \
    signet cert revoke --device SEP001122334455 --reason superseded --dry-run\n  \
    signet cert revoke --search lab --profile tls-server --reason superseded\n  \
    signet cert revoke --csv stolen.csv --reason key-compromise --yes\n\n\
    Filters are those of signet cert list; all that are given must hold, and\n\
    without --status good ones are meant. A CSV file has the column serial (and,\n\
    if wanted, ca) or fingerprint; others are passed over, so that the output of\n\
    signet cert list --output csv is one. What would be revoked is counted and\n\
    asked for before it is done (--yes: not asked). A run that broke off is\n\
    repeated as it was: what is revoked already is not touched. The exit code is\n\
    1 if some were refused.";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serial numbers, hexadecimal (CA.SERIAL if several CAs gave it)
    serials: Vec<Reference>,
    /// Those that this CSV file names
    #[arg(long, value_name = "FILE", conflicts_with = "serials")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    how: How,
    /// Certificates of Signet's own may be among those that are named
    #[arg(long)]
    own: bool,
    /// Only say what would be revoked
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Why and since when.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Why (RFC 5280 §5.3.1)
    #[arg(long, value_parser = reason, value_name = "REASON", default_value = "unspecified",
        help = format!("Why: {}", reasons()))]
    pub reason: Reason,
    /// When, as 2027-01-01T00:00:00Z; now without it
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    date: Option<Timestamp>,
    /// Since when the key is thought to have been invalid
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    invalidity_date: Option<Timestamp>,
}

impl How {
    /// As the API takes it.
    pub fn body(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({"reason": self.reason.as_str(), "date": time(self.date),
            "invalidity_date": time(self.invalidity_date)})
    }
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Those with words of subject and alternative names that begin so
    #[arg(long, value_name = "WORD")]
    search: Option<String>,
    /// Those of this device
    #[arg(long)]
    device: Option<String>,
    /// Those of this profile
    #[arg(long)]
    profile: Option<ProfileId>,
    /// Those that this CA signed
    #[arg(long = "by", value_name = "CA")]
    ca: Option<CaId>,
    /// Those with this status
    #[arg(long)]
    status: Option<Status>,
    /// Those that expire at or after this time
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    expires_after: Option<Timestamp>,
    /// Those that expire before this time
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    expires_before: Option<Timestamp>,
    /// Those that expire within this time, as 30d
    #[arg(long, value_name = "TIME", value_parser = input::duration,
        conflicts_with_all = ["expires_after", "expires_before"])]
    expires_within: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Good,
    Revoked,
    Expired,
}

impl Filter {
    /// As the API takes it; none if nothing is given.
    fn body(&self) -> Option<Value> {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let given = [
            ("q", self.search.clone()),
            ("device", self.device.clone()),
            ("profile", self.profile.as_ref().map(ToString::to_string)),
            ("ca", self.ca.as_ref().map(ToString::to_string)),
            ("status", self.status.map(|s| format!("{s:?}").to_lowercase())),
            ("expires_after", time(self.expires_after)),
            ("expires_before", time(self.expires_before)),
            ("expires_within", self.expires_within.clone()),
        ];
        let given: serde_json::Map<_, _> =
            given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
        (!given.is_empty()).then_some(Value::Object(given))
    }
}

/// Runs `revoke`.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let selection = match (&args.serials[..], &args.csv, args.filter.body()) {
        ([only], None, None) if !args.dry_run && context.global.output != Output::Csv => {
            return one(only, &args, context).await;
        }
        ([], None, None) => {
            return Err(usage("name serial numbers, --csv FILE, or a filter as --device NAME"));
        }
        ([], None, Some(filter)) => many::Selection::Filter(filter),
        ([], Some(file), None) => many::Selection::Names(sheet::read(file)?),
        (names, None, None) => many::Selection::Names(names.iter().map(ToString::to_string).collect()),
        (_, _, Some(_)) => return Err(usage("either names or a filter, not both")),
        (_, Some(_), None) => return Err(usage("either serial numbers or --csv, not both")),
    };
    let mut how = args.how.body();
    how["own"] = args.own.into();
    many::Work { context, how, dry_run: args.dry_run, yes: args.yes }.run(selection).await
}

async fn one(serial: &Reference, args: &Args, context: &Context) -> Result<ExitCode> {
    let mut body = args.how.body();
    body["own"] = args.own.into();
    let path = format!("/certificates/{serial}/revoke");
    let revoked = client::connect(context)?.post(&path, &body).await?.json()?;
    let number = number(&revoked)?;
    show::done(context, &revoked, &format!("revoked {number} ({})", args.how.reason.as_str()))?;
    Ok(ExitCode::Done)
}

/// Runs `release`.
pub async fn release(serial: &Reference, context: &Context) -> Result<ExitCode> {
    let path = format!("/certificates/{serial}/release");
    let released = client::connect(context)?.post(&path, &json!({})).await?.json()?;
    let number = number(&released)?;
    show::done(context, &released, &format!("released {number}: it is good again"))?;
    Ok(ExitCode::Done)
}

fn number(answer: &Value) -> Result<&str> {
    answer["serial"].as_str().ok_or_else(|| {
        Error::new(Kind::Unreachable, "bad-answer", "the server did not say what it revoked or released")
    })
}

fn reason(text: &str) -> Result<Reason> {
    text.parse()
}

fn reasons() -> String {
    Reason::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
}
