//! A large CRL: how long it takes to make anew after a revocation, and how much memory that takes.
//!
//! ```text
//! cargo run --release --example crl_shard -- --entries 100000
//! ```
//! Fills one shard of a new CA with revocations through the store's own door, then publishes as the server does.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use signet::audit::Actor;
use signet::ca::Authority;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::crl::{CrlChange, configure, publish};
use signet::ca::records::RevocationRecord;
use signet::clock::{Clock, Stopwatch};
use signet::id::{CaId, RecordId, Serial};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::{KeyStore, Place};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{Db, Unit};
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const YEAR: Duration = Duration::from_hours(365 * 24);
/// So many revocations are committed at once.
const AT_ONCE: usize = 5_000;

#[derive(Parser)]
#[command(about = "Measures how long a large CRL takes to make anew")]
struct Arguments {
    /// How many certificates are revoked.
    #[arg(long, default_value_t = 100_000)]
    entries: usize,
    /// Whether delta CRLs are made besides.
    #[arg(long)]
    deltas: bool,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let authority = authority(folder.path()).await?;
    let id: CaId = "ec-issuing".parse()?;
    create(&authority, plan(&id)?, Actor::System).await?;
    if arguments.deltas {
        let change = CrlChange { delta_hours: Some(6), ..CrlChange::default() };
        configure(&authority, &id, change, Actor::System).await?;
    }
    fill(&authority, &id, arguments.entries).await?;
    for round in ["first", "second", "third"] {
        let before = resident("VmRSS")?;
        // The peak is counted from here on.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let watch = Stopwatch::start();
        let crl = publish(&authority, &id).await?;
        let (took, peak) = (watch.elapsed(), resident("VmHWM")?);
        println!(
            "{round}: {} entries, {} octets in {:.2} s, at most {} MiB more memory (of {} MiB)",
            crl.entries,
            crl.der.len(),
            took.as_secs_f64(),
            peak.saturating_sub(before) / 1024,
            peak / 1024
        );
    }
    authority.db.raw().close().await?;
    Ok(())
}

async fn authority(folder: &std::path::Path) -> Result<Authority, AnyError> {
    let random = Random::system();
    let store = storage::create(&folder.join("store"), EngineKind::Redb)?;
    let keys: Arc<dyn KeyStore> = Arc::new(Vault::create(folder, "correct horse", &random)?);
    let url = "http://ca.example:8080".to_owned();
    Ok(Authority::load(Db::new(store), Clock::system(), random, Pool::new(1, 8), keys, url).await?)
}

fn plan(issuing: &CaId) -> Result<Vec<NewCa>, AnyError> {
    let new = |id: CaId, years, parent| -> Result<NewCa, AnyError> {
        let subject = default_subject(&id, Some("Example"))?;
        Ok(NewCa {
            id,
            subject,
            algorithm: KeyAlgorithm::P256,
            place: Place::Software,
            serves_tls: false,
            lifetime: YEAR * years,
            parent,
        })
    };
    let root: CaId = "ec-root".parse()?;
    Ok(vec![new(root.clone(), 20, Parent::Itself)?, new(issuing.clone(), 10, Parent::Ours(root))?])
}

async fn fill(authority: &Authority, ca: &CaId, entries: usize) -> Result<(), AnyError> {
    let watch = Stopwatch::start();
    let (now, random) = (authority.clock.now(), &authority.random);
    for from in (0..entries).step_by(AT_ONCE) {
        let mut unit = Unit::new();
        let count = AT_ONCE.min(entries - from);
        for _ in 0..count {
            unit.insert(&RevocationRecord {
                ca: ca.clone(),
                certificate: RecordId::new(now, random)?,
                serial: Serial::new(now, random)?,
                at: now.whole_secs(),
                reason: Reason::Superseded,
                not_after: now.plus(YEAR),
                shard: 0,
                invalidity: None,
            })?;
        }
        unit.items.push(RevocationRecord::count(ca, 0, i64::try_from(count)?));
        authority.db.commit(unit).await.map_err(signet::error::Error::from)?;
    }
    println!("filled in {:.1} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// A figure of this process's memory, in KiB.
fn resident(name: &str) -> Result<u64, AnyError> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such figure")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
