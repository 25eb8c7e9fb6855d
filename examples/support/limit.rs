//! The cryptographic limit: how often a core does the operations of one request and nothing else.

use std::time::{Duration, Instant};

use super::AnyError;

const FOR: Duration = Duration::from_secs(3);

/// Times for each second of a core's own CPU time.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// While the other cores rest.
    pub alone: f64,
    /// While all cores do the same, as under load: what they share (caches, power, the host) is shared.
    pub together: f64,
}

impl Limit {
    /// Measures the work that `make` prepares, for each thread anew.
    pub fn measure<W>(make: impl Fn() -> Result<W, AnyError> + Sync) -> Result<Self, AnyError>
    where
        W: FnMut() -> Result<(), AnyError>,
    {
        let alone = rate(make()?)?;
        let cores = std::thread::available_parallelism()?.get();
        let rates = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| rate(make()?))).collect();
            let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread broke off")?);
            joined.collect::<Result<Vec<f64>, AnyError>>()
        })?;
        Ok(Self { alone, together: rates.iter().sum::<f64>() / cores as f64 })
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.0} per core-second with all cores at work, {:.0} with one alone",
            self.together, self.alone
        )
    }
}

fn rate(mut work: impl FnMut() -> Result<(), AnyError>) -> Result<f64, AnyError> {
    let (start, before, mut done) = (Instant::now(), own_cpu()?, 0u32);
    while start.elapsed() < FOR {
        work()?;
        done += 1;
    }
    Ok(f64::from(done) / (own_cpu()? - before).as_secs_f64())
}

/// The CPU time of this thread (its first number in schedstat is nanoseconds on a core).
fn own_cpu() -> Result<Duration, AnyError> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}
