//! `signet trust release`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::trust::records::ListKind;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet trust release list hq")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List releases, newest first
    #[command(after_help = "Example:\n  signet trust release list hq --list itl")]
    List {
        /// The cluster
        cluster: ClusterId,
        /// Only of this list: ctl or itl
        #[arg(long)]
        list: Option<ListKind>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a release, with what stands in it
    #[command(
        after_help = "Examples:\n  signet trust release show hq itl\n  signet trust release show hq ctl 3"
    )]
    Show(Which),
    /// What changed since an earlier release, in words
    #[command(after_help = "Examples:\n  signet trust release diff hq itl\n  \
        signet trust release diff hq itl 7 --since 3")]
    Diff {
        #[command(flatten)]
        which: Which,
        /// The earlier one; without it: the one before
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        since: Option<u32>,
    },
    /// Write a release's file, as phones fetch it
    #[command(after_help = "Example:\n  signet trust release download hq itl --out ITLFile.tlv")]
    Download {
        #[command(flatten)]
        which: Which,
        /// The file to write; without it: standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The cluster
    cluster: ClusterId,
    /// Which list: ctl or itl
    list: ListKind,
    /// The release; without it: the current one
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    number: Option<u32>,
}

impl Which {
    fn path(&self) -> String {
        let number = self.number.map_or_else(|| "current".to_owned(), |number| number.to_string());
        format!("/clusters/{}/releases/{}/{number}", self.cluster, self.list)
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { cluster, list, paging } => {
            let filters = page::given(vec![("list", list.map(|list| list.to_string()))]);
            let path = format!("/clusters/{cluster}/releases");
            return page::print(context, (&path, filters), &paging, COLUMNS).await;
        }
        Verb::Show(which) => {
            let release = client::connect(context)?.get(&which.path(), &[]).await?.json()?;
            show_one(context, release)?;
        }
        Verb::Diff { which, since } => diff(&which, since, context).await?,
        Verb::Download { which, out } => {
            let file = client::connect(context)?.get(&format!("{}/file", which.path()), &[]).await?.body;
            match &out {
                Some(path) => input::write_whole(path, &file)?,
                None if context.is_json() => return Err(no_out()),
                None => input::write(None, &file)?,
            }
            if let Some(path) = out {
                let answer = json!({"file": path.display().to_string(), "bytes": file.len()});
                show::done(context, &answer, &format!("wrote {} ({} bytes)", path.display(), file.len()))?;
            }
        }
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("LIST", "list"),
    ("NUMBER", "number"),
    ("CERTIFICATES", "certificates"),
    ("BYTES", "bytes"),
    ("PUBLISHED", "published"),
    ("BY", "published_by"),
    ("FILE SHA-256", "file_sha256"),
];

const MEMBERS: &[show::Column] =
    &[("ROLES", "roles"), ("SUBJECT", "subject"), ("SERIAL", "serial"), ("EXPIRES", "not_after")];

/// A release; what stands in it follows as a table.
fn show_one(context: &Context, mut release: Value) -> Result<()> {
    if context.is_json() {
        return show::json(&release);
    }
    let members = release.as_object_mut().and_then(|fields| fields.remove("members"));
    show::object(context, &release)?;
    if let Some(members) = members.as_ref().and_then(Value::as_array) {
        print!("\n{}", show::table(members, MEMBERS));
    }
    Ok(())
}

async fn diff(which: &Which, since: Option<u32>, context: &Context) -> Result<()> {
    let query = page::given(vec![("since", since.map(|number| number.to_string()))]);
    let path = format!("{}/changes", which.path());
    let answer = client::connect(context)?.get(&path, &query).await?.json()?;
    if context.is_json() {
        return show::json(&answer);
    }
    let (list, since, number) = (&answer["list"], &answer["since"], &answer["number"]);
    println!("{}: from release {since} to {number}", show::text(list));
    for change in answer["changes"].as_array().into_iter().flatten() {
        println!("  {}", show::text(change));
    }
    Ok(())
}

fn no_out() -> Error {
    crate::cli::usage("a file does not go into JSON: name it with --out FILE")
}
