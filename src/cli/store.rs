//! `signet store`: the store itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use crate::cli::{Context, ExitCode, show};
use crate::error::{Error, Result};
use crate::storage::bench::{Measured, Plan, run as measure};
use crate::storage::{self, EngineKind};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet store bench --dir /var/lib")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measure durable commits on the disk that holds a folder; needs no server and leaves nothing behind
    #[command(after_help = "Example:\n  signet store bench --dir /var/lib --writers 1 --writers 64")]
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
struct Bench {
    /// A folder on the disk to measure; a temporary one is made in it
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// How many writers at once; repeat for several
    #[arg(long, default_values_t = [1, 8, 64, 256], value_parser = clap::value_parser!(u16).range(1..=1024))]
    writers: Vec<u16>,
    /// For how many seconds each
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// The length of a record in bytes
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    body: u32,
    /// Which store: redb or sled
    #[arg(long, default_value = "redb")]
    store: EngineKind,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let Verb::Bench(bench) = args.verb;
    let unusable =
        |e: std::io::Error| Error::storage(format!("cannot use {}", bench.dir.display())).because(e);
    let name = format!(".signet-bench-{}", std::process::id());
    let folder = bench.dir.join(name);
    std::fs::create_dir(&folder).map_err(unusable)?;
    let measured = all(&bench, &folder, context).await;
    std::fs::remove_dir_all(&folder).map_err(unusable)?;
    if context.is_json() {
        show::json(&json!({"items": measured?.iter().map(row).collect::<Vec<_>>()}))?;
    } else {
        measured?;
    }
    Ok(ExitCode::Done)
}

async fn all(bench: &Bench, folder: &std::path::Path, context: &Context) -> Result<Vec<Measured>> {
    let store = storage::create(folder, bench.store)?;
    let mut found = Vec::new();
    for &writers in &bench.writers {
        let plan = Plan {
            writers: writers.into(),
            time: Duration::from_secs(bench.seconds.into()),
            body: bench.body as usize,
        };
        let measured = measure(store.clone(), &context.clock, &context.random, plan).await?;
        if !context.is_json() {
            println!("{measured}");
        }
        found.push(measured);
    }
    store.close().await?;
    Ok(found)
}

fn row(measured: &Measured) -> serde_json::Value {
    json!({
        "writers": measured.writers,
        "commits": measured.commits,
        "commits_per_second": measured.rate(),
        "p50_ms": measured.p50.as_secs_f64() * 1e3,
        "p99_ms": measured.p99.as_secs_f64() * 1e3,
        "cpu_us_per_commit": measured.cpu_micros(),
    })
}
