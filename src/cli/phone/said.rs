//! What is said of simulated boots: as they end for people, at the end for scripts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{Context, ExitCode, show};
use crate::error::Result;
use crate::phone::fleet::{Report, Times};

/// What was said so far.
pub(super) struct Said<'a> {
    context: &'a Context,
    boots: Vec<Value>,
    is_well: bool,
}

impl<'a> Said<'a> {
    /// Nothing yet.
    pub fn new(context: &'a Context) -> Self {
        Self { context, boots: Vec::new(), is_well: true }
    }

    /// One boot of all phones.
    pub fn boot(&mut self, number: u32, report: &Report, took: Duration) {
        self.is_well &= report.well == report.phones && report.faults.is_empty();
        match self.context.is_json() {
            true => self.boots.push(document(number, report, took)),
            false => print(number, report, took),
        }
    }

    /// All boots: the exit code says whether every phone took everything.
    pub fn end(self) -> Result<ExitCode> {
        if self.context.is_json() {
            show::json(&json!({"boots": self.boots}))?;
        }
        Ok(if self.is_well { ExitCode::Done } else { ExitCode::Failed })
    }
}

fn document(number: u32, report: &Report, took: Duration) -> Value {
    let fault = |(why, failed): (&String, &crate::phone::fleet::Failed)| json!({"why": why, "phones": failed.phones, "first": failed.first});
    json!({
        "boot": number,
        "phones": report.phones,
        "well": report.well,
        "served_by_capf": report.served_by_capf,
        "with_certificate": report.with_certificate,
        "encrypted_configurations": report.encrypted,
        "locked_out": report.locked_out,
        "alarms": report.alarms,
        "faults": report.faults.iter().map(fault).collect::<Vec<_>>(),
        "seconds": took.as_secs_f64(),
        "phones_per_second": rate(report, took),
        "boot_seconds": seconds(&report.times),
    })
}

fn seconds(times: &Times) -> Value {
    let at = |percent| times.percentile(percent).as_secs_f64();
    json!({"p50": at(50), "p90": at(90), "p99": at(99), "max": at(100)})
}

fn rate(report: &Report, took: Duration) -> f64 {
    report.phones as f64 / took.as_secs_f64().max(0.001)
}

fn print(number: u32, report: &Report, took: Duration) {
    println!(
        "boot {number}: {} of {} phones took everything, {} served by CAPF, {} hold a certificate, {} locked out",
        report.well, report.phones, report.served_by_capf, report.with_certificate, report.locked_out,
    );
    if report.encrypted > 0 {
        println!("  {} opened an encrypted configuration", report.encrypted);
    }
    if report.phones > 1 {
        let at = |percent| report.times.percentile(percent).as_millis();
        println!(
            "  in {:.1} s, {:.0} phones/s; half of the boots took {} ms at the most, 99 of 100 {} ms, all {} ms",
            took.as_secs_f64(),
            rate(report, took),
            at(50),
            at(99),
            at(100),
        );
    }
    for (alarm, count) in &report.alarms {
        println!("  {alarm}: {count}");
    }
    for (fault, failed) in &report.faults {
        let more = if failed.phones > failed.first.len() { " …" } else { "" };
        println!("  {} failed ({}{more}): {fault}", failed.phones, failed.first.join(", "));
    }
}
