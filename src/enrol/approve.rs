//! The one place where a request is decided; the sole maker of [`Order`].

use std::sync::Arc;

use crate::audit::Actor;
use crate::ca::profile::{Profile, ProfileSet};
use crate::ca::records::CompromisedKeyRecord;
use crate::ca::{Issued, Order};
use crate::clock::Timestamp;
use crate::enrol::authorize::{Authorized, Grant, authorize};
use crate::enrol::policy::{self, Wanted};
use crate::enrol::records::{RequestRecord, TransactionResult};
use crate::enrol::transaction::{Claim, Earlier, earlier};
use crate::enrol::{Application, Desk, Request, keep, succeed};
use crate::error::Result;
use crate::id::{CaId, RecordId, Serial};
use crate::store::{Unit, When};

/// What was decided.
#[derive(Debug)]
pub enum Decision {
    /// Issue it.
    Approved(Box<Order>),
    /// It was issued before: the same transaction and request (a retransmission).
    AlreadyIssued(Box<Issued>),
    /// An operator must decide; the request is kept.
    Pending(RecordId),
}

/// Decides a request: claim of the transaction, policy, challenge or renewal signer, manual queue.
/// A denial is an error. A `state-conflict` means that another request was faster: decide again.
pub async fn approve(desk: &Desk, request: &Request) -> Result<Decision> {
    approve_with(desk, request, &Unit::new()).await
}

/// As [`approve`], with `alongside` written together with what is decided.
pub(super) async fn approve_with(desk: &Desk, request: &Request, alongside: &Unit) -> Result<Decision> {
    let set = desk.profiles.current();
    let profile = {
        let (proof, issuer) = (&request.proof, request.issuer.as_ref());
        policy::usable_profile(desk, &set, &request.profile, proof, issuer)?
    };
    refuse_revoked_ca(desk, &profile, request.issuer.as_ref())?;
    let claim = match earlier(desk, &profile, request).await? {
        Earlier::Answered(decision) => return Ok(decision),
        Earlier::Free(claim) => claim,
    };
    match decide(desk, &set, Arc::clone(&profile), request, claim, alongside).await {
        Ok(decision) => Ok(decision),
        // A copy of this very request may have been faster: then its answer counts, not the spent challenge (SCEP-34).
        Err(error) => match earlier(desk, &profile, request).await {
            Ok(Earlier::Answered(decision)) => Ok(decision),
            Ok(Earlier::Free(_)) | Err(_) => Err(error),
        },
    }
}

/// Nothing comes from a revoked CA: no certificate, also none of before, and nobody is made to wait for one.
fn refuse_revoked_ca(desk: &Desk, profile: &Profile, issuer: Option<&CaId>) -> Result<()> {
    let hierarchy = desk.authority.hierarchy();
    let ca = match issuer {
        Some(issuer) => hierarchy.require(issuer)?,
        None => hierarchy.in_force(profile.ca())?,
    };
    match ca.may_issue_by(profile) {
        Err(error) if error.code() == "ca-revoked" => Err(error),
        // Whether it is ready is seen when it is to sign.
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn decide(
    desk: &Desk,
    set: &ProfileSet,
    profile: Arc<Profile>,
    request: &Request,
    claim: Option<Claim>,
    alongside: &Unit,
) -> Result<Decision> {
    let wanted = policy::hold(desk, set, profile, &request.application, &request.proof).await?;
    match authorize(desk, request, &wanted).await? {
        Authorized::Now(grant) => {
            approved(desk, request, wanted, claim, &grant, alongside).map(Decision::Approved)
        }
        Authorized::Queue(grant) => {
            keep::keep(desk, request, &wanted, claim, &grant, alongside).await.map(Decision::Pending)
        }
    }
}

/// The order for a kept request that an operator approved: exactly the bytes that came in (CSR-58).
pub(super) fn approved_request(
    desk: &Desk,
    wanted: Wanted,
    asked_for: &Application,
    record: &RequestRecord,
    grant: &Grant,
    actor: Actor,
    (decision, serial): (Unit, Serial),
) -> Result<Box<Order>> {
    let mut unit = decision;
    still_trusted(&mut unit, asked_for);
    grant.write(&mut unit, &serial)?;
    // A successor that was called off meanwhile issues nothing: then it is the CA in force.
    let named = record.issuer.clone();
    let issuer = named.filter(|issuer| policy::is_of(desk, wanted.profile.ca(), issuer));
    let asked = Asked { actor, not_after: record.not_after, issuer, renews: record.renews.clone() };
    order(desk, wanted, asked_for, asked, unit, serial)
}

fn approved(
    desk: &Desk,
    request: &Request,
    wanted: Wanted,
    claim: Option<Claim>,
    grant: &Grant,
    alongside: &Unit,
) -> Result<Box<Order>> {
    let serial = Serial::new(desk.authority.clock.now(), &desk.authority.random)?;
    let mut unit = alongside.clone();
    if let Some(claim) = claim {
        claim.write(&mut unit, TransactionResult::Issued(serial.clone()))?;
    }
    still_trusted(&mut unit, &request.application);
    grant.write(&mut unit, &serial)?;
    succeed::write(desk, &mut unit, grant, &wanted.profile, &serial)?;
    let asked = Asked {
        actor: request.actor.clone(),
        not_after: request.not_after,
        issuer: request.issuer.clone(),
        renews: grant.renews(),
    };
    order(desk, wanted, &request.application, asked, unit, serial)
}

/// Nobody reports the key as compromised between the decision and the write (a source of challenges may think long).
fn still_trusted(unit: &mut Unit, asked_for: &Application) {
    unit.check::<CompromisedKeyRecord>(&asked_for.public_key().fingerprint(), When::Absent);
}

/// What the requester adds to what the profile makes of the request.
struct Asked {
    actor: Actor,
    not_after: Option<Timestamp>,
    issuer: Option<CaId>,
    renews: Option<Serial>,
}

/// From the CA that is in force under the name in the profile, unless another is asked for.
fn order(
    desk: &Desk,
    wanted: Wanted,
    asked_for: &Application,
    asked: Asked,
    claim: Unit,
    serial: Serial,
) -> Result<Box<Order>> {
    let ca = match asked.issuer {
        Some(issuer) => issuer,
        None => desk.authority.hierarchy().in_force(wanted.profile.ca())?.record.id.clone(),
    };
    Ok(Box::new(Order {
        ca,
        profile: wanted.profile,
        subject: wanted.subject,
        sans: wanted.sans,
        public_key: asked_for.public_key().clone(),
        device: wanted.device,
        not_after: asked.not_after,
        actor: asked.actor,
        renews: asked.renews,
        claim,
        serial,
    }))
}
