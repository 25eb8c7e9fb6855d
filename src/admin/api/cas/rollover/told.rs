//! What the API says of a CA's place among those that follow each other.

use crate::admin::api::cas::types::{Cross, Rollover};
use crate::admin::state::State as Service;
use crate::ca::records::Role;
use crate::ca::rollover::records::{RolloverRecord, Stage};
use crate::ca::rollover::{self, Standing};
use crate::ca::{Hierarchy, LoadedCa};
use crate::error::Result;

/// The word for where a CA stands.
pub fn standing(hierarchy: &Hierarchy, ca: &LoadedCa) -> &'static str {
    match hierarchy.standing(&ca.record.id) {
        Standing::Retired => "retired",
        Standing::Retiring => "retiring",
        Standing::InForce | Standing::Next if ca.certificate.is_none() => "awaiting-certificate",
        Standing::Next => "next",
        Standing::InForce => "active",
    }
}

/// Whom it follows, who follows it, and what is due; none for a CA of which there is nothing to say.
pub async fn told(state: &Service, hierarchy: &Hierarchy, ca: &LoadedCa) -> Result<Option<Rollover>> {
    let id = &ca.record.id;
    let by = hierarchy.rollovers().iter().find(|r| r.next == *id);
    let into = hierarchy.rollovers().iter().find(|r| r.current == *id && (r.is_prepared() || r.is_active()));
    let due = rollover::due(hierarchy, ca, &state.desk.profiles.current(), state.now());
    if by.is_none() && into.is_none() && due.is_none() {
        return Ok(None);
    }
    let out = hierarchy.rollovers().iter().find(|r| r.outgoing().is_some_and(|(outgoing, _)| outgoing == id));
    let counted = match hierarchy.standing(id) {
        Standing::Next | Standing::Retiring => ca.record.role == Role::Issuing,
        Standing::InForce | Standing::Retired => false,
    };
    let live = if counted { rollover::leaves(&state.desk.authority).await?.of(id) } else { None };
    let turn = into.or(by);
    let mut told = Rollover {
        summary: String::new(),
        follows: by.map(|r| r.current.to_string()),
        followed_by: into.map(|r| r.next.to_string()),
        activates_at: turn.and_then(activates_at).map(|at| at.to_string()),
        activated_at: turn.and_then(activated_at).map(|at| at.to_string()),
        live_certificates: live,
        last_certificate_ends: out.and_then(|r| r.last_leaf).map(|at| at.to_string()),
        retired_at: ca.retired.map(|at| at.to_string()),
        due,
        cross_certificates: Vec::new(),
    };
    told.summary = summary(hierarchy.standing(id), &told);
    Ok(Some(told))
}

/// The certificates by which this CA's key is certified by others, and others' by it.
pub fn crosses(state: &Service, hierarchy: &Hierarchy, ca: &LoadedCa) -> Vec<Cross> {
    let url = &state.desk.authority.public_url;
    let concerns =
        |cross: &&rollover::CrossCertificate| cross.subject == ca.record.id || cross.issuer == ca.record.id;
    let all = hierarchy.cross_certificates().filter(concerns).filter(|cross| cross.is_trusted(hierarchy));
    all.map(|cross| Cross {
        subject: cross.subject.to_string(),
        issuer: cross.issuer.to_string(),
        url: format!("{url}/ca/{}.crt", cross.name()),
        pem: cross.certificate.pem(),
    })
    .collect()
}

fn activates_at(rollover: &RolloverRecord) -> Option<crate::clock::Timestamp> {
    match rollover.stage {
        Stage::Prepared { activate_at } => activate_at,
        Stage::Active { .. } | Stage::Cancelled { .. } => None,
    }
}

fn activated_at(rollover: &RolloverRecord) -> Option<crate::clock::Timestamp> {
    match rollover.stage {
        Stage::Active { since } => Some(since),
        Stage::Prepared { .. } | Stage::Cancelled { .. } => None,
    }
}

/// A line for people.
fn summary(standing: Standing, told: &Rollover) -> String {
    let when = told.activates_at.as_ref().map_or("by hand".to_owned(), |at| format!("at {at}"));
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    let held = |told: &Rollover| match (told.live_certificates, &told.last_certificate_ends) {
        (Some(live), Some(end)) => format!("{live} live certificates, the last until {end}"),
        (Some(live), None) => format!("{live} live certificates"),
        (None, Some(end)) => format!("the last certificate until {end}"),
        (None, None) => "still held by certificates".to_owned(),
    };
    match standing {
        Standing::Next => format!("follows {} {when}", named(&told.follows)),
        Standing::InForce if told.followed_by.is_some() => {
            format!("{} takes over {when}", named(&told.followed_by))
        }
        Standing::InForce if told.due.is_some() => "due".to_owned(),
        Standing::InForce => format!("followed {}", named(&told.follows)),
        Standing::Retiring if told.followed_by.is_none() => format!("called off; {}", held(told)),
        Standing::Retiring => format!("followed by {}; {}", named(&told.followed_by), held(told)),
        Standing::Retired => format!("since {}", named(&told.retired_at)),
    }
}
