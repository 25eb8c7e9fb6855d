//! Campaigns as the API shows them.

use crate::clock::Timestamp;
use crate::device::campaign::{CampaignRecord, Counts, MemberRecord, Step};

use super::types::{Campaign, CampaignCounts, CampaignDevice, CampaignReport, ReasonCount, RegionCounts};

pub(super) fn campaign(record: &CampaignRecord) -> Campaign {
    let assignment = &record.assignment;
    Campaign {
        name: record.name.to_string(),
        id: record.id.to_string(),
        state: record.state.name().to_owned(),
        said: record.said.clone(),
        gathering: !record.gathered && !record.is_over(),
        counts: counts(&record.counts),
        filter: assignment.asked.iter().cloned().collect(),
        operation: assignment.action.as_str().to_owned(),
        authentication: assignment.authentication.as_str().to_owned(),
        key: assignment.key.to_string(),
        within_seconds: assignment.within.as_secs(),
        at_once: record.pace.at_once,
        per_minute: record.pace.per_minute,
        hours: record.hours.iter().map(ToString::to_string).collect(),
        pause_after: record.pause_after,
        created_by: record.created_by.clone(),
        created_at: record.id.made_at().to_string(),
        began_at: time(record.began),
        changed_at: record.changed.to_string(),
        ended_at: time(record.ended),
    }
}

pub(super) fn report(record: &CampaignRecord, now: Timestamp) -> CampaignReport {
    let mut reasons: Vec<ReasonCount> = record
        .reasons
        .iter()
        .map(|(reason, count)| ReasonCount { reason: reason.clone(), count: *count })
        .collect();
    reasons.sort_by_key(|one| std::cmp::Reverse(one.count));
    let regions = record
        .regions
        .iter()
        .map(|(region, of)| RegionCounts { region: region.clone(), counts: counts(of) })
        .collect();
    let seconds = |millis: u64| millis as f64 / 1000.0;
    let done = (record.counts.done > 0).then_some(record.counts.done);
    CampaignReport {
        campaign: campaign(record),
        reasons,
        regions,
        mean_seconds: done.map(|done| seconds(record.took / done)),
        longest_seconds: done.map(|_| seconds(record.longest)),
        took_seconds: record.began.map(|began| record.ended.unwrap_or(now).since(began).as_secs()),
    }
}

pub(super) fn device(member: &MemberRecord) -> CampaignDevice {
    let reason = match &member.step {
        Step::Failed(reason) | Step::Late(reason) | Step::Skipped(reason) => Some(reason.clone()),
        Step::Waiting | Step::Open { .. } | Step::Done | Step::Withdrawn => None,
    };
    CampaignDevice {
        name: member.name.clone(),
        region: member.region.clone(),
        step: member.step.name().to_owned(),
        reason,
        at: member.at.to_string(),
    }
}

pub(super) fn counts(of: &Counts) -> CampaignCounts {
    let Counts { waiting, open, done, failed, late, skipped, withdrawn } = *of;
    CampaignCounts { devices: of.all(), waiting, open, done, failed, late, skipped, withdrawn }
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
