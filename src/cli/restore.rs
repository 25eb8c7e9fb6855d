//! `signet restore`: a data folder from a backup.

use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::ca::recover::JUMP;
use crate::cli::{Context, ExitCode, backup, serving, show, usage};
use crate::error::{Error, Result};
use crate::server::backup::Verified;
use crate::server::layout::Layout;
use crate::server::password::{self, Purpose};
use crate::server::restore::{self, Outcome};
use crate::server::setup::Site;
use crate::storage::{self, EngineKind};
use crate::store::Db;

mod crls;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet restore signet.backup --data /var/lib/signet \\\n      \
    --crl http://pki.example.org/crl/rsa-root.crl \\\n      \
    --crl http://pki.example.org/crl/rsa-issuing.crl \\\n      \
    --crl ec-root.crl --crl ec-issuing.crl\n\n\
    The CRLs are the last that each CA published, wherever one was kept: what was\n\
    revoked after the backup stays revoked, and CRL numbers go on from theirs. On\n\
    a terminal they are asked for.")]
pub struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The last CRL that a CA published: a file, or its http(s) address; repeat for each CA
    #[arg(long = "crl", value_name = "FILE|URL")]
    crls: Vec<String>,
    /// Go on without those that are not given: the numbers of their next CRLs jump by 2^20
    #[arg(long)]
    without_crl: bool,
    /// A file with the security password that was in force when the backup was made (mode 0600);
    /// else the systemd credential, else DIR/security-password, else asked for
    #[arg(long, env = "SIGNET_SECURITY_PASSWORD_FILE", value_name = "FILE")]
    security_password_file: Option<PathBuf>,
    /// The store's engine, redb or sled; the backup may come from the other
    #[arg(long, env = "SIGNET_STORE", value_name = "ENGINE", default_value = "redb")]
    store: EngineKind,
    /// Leave challenges and devices' strings as they were: those used since the backup can then be used again
    #[arg(long)]
    keep_challenges: bool,
}

/// Runs the verb. Errors: `usage`, `already-initialised`, `folder-in-use`, those of its parts; the folder is then as it was.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let may_ask = std::io::stdin().is_terminal();
    if args.crls.is_empty() && !args.without_crl && !may_ask {
        return Err(usage(format!(
            "give the last CRL that each CA published (--crl FILE|URL, repeated), or --without-crl: then what was \
             revoked since the backup is not known, and the CRL numbers jump by {JUMP}"
        )));
    }
    let layout = serving::layout(context)?;
    restore::refuse_settings(&layout)?;
    let site = Site::prepare(&layout)?;
    let done = match build(&args, context, (&layout, &site), may_ask).await {
        Ok(done) => done,
        Err(error) => {
            site.abandon();
            return Err(error);
        }
    };
    site.finish()?;
    tell(&args, context, &layout, &done)?;
    Ok(ExitCode::Done)
}

/// What was restored.
struct Done {
    unpacked: Verified,
    outcome: Outcome,
    policies: Option<PathBuf>,
}

async fn build(
    args: &Args,
    context: &Context,
    (layout, site): (&Layout, &Site<'_>),
    may_ask: bool,
) -> Result<Done> {
    let file = backup::open(&args.file)?;
    let password = password::find(args.security_password_file.as_deref(), layout, Purpose::Open)
        .map_err(|e| if e.code() == "no-password" { usage(e.detail()) } else { e })?;
    let building = site.clear()?;
    eprintln!("reading {} …", args.file.display());
    let (inside, engine) = (building.clone(), args.store);
    let task = tokio::task::spawn_blocking(move || {
        restore::unpack(BufReader::new(file), &password, &inside, engine)
    });
    let unpacked = task.await.unwrap_or_else(|e| Err(Error::internal("the restore broke off").because(e)))?;
    for finding in &unpacked.report.findings {
        eprintln!("signet: found in the backup, and restored as it is: {finding}");
    }
    let policies = restore::adjust_settings(&building, args.store)?;
    let db = Db::new(storage::open(building.dir(), Some(args.store))?);
    let outcome = reconcile(args, context, &db, &unpacked, may_ask).await;
    db.raw().close().await?;
    Ok(Done { unpacked, outcome: outcome?, policies })
}

async fn reconcile(
    args: &Args,
    context: &Context,
    db: &Db,
    unpacked: &Verified,
    may_ask: bool,
) -> Result<Outcome> {
    let now = context.clock.now();
    let (taken, jumped) = crls::take_over(db, now, &args.crls, args.without_crl, may_ask).await?;
    let outcome = Outcome { taken, jumped, challenges: 0, device_strings: 0 };
    restore::settle(db, now, unpacked, args.keep_challenges, outcome).await
}

fn tell(args: &Args, context: &Context, layout: &Layout, done: &Done) -> Result<()> {
    let dir = layout.dir().display().to_string();
    if context.is_json() {
        return show::json(&document(&dir, done));
    }
    let Done { unpacked, outcome, policies } = done;
    println!("Restored into {dir}: {} records, as of {}.", unpacked.end.records, unpacked.begin.made);
    for crl in &outcome.taken {
        println!("  {}: goes on above CRL {}; {} revocations were new", crl.ca, crl.number, crl.new);
    }
    for crl in &outcome.jumped {
        println!("  {}: no CRL was given; its number jumps by {JUMP}, to above {}", crl.ca, crl.number);
    }
    if outcome.challenges > 0 {
        println!("  {} challenges that were not used at the backup are ended", outcome.challenges);
    }
    if outcome.device_strings > 0 {
        let ended = outcome.device_strings;
        println!(
            "  {ended} operations of devices that waited for an authentication string, or needed no proof \
             (null-string), are ended: set them again"
        );
    }
    if let Some(folder) = policies {
        println!("  the policies stand in {dir}/policies now, not in {}", folder.display());
    }
    println!("API tokens that were revoked since the backup work again: look through signet token list.");
    println!("Files of phones are not in a backup: sign the configuration files again (signet file sign).");
    println!("Serve it:\n  signet serve --data {dir}{}", named(args.security_password_file.as_deref()));
    Ok(())
}

fn named(password: Option<&Path>) -> String {
    password.map(|file| format!(" --security-password-file {}", file.display())).unwrap_or_default()
}

fn document(dir: &str, done: &Done) -> serde_json::Value {
    let taken = done.outcome.taken.iter();
    let taken: Vec<_> =
        taken.map(|t| json!({"ca": t.ca.as_str(), "number": t.number, "new": t.new})).collect();
    let jumped = done.outcome.jumped.iter();
    let jumped: Vec<_> = jumped.map(|j| json!({"ca": j.ca.as_str(), "number": j.number})).collect();
    json!({
        "data": dir,
        "made": done.unpacked.begin.made,
        "records": done.unpacked.end.records,
        "findings": done.unpacked.report.findings,
        "crls": taken,
        "jumped": jumped,
        "challenges_ended": done.outcome.challenges,
        "device_strings_ended": done.outcome.device_strings,
    })
}
