//! Progress of long work, on standard error: a line that moves on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::clock::Stopwatch;

/// How often a terminal is told.
const MOVES: Duration = Duration::from_millis(200);
/// How often a log is told.
const LINES: Duration = Duration::from_secs(10);

/// Counts what is done of some work and says so.
pub struct Progress {
    verb: &'static str,
    total: Option<u64>,
    done: u64,
    failed: u64,
    begun: Stopwatch,
    told: Stopwatch,
    terminal: bool,
}

impl Progress {
    /// Work of `total` things, if that is known; `verb` is what was done to each ("issued").
    pub fn new(verb: &'static str, total: Option<u64>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            verb,
            total,
            done: 0,
            failed: 0,
            begun: Stopwatch::start(),
            told: Stopwatch::start(),
            terminal,
        }
    }

    /// So many more are done, and so many more failed.
    pub fn add(&mut self, done: u64, failed: u64) {
        self.done += done;
        self.failed += failed;
        if self.told.elapsed() >= if self.terminal { MOVES } else { LINES } {
            self.told = Stopwatch::start();
            self.say(if self.terminal { "\r\x1b[K" } else { "" }, if self.terminal { "" } else { "\n" });
        }
    }

    /// Ends the moving line.
    pub fn end(&self) {
        if self.terminal {
            self.say("\r\x1b[K", "\n");
        }
    }

    fn say(&self, before: &str, after: &str) {
        let line = sentence(self.verb, self.total, self.done, self.failed, self.begun.elapsed());
        // Who closed standard error does not want to be told.
        let _ = write!(std::io::stderr(), "{before}{line}{after}");
    }
}

fn sentence(verb: &str, total: Option<u64>, done: u64, failed: u64, took: Duration) -> String {
    use std::fmt::Write as _;
    let rate = (done + failed) as f64 / took.as_secs_f64().max(0.001);
    let mut line = match total {
        Some(total) => format!("{verb} {done} of {total}"),
        None => format!("{verb} {done}"),
    };
    if failed > 0 {
        let _infallible = write!(line, ", {failed} not");
    }
    let _infallible = write!(line, ", {rate:.0}/s");
    if let Some(left) = total.map(|total| total.saturating_sub(done + failed)).filter(|left| *left > 0) {
        let _infallible = write!(line, ", {:.0} s left", left as f64 / rate.max(0.001));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_how_fast_and_how_long() {
        let two = Duration::from_secs(2);
        assert_eq!(
            sentence("issued", Some(10_000), 990, 10, two),
            "issued 990 of 10000, 10 not, 500/s, 18 s left"
        );
        assert_eq!(sentence("read", None, 100, 0, two), "read 100, 50/s");
        assert_eq!(sentence("read", Some(100), 100, 0, two), "read 100 of 100, 50/s");
    }
}
