//! The report of all devices at size: how long it takes, and in how much memory, in an inventory of a million with an LSC each.
//!
//! ```text
//! cargo build --release && cargo run --release --example report_million -- --devices 1000000
//! ```
//! Fills the store of a new server through the rooms' own doors (the certificates are copies of one, each with its own
//! serial number, names and key), then asks the running server over HTTPS.

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use signet::audit::Actor;
use signet::ca::profile::RenewalPoints;
use signet::ca::records::CertificateRecord;
use signet::ca::renewal;
use signet::clock::{Clock, Timestamp};
use signet::device::Change;
use signet::device::records::{
    Action, Authentication, DeviceRecord, Guesses, Held, KeyOrder, Operation, Reason, State,
};
use signet::id::{RecordId, Serial};
use signet::random::Random;
use signet::storage;
use signet::store::{Db, PRIMARY, Scan, Unit};
use signet::x509::key::KeyAlgorithm;
use signet::x509::name::Name;
use support::connection::{Target, ask_all};
use support::server::Server;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const DAY: Duration = Duration::from_hours(24);
/// So many devices are committed at once.
const AT_ONCE: usize = 250;

#[derive(Parser)]
#[command(about = "Measures the report of all devices")]
struct Arguments {
    /// How many devices the inventory has.
    #[arg(long, default_value_t = 1_000_000)]
    devices: usize,
    /// Where the store is made and kept; a temporary folder when none is named.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.dir.unwrap_or_else(|| temporary.path().join("data"));
    if !storage::exists(&data) {
        drop(Server::start(&data, &["--rsa-root", "rsa-2048"])?);
        let start = Instant::now();
        fill(&data, arguments.devices).await?;
        println!("filled in {:.0} s", start.elapsed().as_secs_f64());
    }
    let server = Server::start(&data, &[])?;
    println!("{} MiB resident at the beginning", server.resident_mib()?);
    for path in ["/device-report", "/device-report", "/device-findings?sort=stale&limit=1000"] {
        measure(&server, path).await?;
    }
    Ok(())
}

async fn measure(server: &Server, path: &str) -> Result<(), AnyError> {
    let (host, token) = (&server.https, server.token()?);
    let target = Target::Tls(host.clone(), server.tls_client()?);
    let request =
        format!("GET /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let (cpu, start) = (server.cpu_time()?, Instant::now());
    let bodies = ask_all(&target, &[request.into_bytes()], 200).await?;
    let (took, cpu) = (start.elapsed().as_secs_f64(), (server.cpu_time()? - cpu).as_secs_f64());
    let (octets, resident) = (bodies.first().map_or(0, Vec::len), server.resident_mib()?);
    println!("{path}: {took:.3} s, {cpu:.2} s of a core, {octets} octets, {resident} MiB resident then");
    Ok(())
}

/// Adds devices, each with its LSC.
async fn fill(data: &Path, count: usize) -> Result<(), AnyError> {
    let db = Db::new(storage::open(data, None)?);
    let scan = Scan::all::<CertificateRecord>(PRIMARY).limit(1);
    let pattern = db.scan::<CertificateRecord>(scan).await?.items.pop().ok_or("no certificate")?.value;
    for from in (0..count).step_by(AT_ONCE) {
        let mut unit = Unit::new();
        for n in from..(from + AT_ONCE).min(count) {
            add(&mut unit, &pattern, n)?;
        }
        db.commit(unit).await.map_err(signet::error::Error::from)?;
    }
    db.raw().close().await?;
    Ok(())
}

/// Adds the device of number `n`: of each hundred one failed, one is late, three are awaited, five were never asked; the others
/// installed their LSC within the last year.
fn add(unit: &mut Unit, pattern: &CertificateRecord, n: usize) -> Result<(), AnyError> {
    let (random, now) = (Random::system(), Clock::system().now());
    let (device, lsc) = (device(n, now, &random)?, held(n, now, &random)?);
    certificate(unit, (pattern, &device, &lsc), now, &random)?;
    let asked = |deadline| operation(now, deadline, &random);
    let change = Change::adding(device, Actor::System, now);
    let change = match n % 100 {
        0 => change.showed_lsc(lsc).set(asked(now.plus(DAY))?).failed(Reason::KeyGenerationFailed),
        1 => change.showed_lsc(lsc).set(asked(now.minus(DAY))?),
        2..5 => change.showed_lsc(lsc).set(asked(now.plus(DAY))?),
        5..10 => change.showed_lsc(lsc),
        _ => change.set(asked(now.plus(DAY))?).installed(lsc),
    };
    change.write(unit)?;
    Ok(())
}

fn device(n: usize, now: Timestamp, random: &Random) -> Result<DeviceRecord, AnyError> {
    Ok(DeviceRecord {
        id: RecordId::new(now, random)?,
        name: format!("SEP{n:012X}").parse()?,
        model: Some(["8845", "8865", "9841", "9871"][n % 4].to_owned()),
        region: Some(["EMEA", "APAC", "AMER"][n % 3].to_owned()),
        profile: "capf-lsc".parse()?,
        seen: None,
        lsc: None,
        unconfirmed: None,
        mic: None,
        operation: None,
        guesses: Guesses::default(),
        steps: 0,
    })
}

fn held(n: usize, now: Timestamp, random: &Random) -> Result<Held, AnyError> {
    let from = now.minus(Duration::from_secs((n as u64 * 7_919) % (365 * DAY.as_secs())));
    Ok(Held {
        fingerprint: random.bytes()?,
        serial: Serial::new(now, random)?,
        issuer: ["CN=CAPF,O=Example", "CN=Example RSA Issuing CA,O=Example"][n % 2].to_owned(),
        key: ["rsa-2048", "p-384", "rsa-2048", "rsa-2048", "rsa-1024"][n % 5].to_owned(),
        not_before: from,
        not_after: from.plus(365 * DAY),
    })
}

fn operation(now: Timestamp, deadline: Timestamp, random: &Random) -> Result<Operation, AnyError> {
    Ok(Operation {
        id: RecordId::new(now, random)?,
        action: Action::Install,
        authentication: Authentication::ExistingMic,
        string: None,
        key: KeyOrder::only(KeyAlgorithm::Rsa2048),
        deadline: Some(deadline),
        requester: "operator admin".to_owned(),
        campaign: None,
        state: State::Pending,
        trouble: None,
        failures: 0,
        changed: now,
    })
}

/// The record of the LSC among those that were issued.
fn certificate(
    unit: &mut Unit,
    (pattern, device, lsc): (&CertificateRecord, &DeviceRecord, &Held),
    now: Timestamp,
    random: &Random,
) -> Result<(), AnyError> {
    let record = CertificateRecord {
        id: RecordId::new(now, random)?,
        serial: lsc.serial.clone(),
        profile: device.profile.clone(),
        subject: Name::parse(&format!("CN={},O=Example", device.name))?,
        sans: Vec::new(),
        device: Some(device.name.to_string()),
        not_before: lsc.not_before,
        not_after: lsc.not_after,
        key_fingerprint: random.bytes()?,
        fingerprint: lsc.fingerprint,
        ..pattern.clone()
    };
    unit.insert(&record)?;
    renewal::watch(unit, &record, RenewalPoints::default(), now)?;
    Ok(())
}
