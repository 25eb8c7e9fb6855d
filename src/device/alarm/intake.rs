//! Alarms taken in: noted, or written at once.

use std::net::IpAddr;

use super::syslog::{Report, Said};
use crate::audit::{Actor, Event};
use crate::device::fetch::Depot;
use crate::device::ledger::{LedgerRecord, Note, Over, Told};
use crate::error::Result;
use crate::store::Unit;
use crate::trust::records::ListKind;

/// Notes a report that nobody waits for. Errors: `storage` if the lists cannot be read.
pub async fn note(depot: &Depot, report: Report, from: IpAddr, over: Over) -> Result<()> {
    let told = told(depot, &report).await?;
    count(&report, over);
    depot.ledger.note(report.device, depot.now(), Note::Alarm { alarm: report.alarm, from, over, told });
    Ok(())
}

/// Writes a report, with its audit event; it is durable when this returns. The device is in the inventory.
/// Errors: `storage`, `state-conflict`.
pub async fn record(depot: &Depot, report: Report, from: IpAddr, actor: Actor) -> Result<LedgerRecord> {
    let (told, now, over) = (told(depot, &report).await?, depot.now(), Over::Api);
    let mut unit = Unit::new();
    let subject = format!("device:{}", report.device);
    unit.event(Event::new(now, actor, "device.alarm", subject).with("alarm", report.alarm));
    let note = Note::Alarm { alarm: report.alarm, from, over, told };
    let written = depot.ledger.record(&report.device, now, &note, &unit).await?;
    count(&report, over);
    Ok(written)
}

fn count(report: &Report, over: Over) {
    let (alarm, over) = (report.alarm.as_str(), over.as_str());
    metrics::counter!("signet_device_alarms_total", "alarm" => alarm, "over" => over).increment(1);
}

async fn told(depot: &Depot, report: &Report) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for (kind, digest) in [(ListKind::Ctl, &report.ctl), (ListKind::Itl, &report.itl)] {
        match digest {
            Said::Holds(digest) => {
                let release = depot.shelf.of_digest(digest).await?;
                told.push(Told { kind, digest: Some(digest.clone()), release });
            }
            Said::None => told.push(Told { kind, digest: None, release: None }),
            Said::Nothing => {}
        }
    }
    Ok(told)
}
