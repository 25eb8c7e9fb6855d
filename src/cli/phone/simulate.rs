//! `signet phone simulate`.

use std::path::PathBuf;
use std::sync::Arc;

use super::keep::Keep;
use super::manufacturer;
use super::said::Said;
use crate::cli::progress::Progress;
use crate::cli::{Context, ExitCode, usage};
use crate::clock::{Clock, Stopwatch};
use crate::error::{Error, Result};
use crate::phone::fleet::{Site, boot_all, shuffled};
use crate::phone::keys::Keys;
use crate::phone::{Fault, Phone, World};

/// Each of these many phones shares its RSA key with others.
const KEYS: usize = 32;
/// So many are made before anybody wonders.
const FEW: usize = 4;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    /// The signed configuration file must be there; a phone with an RSA certificate takes the encrypted one first
    #[arg(long, requires = "lists")]
    configuration: bool,
    /// Where CAPF is
    #[arg(long, value_name = "HOST:PORT")]
    capf: Option<String>,
    /// Where TVS is; a phone knows it from its second boot on
    #[arg(long, value_name = "HOST:PORT")]
    tvs: Option<String>,
    /// Where alarms go (syslog over UDP)
    #[arg(long, value_name = "HOST:PORT")]
    alarms: Option<String>,
    /// The authentication string that is typed in on every phone
    #[arg(long, value_name = "DIGITS")]
    string: Option<String>,
    /// The phones have MICs by the manufacturer of this folder (signet phone manufacturer)
    #[arg(long, value_name = "FOLDER", requires = "capf")]
    manufacturer: Option<PathBuf>,
    /// The phones prove themselves by their MIC although they have an LSC
    #[arg(long, requires = "manufacturer")]
    mic_first: bool,
    /// The phones make no EC keys
    #[arg(long)]
    only_rsa: bool,
    /// The phones take a RetryLater from CAPF; others break off
    #[arg(long, requires = "capf")]
    takes_retry_later: bool,
    /// The phones keep lists, certificates and keys in this file from run to run
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Somebody deletes the lists of the phones first: they trust the next ones
    #[arg(long, requires = "keep")]
    reset: bool,
    /// How often each boots
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    boots: u32,
    /// How many boot at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    at_once: u32,
    /// How many begin in a second, at the most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    per_second: Option<u32>,
    /// They boot in an order drawn from this number, not by name; the same number gives the same order
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs the verb.
pub(super) async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    if args.lists.is_none() && args.capf.is_none() {
        return Err(usage("say where the phones go: --lists, --capf or both"));
    }
    let (count, boots) = (u64::from(args.count), args.boots);
    let mut phones = phones(&args)?;
    let mut keep = Keep::open(args.keep.clone())?;
    keep.recall(&mut phones)?;
    let site = Arc::new(site(&args)?);
    prepare(&mut phones, &args, &site.keys)?;
    let mut said = Said::new(context);
    for number in 1..=boots {
        let begun = Stopwatch::start();
        let mut progress = Progress::new("booted", Some(count));
        let booted = boot_all(phones, &site, |_, boot| {
            let failed = u64::from(boot.fault().is_some());
            progress.add(1 - failed, failed);
        });
        let (after, report) = booted.await.map_err(internal)?;
        progress.end();
        keep.keep(&after)?;
        phones = after;
        said.boot(number, &report, begun.elapsed());
    }
    said.end()
}

fn site(args: &Args) -> Result<Site> {
    let world = World {
        lists: args.lists.clone(),
        capf: args.capf.clone(),
        tvs: args.tvs.clone(),
        configuration: args.configuration,
    };
    // Without CAPF nobody asks for a key.
    let keys = if args.capf.is_some() { KEYS.min(args.count as usize) } else { 0 };
    if keys > FEW {
        eprintln!("making {keys} RSA keys, which the phones share …");
    }
    Ok(Site {
        world,
        alarms: args.alarms.clone(),
        keys: Keys::with(keys).map_err(internal)?,
        at_once: args.at_once as usize,
        per_second: args.per_second,
        clock: Clock::system(),
    })
}

/// The phones, counted up from the first one's number, in the order in which they boot.
fn phones(args: &Args) -> Result<Vec<Phone>> {
    let digits = args.first.strip_prefix("SEP").filter(|digits| digits.len() == 12);
    let first = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let first = first.filter(|first| first + u64::from(args.count) <= 1 << 48);
    let first = first.ok_or_else(|| {
        let text = "the first phone is named SEP and 12 hexadecimal digits, and so is the last";
        Error::invalid("invalid-device-name", text).at("--first")
    })?;
    let named = |number: u64| Phone::new(format!("SEP{number:012X}"), args.model.clone());
    let phones: Vec<Phone> = (first..first + u64::from(args.count)).map(named).collect();
    Ok(match args.seed {
        Some(seed) => shuffled(phones, seed),
        None => phones,
    })
}

/// What is done to the phones before they boot.
fn prepare(phones: &mut [Phone], args: &Args, keys: &Keys) -> Result<()> {
    let manufacturer = args.manufacturer.as_deref().map(manufacturer::read).transpose()?;
    for phone in phones {
        phone.string.clone_from(&args.string);
        (phone.only_rsa, phone.shows_mic) = (args.only_rsa, args.mic_first);
        phone.takes_later = args.takes_retry_later;
        if args.reset {
            phone.forget_lists();
        }
        if let (Some(manufacturer), None) = (&manufacturer, &phone.mic) {
            manufacturer.equip(phone, keys).map_err(internal)?;
        }
    }
    Ok(())
}

fn internal(fault: Fault) -> Error {
    Error::internal(fault.to_string())
}
