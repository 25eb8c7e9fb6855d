//! What the API says of a CA's CRLs.

use super::types::{Crl, CrlSettings, DeltaCrl};
use crate::ca::crl::{PublishedCrl, lateness};
use crate::ca::{Authority, LoadedCa};

/// A complete CRL, with the delta CRL beside it.
pub(super) fn listed(authority: &Authority, crl: &PublishedCrl) -> Crl {
    let delta = authority.published().delta(&crl.scope);
    Crl {
        number: crl.number,
        this_update: crl.this_update.to_string(),
        next_update: crl.next_update.to_string(),
        entries: crl.entries,
        bytes: crl.der.len() as u64,
        shard: crl.scope.shard,
        url: crl.scope.url(&authority.public_url),
        delta: delta.map(|delta| DeltaCrl {
            number: delta.number,
            base: delta.base.unwrap_or_default(),
            next_update: delta.next_update.to_string(),
            entries: delta.entries,
            bytes: delta.der.len() as u64,
            url: delta.scope.delta_url(&authority.public_url),
        }),
    }
}

/// The CRLs of all shards, if there are several.
pub(super) fn all(authority: &Authority, ca: &LoadedCa) -> Option<Vec<Crl>> {
    let shown = ca.crl.value.scopes().filter_map(|scope| authority.published().complete(&scope));
    (ca.crl.value.used > 0).then(|| shown.map(|crl| listed(authority, &crl)).collect())
}

/// `current`, `late` or `out-of-date`; `none` before the CA has a certificate.
pub(super) fn state(authority: &Authority, ca: &LoadedCa) -> &'static str {
    if ca.certificate.is_none() {
        return "none";
    }
    match lateness(authority, ca) {
        None => "current",
        Some(late) if late.is_out => "out-of-date",
        Some(_) => "late",
    }
}

/// How it makes them.
pub(super) fn settings(ca: &LoadedCa) -> CrlSettings {
    let settings = &ca.crl.value;
    CrlSettings {
        shards: settings.shards,
        window_hours: settings.window(ca.record.role).as_secs() / 3600,
        delta_hours: settings.delta.unwrap_or_default() / 3600,
    }
}
