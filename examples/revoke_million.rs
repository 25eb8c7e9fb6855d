//! Revocation at size: what one costs when none, 10,000, 100,000 and 1,000,000 are revoked already, and how fast many go.
//!
//! ```text
//! cargo run --release --example revoke_million -- --most 1000000
//! ```
//! Works on a store of its own through the calls that the API makes: each revocation is durable, with its event. The
//! certificates are copies of one, each with its own serial number.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use signet::audit::Actor;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::profile::ProfileSet;
use signet::ca::records::CertificateRecord;
use signet::ca::revoke::bulk::{Fate, revoke_all};
use signet::ca::revoke::revoke;
use signet::ca::{Authority, Order, issue};
use signet::clock::Clock;
use signet::id::{CaId, RecordId, Serial};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::{KeyStore, Place};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{Db, Record, Stored, Unit};
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;
use signet::x509::name::Name;
use signet::x509::san::San;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Revocations that are timed one after another at each size.
const TIMED: usize = 500;
/// Certificates of one request of the API.
const BATCH: usize = 1_000;
/// Requests under way at once, as the command line sends them.
const AT_ONCE: usize = 4;

#[derive(Parser)]
#[command(about = "Measures revocation by the number that is revoked already")]
struct Arguments {
    /// The most that are revoked.
    #[arg(long, default_value_t = 1_000_000)]
    most: usize,
    /// Where the store is made; a temporary folder when none is named.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let dir = arguments.dir.unwrap_or_else(|| temporary.path().to_owned());
    let authority = authority(&dir).await?;
    let pattern = pattern(&authority).await?;
    println!(
        "{:>10} {:>12} {:>12} {:>11} {:>16} {:>12}",
        "revoked", "one: p50 us", "one: mean us", "one: CPU us", "many: per second", "many: CPU us"
    );
    let mut revoked = 0;
    for size in [0, 10_000, 100_000, 1_000_000].into_iter().filter(|size| *size <= arguments.most) {
        let rate = match size - revoked {
            0 => None,
            more => Some(revoke_many(&authority, &pattern, more).await?),
        };
        let [median, mean, cpu] = one_by_one(&authority, &pattern).await?.map(micros);
        let (rate, many_cpu) = rate.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(rate, cpu)| (format!("{rate:.0}"), format!("{:.0}", micros(cpu))),
        );
        println!("{size:>10} {median:>12.0} {mean:>12.0} {cpu:>11.0} {rate:>16} {many_cpu:>12}");
        revoked = size + TIMED;
    }
    Ok(())
}

