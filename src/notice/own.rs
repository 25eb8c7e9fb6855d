//! CAs that near their expiry. Our other certificates stand among those that were issued: when one is told of, it did
//! not renew itself.

use crate::ca::{Authority, LoadedCa};
use crate::clock::Timestamp;
use crate::notice::look::Due;
use crate::notice::policy::NoticePolicy;
use crate::notice::records::About;
use crate::notice::steps;

/// Every CA that is at a step now and has not retired; there are few, and each is looked at.
pub(super) fn due(authority: &Authority, policy: &NoticePolicy, now: Timestamp) -> Vec<Due> {
    let hierarchy = authority.hierarchy();
    let in_service = hierarchy.all().iter().filter(|ca| ca.retired.is_none());
    in_service.filter_map(|ca| at_step(ca, policy, now)).collect()
}

fn at_step(ca: &LoadedCa, policy: &NoticePolicy, now: Timestamp) -> Option<Due> {
    let certificate = ca.certificate.as_ref()?;
    let not_after = certificate.not_after();
    let step = steps::current(&policy.ca_days, policy.every, now, not_after)?;
    steps::counts(step, certificate.not_before(), not_after).then(|| Due {
        step,
        about: About::Ca(ca.record.id.clone()),
        subject: certificate.subject().to_string(),
        serial: certificate.serial().clone(),
        fingerprint: certificate.fingerprint(),
        not_after,
    })
}
