//! `signet phone`: simulated phones.

use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, show, usage};
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::phone::fleet::{Report, Site, boot_all};
use crate::phone::keys::Keys;
use crate::phone::{Phone, World};

/// Each of these many phones shares its RSA key with others.
const KEYS: usize = 32;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet phone simulate --count 25 --lists 127.0.0.1:6970 \\\n      \
    --capf 127.0.0.1:3804 --string 1234")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Boot simulated phones: lists, CAPF, TVS, signed configuration, alarms
    ///
    /// A phone accepts a list as a phone of the field does: the first on trust, later ones if their signer is
    /// known or TVS vouches for it. With --boots it boots again and keeps what it has.
    #[command(after_help = "Examples:\n  signet phone simulate --lists 127.0.0.1:6970 --boots 2\n  \
        signet phone simulate --count 10000 --capf 127.0.0.1:3804 --at-once 64")]
    Simulate(Simulate),
}

#[derive(Debug, clap::Args)]
struct Simulate {
    /// How many phones
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// The name of the first phone; the others count up
    #[arg(long, default_value = "SEP000000000001", value_name = "NAME")]
    first: String,
    /// Their model
    #[arg(long, default_value = "8845", value_name = "MODEL")]
    model: String,
    /// Where lists and configuration files are (HTTP)
    #[arg(long, value_name = "HOST:PORT")]
    lists: Option<String>,
    /// Whether the signed configuration file must be there
    #[arg(long, requires = "lists")]
    configuration: bool,
    /// Where CAPF is
    #[arg(long, value_name = "HOST:PORT")]
    capf: Option<String>,
    /// Where TVS is
    #[arg(long, value_name = "HOST:PORT")]
    tvs: Option<String>,
    /// Where alarms go (syslog over UDP)
    #[arg(long, value_name = "HOST:PORT")]
    alarms: Option<String>,
    /// The authentication string that is typed in on every phone
    #[arg(long, value_name = "DIGITS")]
    string: Option<String>,
    /// The phones make no EC keys
    #[arg(long)]
    only_rsa: bool,
    /// How often each boots
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    boots: u32,
    /// How many boot at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    at_once: u32,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Simulate(wanted) => simulate(wanted, context).await,
    }
}

async fn simulate(wanted: Simulate, context: &Context) -> Result<ExitCode> {
    if wanted.lists.is_none() && wanted.capf.is_none() {
        return Err(usage("say where the phones go: --lists, --capf or both"));
    }
    let mut phones = phones(&wanted)?;
    let (count, at_once) = (wanted.count as usize, wanted.at_once as usize);
    let world = World {
        lists: wanted.lists,
        capf: wanted.capf,
        tvs: wanted.tvs,
        configuration: wanted.configuration,
    };
    let keys = Keys::with(count.min(KEYS)).map_err(|fault| Error::internal(fault.to_string()))?;
    let site = Arc::new(Site { world, alarms: wanted.alarms, keys, at_once });
    let mut ended = ExitCode::Done;
    for number in 1..=wanted.boots {
        let begun = Stopwatch::start();
        let mut progress = Progress::new("booted", Some(u64::from(wanted.count)));
        let booted = boot_all(phones, &site, |_, boot| {
            let failed = u64::from(boot.fault().is_some());
            progress.add(1 - failed, failed);
        });
        let (after, report) = booted.await.map_err(|fault| Error::internal(fault.to_string()))?;
        progress.end();
        phones = after;
        say(context, number, &report, begun.elapsed().as_secs_f64())?;
        if report.well < report.phones {
            ended = ExitCode::Failed;
        }
    }
    Ok(ended)
}

/// The phones, counted up from the first one's number.
fn phones(wanted: &Simulate) -> Result<Vec<Phone>> {
    let digits = wanted.first.strip_prefix("SEP").filter(|digits| digits.len() == 12);
    let first = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let first = first.ok_or_else(|| {
        Error::invalid("invalid-device-name", "the first phone is named SEP and 12 hexadecimal digits")
            .at("--first")
    })?;
    let numbers = first..first + u64::from(wanted.count);
    Ok(numbers
        .map(|number| Phone {
            string: wanted.string.clone(),
            only_rsa: wanted.only_rsa,
            ..Phone::new(format!("SEP{number:012X}"), wanted.model.clone())
        })
        .collect())
}

fn say(context: &Context, number: u32, report: &Report, seconds: f64) -> Result<()> {
    if context.is_json() {
        return show::json(&json!({
            "boot": number,
            "phones": report.phones,
            "well": report.well,
            "served_by_capf": report.served_by_capf,
            "with_certificate": report.with_certificate,
            "locked_out": report.locked_out,
            "alarms": report.alarms,
            "faults": report.faults,
            "failed": report.failed,
            "seconds": seconds,
        }));
    }
    println!(
        "boot {number}: {} of {} phones took everything, {} served by CAPF, {} hold a certificate, {} locked out, {seconds:.1} s",
        report.well, report.phones, report.served_by_capf, report.with_certificate, report.locked_out,
    );
    for (alarm, count) in &report.alarms {
        println!("  {alarm}: {count}");
    }
    for (fault, count) in &report.faults {
        println!("  {count} failed: {fault}");
    }
    Ok(())
}
