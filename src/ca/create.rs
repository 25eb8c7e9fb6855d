//! New CAs: keys, certificates and first CRLs, all of a plan in one durable write.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, Event};
use crate::ca::import::records::ImportRecord;
use crate::ca::records::{CaRecord, CrlRecord, Role};
use crate::ca::rollover::Standing;
use crate::ca::{Authority, Hierarchy, crl, on_thread, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, KeyId};
use crate::keys::{Place, Signer};
use crate::random::Random;
use crate::store::{Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;

mod certify;
mod external;
mod generate;
mod plan;
mod remote_key;

pub use certify::serves_tls;
pub(in crate::ca) use certify::{Rights, extensions as ca_extensions, may_sign_cas};
pub use external::{install_chain, request};
pub(in crate::ca) use external::{may_be_ca, read_certificates};
pub use generate::adopt_key;
pub(in crate::ca) use plan::lifetime_of;
pub use plan::{default_plan, default_subject};

/// A CA to be made.
#[derive(Clone, Debug)]
pub struct NewCa {
    /// Its name: part of its CRL's and its certificate's address, so it stays.
    pub id: CaId,
    /// Its subject, each attribute once.
    pub subject: Name,
    /// Its key's type.
    pub algorithm: KeyAlgorithm,
    /// How long it lives; cut at its parent's end.
    pub lifetime: Duration,
    /// Who signs it.
    pub parent: Parent,
    /// Where its key is made.
    pub place: Place,
    /// Whether it proves itself in TLS handshakes too, as the CA does that phones know by CAPF: then digitalSignature
    /// stands in its key usage.
    pub serves_tls: bool,
}

/// Who signs a new CA.
#[derive(Clone, Debug)]
pub enum Parent {
    /// Itself: it is a root.
    Itself,
    /// A CA of ours whose key is here, or one that stands before it in the plan.
    Ours(CaId),
    /// A root of ours whose key was exported and removed, with that key, kept in memory only.
    Offline(CaId, Arc<dyn Signer>),
}

/// Makes the CAs of a plan: all keys at the same time, each on a thread of its own, then certificates and
/// first CRLs, recorded in one write. What a broken-off attempt left of keys is used again;
/// a caller that leaves does not cut it off.
/// Errors: `ca-exists`, `reserved-name`, `not-found` for a parent, `ca-not-ready`, `ca-revoked`, `not-in-force`,
/// `wrong-key`, `ca-path-length`, `key-exists`, `bad-name`, `lint`, `storage`; for a key in a token also `token-not-configured`,
/// `token-not-ready`, `token-refused`.
pub async fn create(authority: &Authority, plan: Vec<NewCa>, actor: Actor) -> Result<Vec<CaRecord>> {
    let authority = authority.clone();
    to_the_end(async move { made(&authority, plan, actor).await }).await
}

async fn made(authority: &Authority, plan: Vec<NewCa>, actor: Actor) -> Result<Vec<CaRecord>> {
    for (place, new) in plan.iter().enumerate() {
        require_new(authority, &new.id, &new.subject, &plan[..place])?;
        require_no_import(authority, &new.id).await?;
    }
    let parents = known_parents(authority, &plan)?;
    let signers = generate::keys(authority, &plan).await?;
    let work = Work {
        random: authority.random.clone(),
        public_url: authority.public_url.clone(),
        now: authority.clock.now(),
        made: parents,
    };
    let now = work.now;
    let made = on_thread(move || work.run(plan, signers)).await?;
    record(authority, made, &actor, now).await
}

/// A CA that signs or was just made.
#[derive(Clone, Debug)]
struct Issuing {
    id: CaId,
    certificate: Arc<Certificate>,
    signer: Arc<dyn Signer>,
}

struct Work {
    random: Random,
    public_url: String,
    now: Timestamp,
    made: Vec<Issuing>,
}

impl Work {
    fn run(mut self, plan: Vec<NewCa>, signers: Vec<Arc<dyn Signer>>) -> Result<Vec<(CaRecord, CrlRecord)>> {
        let mut records = Vec::with_capacity(plan.len());
        for (new, signer) in plan.into_iter().zip(signers) {
            records.push(self.make(new, signer)?);
        }
        Ok(records)
    }

    fn make(&mut self, new: NewCa, signer: Arc<dyn Signer>) -> Result<(CaRecord, CrlRecord)> {
        let parent = match parent_id(&new.parent) {
            None => None,
            Some(id) => Some(
                self.made.iter().rfind(|ca| ca.id == *id).ok_or_else(|| Error::not_found("parent CA", id))?,
            ),
        };
        let der = certify::certify(&new, &*signer, parent, self)?;
        let certificate = Arc::new(Certificate::from_der(&der)?);
        let role = if parent.is_some() { Role::Issuing } else { Role::Root };
        let crl = crl::first(&new.id, role, &certificate, &*signer, self.now)?;
        let record = CaRecord {
            key: key_id(&new.id)?,
            id: new.id.clone(),
            role,
            parent: parent_id(&new.parent).cloned(),
            subject: certificate.subject().clone(),
            algorithm: new.algorithm,
            certificate: Some(der),
            request: None,
            external_chain: Vec::new(),
            created: self.now,
            key_exported: None,
            key_removed: None,
        };
        self.made.push(Issuing { id: new.id, certificate, signer });
        Ok((record, crl))
    }
}

async fn record(
    authority: &Authority,
    made: Vec<(CaRecord, CrlRecord)>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<CaRecord>> {
    let mut unit = Unit::new();
    for (ca, crl) in &made {
        unit.insert(ca)?;
        unit.insert(crl)?;
        unit.check::<ImportRecord>(&ImportRecord::key_of(&ca.id), When::Absent);
        unit.event(created(ca, authority.keys.place(&ca.key), actor, now));
    }
    authority.db.commit(unit).await.map_err(exists_meanwhile)?;
    authority.reload().await?;
    made.iter().for_each(|(_, crl)| drop(authority.published.show(crl)));
    Ok(made.into_iter().map(|(ca, _)| ca).collect())
}

fn created(ca: &CaRecord, place: Place, actor: &Actor, now: Timestamp) -> Event {
    let event = Event::new(now, actor.clone(), "ca.create", format!("ca:{}", ca.id))
        .with("subject", &ca.subject)
        .with("key", ca.algorithm);
    let event = if place == Place::Token { event.with("key_store", place) } else { event };
    match &ca.parent {
        Some(parent) => event.with("parent", parent),
        None => event,
    }
}

fn exists_meanwhile(error: crate::store::CommitError) -> Error {
    match error {
        crate::store::CommitError::Refused { .. } => {
            Error::conflict("ca-exists", "a CA of this name was made by another request")
        }
        crate::store::CommitError::Failed(error) => error,
    }
}

fn parent_id(parent: &Parent) -> Option<&CaId> {
    match parent {
        Parent::Itself => None,
        Parent::Ours(id) | Parent::Offline(id, _) => Some(id),
    }
}

/// The parents that are not made by the plan itself, with their keys.
fn known_parents(authority: &Authority, plan: &[NewCa]) -> Result<Vec<Issuing>> {
    let hierarchy = authority.hierarchy();
    let mut parents = Vec::new();
    for (place, new) in plan.iter().enumerate() {
        let Some(id) = parent_id(&new.parent) else { continue };
        if plan[..place].iter().any(|earlier| earlier.id == *id) {
            continue;
        }
        let ca = hierarchy.require(id)?;
        ca.refuse_revoked()?;
        require_in_service(&hierarchy, id)?;
        let signer = match &new.parent {
            Parent::Offline(_, signer) => {
                super::custody::require_key_of(ca, &**signer)?;
                signer
            }
            Parent::Ours(_) | Parent::Itself => ca.ready()?.1,
        };
        let certificate =
            ca.certificate.as_ref().ok_or_else(|| Error::not_found("certificate of the CA", id))?;
        certify::may_sign_cas(id, certificate)?;
        parents.push(Issuing {
            id: id.clone(),
            certificate: Arc::clone(certificate),
            signer: Arc::clone(signer),
        });
    }
    Ok(parents)
}

/// A CA that another followed retires when what it signed expired: nothing more is put under it.
fn require_in_service(hierarchy: &Hierarchy, parent: &CaId) -> Result<()> {
    match hierarchy.standing(parent) {
        Standing::InForce | Standing::Next => Ok(()),
        Standing::Retiring | Standing::Retired => {
            let text = format!("{parent} is not in force any more: name the CA that followed it");
            Err(Error::conflict("not-in-force", text).at("/parent"))
        }
    }
}

/// Names that stand for something else where a CA's name stands.
const RESERVED: [(&str, &str); 2] =
    [("signet", "names the trust bundle of all CAs"), ("import", "names the place where CAs are brought in")];

/// Name and subject stand for one CA alone: two CAs of one subject confuse clients that choose by it.
pub(in crate::ca) fn require_new(
    authority: &Authority,
    id: &CaId,
    subject: &Name,
    earlier: &[NewCa],
) -> Result<()> {
    if let Some((_, what)) = RESERVED.iter().find(|(name, _)| id.as_str() == *name) {
        return Err(Error::invalid("reserved-name", format!("{id} {what}")).at("/id"));
    }
    let hierarchy = authority.hierarchy();
    let mut others = hierarchy.all().iter().map(|ca| (&ca.record.id, &ca.record.subject));
    let mut planned = earlier.iter().map(|new| (&new.id, &new.subject));
    let clash = |(other, name): &(&CaId, &Name)| *other == id || name.matches(subject);
    match others.find(clash).or_else(|| planned.find(clash)) {
        None => Ok(()),
        Some((other, _)) => {
            Err(Error::conflict("ca-exists", format!("the CA {other} has this name or subject ({subject})")))
        }
    }
}

/// A CA that is being brought in has its name already.
async fn require_no_import(authority: &Authority, id: &CaId) -> Result<()> {
    match authority.db.get::<ImportRecord>(&ImportRecord::key_of(id)).await? {
        None => Ok(()),
        Some(_) => Err(Error::conflict("ca-exists", format!("the CA {id} is being brought in")).at("/id")),
    }
}

fn key_id(ca: &CaId) -> Result<KeyId> {
    format!("ca-{ca}").parse()
}
