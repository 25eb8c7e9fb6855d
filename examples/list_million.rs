//! Listings at size: how long a page of 100 certificates takes by each filter, in a store of a million.
//!
//! ```text
//! cargo build --release && cargo run --release --example list_million -- --certificates 1000000
//! ```
//! Fills the store of a new server through the store's own door (the certificates are copies of one, each with
//! its own serial number, names and key), then asks the running server over HTTPS.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use sha2::{Digest, Sha256};
use signet::ca::profile::RenewalPoints;
use signet::ca::records::{CertificateRecord, RevocationRecord, Status};
use signet::ca::renewal;
use signet::clock::{Clock, Timestamp};
use signet::id::{ProfileId, RecordId, Serial};
use signet::random::Random;
use signet::storage;
use signet::store::{Db, PRIMARY, Scan, Unit};
use signet::x509::crl::Reason;
use signet::x509::name::Name;
use signet::x509::san::San;
use support::connection::{Target, run};
use support::server::Server;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const DAY: u64 = 24 * 60 * 60;
/// Each page is asked for so often.
const TIMES: usize = 20;
/// So many certificates are committed at once.
const AT_ONCE: usize = 500;

#[derive(Parser)]
#[command(about = "Measures pages of 100 certificates by each filter")]
struct Arguments {
    /// How many certificates the store holds.
    #[arg(long, default_value_t = 1_000_000)]
    certificates: usize,
    /// Where the store is made and kept; a temporary folder when none is named.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.dir.unwrap_or_else(|| temporary.path().join("data"));
    if !storage::exists(&data) {
        drop(Server::start(&data, &["--rsa-root", "rsa-2048"])?);
        let start = Instant::now();
        let rates = fill(&data, arguments.certificates).await?;
        println!(
            "filled in {:.0} s; certificates per second by tenths: {rates:?}",
            start.elapsed().as_secs_f64()
        );
    }
    let known = known(&data).await?;
    let server = Server::start(&data, &[])?;
    println!("{:<58} {:>9} {:>9}", "filter", "p50 ms", "slowest");
    for filter in filters(&known) {
        measure(&server, &filter).await?;
    }
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

/// Every filter alone, and those that combine, also where nearly nothing that the index leads to is wanted.
fn filters(known: &CertificateRecord) -> Vec<String> {
    let now = Clock::system().now();
    let day = |days: u64| now.plus(Duration::from_secs(days * DAY)).to_string();
    let fingerprint: String = known.fingerprint.iter().map(|b| format!("{b:02x}")).collect();
    vec![
        String::new(),
        "profile=tls-server".to_owned(),
        "profile=phone-lsc".to_owned(),
        "status=good".to_owned(),
        "status=revoked".to_owned(),
        "status=expired".to_owned(),
        format!("expires_before={}", day(30)),
        format!("expires_after={}&expires_before={}", day(200), day(201)),
        format!("serial={}", known.serial),
        format!("fingerprint={fingerprint}"),
        "device=sep001122".to_owned(),
        "q=host-123456".to_owned(),
        "q=example".to_owned(),
        "q=host-5%20example".to_owned(),
        "q=example&status=revoked".to_owned(),
        "q=example&profile=phone-lsc".to_owned(),
        "device=sep001122&status=revoked".to_owned(),
        format!("profile=phone-lsc&expires_after={}", day(100)),
        "profile=phone-lsc&status=good".to_owned(),
        "renewal=due".to_owned(),
        "renewal=late".to_owned(),
        "renewal=vanished".to_owned(),
        "renewal=due&profile=phone-lsc".to_owned(),
    ]
}

async fn measure(server: &Server, filter: &str) -> Result<(), AnyError> {
    let (host, token) = (&server.https, server.token()?);
    let target = Target::Tls(host.clone(), server.tls_client()?);
    let request = format!(
        "GET /api/v1/certificates?limit=100&{filter} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let requests = Arc::new(vec![request.into_bytes(); TIMES]);
    let report = run(server, &target, 1, requests, |status, _| status == 200).await?;
    if report.failed > 0 {
        return Err(format!("{filter}: {} of {TIMES} failed", report.failed).into());
    }
    let millis = |share| report.percentile(share).as_secs_f64() * 1e3;
    let name = if filter.is_empty() { "none" } else { filter };
    println!("{name:<58} {:>9.2} {:>9.2}", millis(0.5), millis(1.0));
    Ok(())
}

/// Some certificate from the middle of those that were filled in.
async fn known(data: &Path) -> Result<CertificateRecord, AnyError> {
    let db = Db::new(storage::open(data, None)?);
    let scan = Scan::all::<CertificateRecord>(PRIMARY).backward().limit(500);
    let found = db.scan::<CertificateRecord>(scan).await?.items.pop().ok_or("no certificate")?;
    db.raw().close().await?;
    Ok(found.value)
}

/// Adds certificates. Returns how many were added per second, in each tenth.
async fn fill(data: &Path, count: usize) -> Result<Vec<u64>, AnyError> {
    let db = Db::new(storage::open(data, None)?);
    let scan = Scan::all::<CertificateRecord>(PRIMARY).limit(1);
    let pattern = db.scan::<CertificateRecord>(scan).await?.items.pop().ok_or("no certificate")?.value;
    let (mut rates, mut start) = (Vec::new(), Instant::now());
    for from in (0..count).step_by(AT_ONCE) {
        let mut unit = Unit::new();
        for n in from..(from + AT_ONCE).min(count) {
            add(&mut unit, &pattern, n)?;
        }
        db.commit(unit).await.map_err(signet::error::Error::from)?;
        if (from + AT_ONCE).is_multiple_of(count.div_ceil(10).next_multiple_of(AT_ONCE)) {
            let added = count.div_ceil(10).next_multiple_of(AT_ONCE) as f64;
            rates.push((added / start.elapsed().as_secs_f64()) as u64);
            start = Instant::now();
        }
    }
    db.raw().close().await?;
    Ok(rates)
}

/// Adds the certificate of number `n`: one in a hundred is revoked, one in ten thousand of another profile; one in a
/// thousand is due, another late, another vanished.
fn add(unit: &mut Unit, pattern: &CertificateRecord, n: usize) -> Result<(), AnyError> {
    let (random, now) = (Random::system(), Clock::system().now());
    let name = format!("host-{n}.example.com");
    let days = |days: u64| Duration::from_secs(days * DAY);
    let left = Duration::from_secs((n as u64 * 7_919) % (365 * DAY));
    let (not_before, not_after) = match n % 1000 {
        11 => (now.minus(days(80)), now.plus(days(20))),
        12 => (now.minus(days(96)), now.plus(days(4))),
        13 => (now.minus(days(100)), now.minus(days(1))),
        _ => (now, now.plus(left)),
    };
    let mut record = CertificateRecord {
        id: RecordId::new(now, &random)?,
        serial: Serial::new(now, &random)?,
        profile: if n % 10_000 == 7 { "phone-lsc" } else { "tls-server" }.parse::<ProfileId>()?,
        subject: Name::parse(&format!("CN={name}"))?,
        sans: vec![San::parse(&format!("dns:{name}"))?],
        device: (n % 100 == 3).then(|| "SEP001122".to_owned()),
        not_before,
        not_after,
        key_fingerprint: random.bytes()?,
        ..pattern.clone()
    };
    record.der = renumbered(&pattern.der, &pattern.serial, &record.serial)?;
    record.fingerprint = Sha256::digest(&record.der).into();
    if n % 100 == 50 {
        revoke(unit, &mut record, now)?;
    }
    unit.insert(&record)?;
    renewal::watch(unit, &record, RenewalPoints::default(), now)?;
    Ok(())
}

fn revoke(unit: &mut Unit, record: &mut CertificateRecord, at: Timestamp) -> Result<(), AnyError> {
    let reason = Reason::Superseded;
    record.status = Status::Revoked { at, reason, invalidity: None };
    unit.insert(&RevocationRecord::of(record, at, reason, None))?;
    Ok(())
}

/// The certificate with another serial number of the same length.
fn renumbered(der: &[u8], old: &Serial, new: &Serial) -> Result<Vec<u8>, AnyError> {
    let (old, new) = (old.content(), new.content());
    let at = der.windows(old.len()).position(|part| part == old).ok_or("no serial number")?;
    let rest = der.get(at + old.len()..).ok_or("a short certificate")?;
    Ok([&der[..at], new, rest].concat())
}
