//! What the load drivers share: a server of their own, connections that send prepared requests,
//! and the server's own CPU time, so that a figure holds whatever else the machine does.
#![allow(dead_code)] // each driver uses its own part

pub mod connection;
pub mod limit;
pub mod phone;
pub mod server;

use std::time::Duration;

/// Whatever went wrong.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What one run measured.
pub struct Report {
    /// Connections used at once.
    pub connections: usize,
    /// Requests answered as expected.
    pub done: usize,
    /// Requests answered otherwise.
    pub failed: usize,
    /// From the first request to the last answer.
    pub wall: Duration,
    /// The server's utime + stime over the run.
    pub server_cpu: Duration,
    /// Time of each request, sorted.
    pub latencies: Vec<Duration>,
}

impl Report {
    /// Requests per second of server CPU.
    pub fn per_core_second(&self) -> f64 {
        self.done as f64 / self.server_cpu.as_secs_f64().max(1e-9)
    }

    /// The time that `share` (0.0 to 1.0) of the requests stayed under.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }

    /// One row of a table; `limit` is the in-process cryptographic rate per core-second.
    pub fn row(&self, limit: f64) -> String {
        format!(
            "{:>11} {:>8} {:>6} {:>9.0} {:>17.0} {:>8.0} % {:>9.2} {:>9.2}",
            self.connections,
            self.done,
            self.failed,
            self.done as f64 / self.wall.as_secs_f64(),
            self.per_core_second(),
            100.0 * self.per_core_second() / limit,
            self.percentile(0.50).as_secs_f64() * 1e3,
            self.percentile(0.99).as_secs_f64() * 1e3,
        )
    }

    /// The head of that table.
    pub fn head() -> &'static str {
        "connections     done failed    wall/s per-server-core-s   of limit    p50 ms    p99 ms"
    }
}
