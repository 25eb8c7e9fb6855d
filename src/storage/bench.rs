//! How fast a store commits: writers that each commit one record after the other.
//!
//! A record is like an issued certificate: a time-ordered key, two random unique keys, words,
//! times, and one audit event.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, Event};
use crate::clock::{Clock, Stopwatch};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::store::{CommitError, Index, IndexKey, Item, KeyBuilder, Kind, Store, Unit, When};

/// The kind of the records that a measurement leaves behind.
pub const BENCH: Kind = Kind { id: 250, name: "bench" };

/// Clock ticks of `/proc` per second (the same on every Linux that Rust supports).
const TICKS: f64 = 100.0;

const SERIAL: Index = Index { id: 1, name: "serial", unique: true };
const FINGERPRINT: Index = Index { id: 2, name: "fingerprint", unique: true };
const WORD: Index = Index { id: 3, name: "word", unique: false };
const EXPIRY: Index = Index { id: 4, name: "expiry", unique: false };
const PROFILE: Index = Index { id: 5, name: "profile", unique: false };
const ISSUER: Index = Index { id: 6, name: "issuer", unique: false };

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many writers at once.
    pub writers: usize,
    /// For how long.
    pub time: Duration,
    /// The length of a record's body in bytes.
    pub body: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// How many writers there were.
    pub writers: usize,
    /// How many units were committed.
    pub commits: u64,
    /// In how much time.
    pub time: Duration,
    /// Half of the commits took no longer.
    pub p50: Duration,
    /// 99 of 100 commits took no longer.
    pub p99: Duration,
    /// Processor time of the whole process (user and system).
    pub cpu: Duration,
}

impl Measured {
    /// Commits per second.
    pub fn rate(&self) -> f64 {
        self.commits as f64 / self.time.as_secs_f64()
    }

    /// Microseconds of processor time per commit.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.commits.max(1) as f64
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} writers: {:.0} commits/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} us CPU per commit",
            self.writers,
            self.rate(),
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            self.cpu_micros()
        )
    }
}

/// Commits records for the planned time. Errors: those of the commits.
pub async fn run(store: Arc<dyn Store>, clock: &Clock, random: &Random, plan: Plan) -> Result<Measured> {
    let (watch, before) = (Stopwatch::start(), processor_time()?);
    let writers: Vec<_> = (0..plan.writers)
        .map(|writer| {
            let (store, clock, random) = (store.clone(), clock.clone(), random.clone());
            tokio::spawn(async move { write(&*store, &clock, &random, writer, plan, watch).await })
        })
        .collect();
    let mut took = Vec::new();
    for writer in writers {
        took.extend(writer.await.map_err(|e| Error::internal("a writer was cut off").because(e))??);
    }
    let (time, cpu) = (watch.elapsed(), processor_time()?.saturating_sub(before));
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    Ok(Measured { writers: plan.writers, commits: took.len() as u64, time, p50: at(50), p99: at(99), cpu })
}

async fn write(
    store: &dyn Store,
    clock: &Clock,
    random: &Random,
    writer: usize,
    plan: Plan,
    watch: Stopwatch,
) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    while watch.elapsed() < plan.time {
        let unit = unit(clock, random, writer, plan.body)?;
        let one = Stopwatch::start();
        store.commit(unit).await.map_err(|e| match e {
            CommitError::Failed(e) => e,
            refused @ CommitError::Refused { .. } => refused.into(),
        })?;
        took.push(one.elapsed());
    }
    Ok(took)
}

/// A unit like that of an issued certificate: ten index keys and one event.
fn unit(clock: &Clock, random: &Random, writer: usize, body: usize) -> Result<Unit> {
    let (now, bytes) = (clock.now(), random.bytes::<80>()?);
    let name: String = bytes[52..58].iter().map(|b| format!("{b:02X}")).collect();
    let key = KeyBuilder::new().time(now).bytes(&bytes[58..66]).build();
    let word = |text: &str| IndexKey { index: WORD, key: KeyBuilder::new().text(text).build() };
    let timed = |index, text: &str| IndexKey { index, key: KeyBuilder::new().text(text).time(now).build() };
    let indexes = vec![
        IndexKey { index: SERIAL, key: bytes[..20].to_vec() },
        IndexKey { index: FINGERPRINT, key: bytes[20..52].to_vec() },
        word(&format!("sep{name}")),
        word(&format!("{name}.phones.example.org")),
        word("example"),
        timed(WORD, "example corp"),
        timed(EXPIRY, ""),
        timed(PROFILE, "scep-device"),
        timed(ISSUER, "rsa-issuing"),
        timed(ISSUER, &format!("writer-{writer}")),
    ];
    let mut unit = Unit::new();
    let body = bytes.iter().copied().cycle().take(body).collect();
    unit.items.push(Item::Put { kind: BENCH, key, indexes, version: 1, body, when: When::Absent });
    let actor = Actor::Client { protocol: "scep".to_owned(), address: "192.0.2.7".to_owned() };
    let event = Event::new(now, actor, "certificate.issue", format!("certificate:{name}"));
    unit.event(event.with("profile", "scep-device").with("subject", format!("CN=SEP{name}")));
    Ok(unit)
}

/// utime + stime of this process.
fn processor_time() -> Result<Duration> {
    let unreadable = || Error::internal("cannot read /proc/self/stat");
    let stat = fs::read_to_string("/proc/self/stat").map_err(|e| unreadable().because(e))?;
    // The command's name, in parentheses, may hold spaces: fields are counted behind it.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unreadable)?;
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(Duration::from_secs_f64(ticks / TICKS))
}