/// The processor time of this process so far (utime + stime, in ticks of 10 ms): it holds whatever else the machine does.
fn cpu() -> Result<Duration, AnyError> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(") ").ok_or("no fields")?.1.split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Issues and then revokes so many in requests as the command line sends them. Returns how many a second were revoked,
/// and the processor time of one.
async fn revoke_many(
    authority: &Authority,
    pattern: &CertificateRecord,
    count: usize,
) -> Result<(f64, Duration), AnyError> {
    let certificates = Arc::new(copies(authority, pattern, count).await?);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (start, cpu, mut workers) = (Instant::now(), cpu()?, tokio::task::JoinSet::new());
    for _ in 0..AT_ONCE {
        let (authority, certificates, next) = (authority.clone(), certificates.clone(), next.clone());
        workers.spawn(async move {
            loop {
                let from = next.fetch_add(BATCH, std::sync::atomic::Ordering::Relaxed);
                let Some(part) = certificates.get(from..(from + BATCH).min(certificates.len())) else {
                    break;
                };
                let mut read = Vec::with_capacity(part.len());
                for id in part {
                    read.push(authority.db.require::<CertificateRecord>(id.as_bytes(), id).await?);
                }
                let actor = Actor::Operator("ann".to_owned());
                let fates = revoke_all(&authority, read, Reason::Superseded.into(), &actor).await?;
                if !fates.iter().all(|fate| matches!(fate, Fate::Revoked)) {
                    return Err(signet::error::Error::internal("not all were revoked"));
                }
            }
            Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let spent = self::cpu()?.saturating_sub(cpu) / u32::try_from(count)?;
    Ok((count as f64 / start.elapsed().as_secs_f64(), spent))
}

/// Revokes some, one after another. Returns the median time of one, the mean, and its processor time.
async fn one_by_one(authority: &Authority, pattern: &CertificateRecord) -> Result<[Duration; 3], AnyError> {
    let mut times = Vec::new();
    let certificates = copies(authority, pattern, TIMED).await?;
    let cpu = cpu()?;
    for id in certificates {
        let record = authority.db.require::<CertificateRecord>(id.as_bytes(), id).await?.value;
        let start = Instant::now();
        revoke(authority, &record.serial, Reason::Superseded, Actor::System).await?;
        times.push(start.elapsed());
    }
    let spent = self::cpu()?.saturating_sub(cpu) / TIMED as u32;
    times.sort();
    let mean = times.iter().sum::<Duration>() / TIMED as u32;
    Ok([times[TIMED / 2], mean, spent])
}

/// So many more certificates in the store; gives their records' ids.
async fn copies(
    authority: &Authority,
    pattern: &CertificateRecord,
    count: usize,
) -> Result<Vec<RecordId>, AnyError> {
    let mut all = Vec::with_capacity(count);
    for from in (0..count).step_by(BATCH) {
        let mut unit = Unit::new();
        for n in from..(from + BATCH).min(count) {
            let (now, random) = (authority.clock.now(), &authority.random);
            let (id, serial) = (RecordId::new(now, random)?, Serial::new(now, random)?);
            let name = format!("host-{n}.example.com");
            let record = CertificateRecord {
                id,
                serial,
                subject: Name::parse(&format!("CN={name}"))?,
                sans: vec![San::parse(&format!("dns:{name}"))?],
                key_fingerprint: random.bytes()?,
                fingerprint: random.bytes()?,
                not_after: now.plus(Duration::from_secs((n as u64 * 7_919) % (365 * 86_400) + 86_400)),
                ..pattern.clone()
            };
            unit.insert(&record)?;
            all.push(id);
        }
        authority.db.commit(unit).await.map_err(signet::error::Error::from)?;
    }
    Ok(all)
}

/// A certificate as a server's, from which the others are copied.
async fn pattern(authority: &Authority) -> Result<CertificateRecord, AnyError> {
    let profiles = ProfileSet::shipped().map_err(|faults| format!("{faults:?}"))?;
    let key = authority.keys.generate(&"pattern".parse()?, KeyAlgorithm::P256)?;
    let order = Order {
        profile: Arc::clone(profiles.require(&"tls-server".parse()?)?),
        ca: "ec-issuing".parse()?,
        subject: Name::parse("CN=www.example.com")?,
        sans: vec![San::parse("dns:www.example.com")?],
        public_key: key.public_key().clone(),
        device: None,
        not_after: None,
        actor: Actor::Operator("ann".to_owned()),
        renews: None,
        claim: Unit::new(),
        serial: Serial::new(authority.clock.now(), &authority.random)?,
    };
    let issued = issue(authority, order).await.map_err(|e| format!("{e:?}"))?;
    let stored: Stored<CertificateRecord> =
        authority.db.require(&issued.record.key(), issued.record.id).await?;
    Ok(stored.value)
}

async fn authority(dir: &Path) -> Result<Authority, AnyError> {
    let random = Random::system();
    let store = storage::create(&dir.join("store"), EngineKind::Redb)?;
    let keys: Arc<dyn KeyStore> = Arc::new(Vault::create(dir, "correct horse", &random)?);
    let (clock, pool) = (Clock::system(), Pool::per_core(1_024));
    let url = "http://pki.example.com".to_owned();
    let authority = Authority::load(Db::new(store), clock, random, pool, keys, url).await?;
    let ca = |id: &str, parent| -> Result<NewCa, AnyError> {
        let id: CaId = id.parse()?;
        let subject = default_subject(&id, None)?;
        let lifetime = Duration::from_secs(3_650 * 86_400);
        Ok(NewCa {
            id,
            subject,
            algorithm: KeyAlgorithm::P256,
            place: Place::Software,
            lifetime,
            parent,
            serves_tls: false,
        })
    };
    let plan = vec![ca("ec-root", Parent::Itself)?, ca("ec-issuing", Parent::Ours("ec-root".parse()?))?];
    create(&authority, plan, Actor::System).await?;
    Ok(authority)
}
