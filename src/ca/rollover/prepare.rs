//! The next CA: its key, its certificate, its first CRL and what certifies its key, recorded in one write.

use std::sync::Arc;
use std::time::Duration;

use super::certificate::{Maker, Party};
use super::records::{RolloverRecord, Stage};
use crate::audit::{Actor, Event};
use crate::ca::create::{lifetime_of, may_sign_cas};
use crate::ca::crl::CrlChange;
use crate::ca::import::records::ImportRecord;
use crate::ca::records::{CaRecord, CrlRecord, CrlSettingsRecord, Role};
use crate::ca::rollover::Standing;
use crate::ca::{Authority, Hierarchy, LoadedCa, crl, custody, on_thread, to_the_end};
use crate::error::{Error, Result};
use crate::id::{CaId, KeyId};
use crate::keys::{KeyStore, Place, Signer};
use crate::store::{CommitError, Stored, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::key::KeyAlgorithm;

/// The beginning of the names of keys that only a rollover makes.
const KEY_PREFIX: &str = "next-";

/// The next CA as it is wanted.
pub struct Preparation {
    /// Whose successor: a name under which a CA is in force.
    pub ca: CaId,
    /// The type of its key; without one, that of the CA before.
    pub algorithm: Option<KeyAlgorithm>,
    /// Who signs an issuing CA; without one, who is in force of the parent before.
    pub parent: Option<CaId>,
    /// How long it lives; without one 20 years for a root, 10 for an issuing CA.
    pub lifetime: Option<Duration>,
    /// The key that signs it (the parent's, or the root's own), if it was exported and removed.
    pub offline: Option<Arc<dyn Signer>>,
}

/// Makes the CA that is to follow the one in force: same subject, new key, a name of its own. From then on it is
/// announced; it takes over when it is activated. A caller that leaves does not cut it off.
/// Errors: `not-found`, `rollover-exists`, `not-in-force`, `invalid-parent`, `ca-not-ready`, `ca-path-length`,
/// `wrong-key`, `ca-lifetime`, `lint`, `storage`.
pub async fn prepare(authority: &Authority, wanted: Preparation, actor: Actor) -> Result<CaId> {
    let authority = authority.clone();
    to_the_end(async move { prepared(&authority, wanted, &actor).await }).await
}

async fn prepared(authority: &Authority, wanted: Preparation, actor: &Actor) -> Result<CaId> {
    let _alone = authority.rolling.lock().await;
    let hierarchy = authority.hierarchy();
    let current = hierarchy.in_force(&wanted.ca)?;
    may_be_followed(&hierarchy, current)?;
    let algorithm = wanted.algorithm.unwrap_or(current.record.algorithm);
    let role = current.record.role;
    let lifetime = wanted.lifetime.unwrap_or_else(|| lifetime_of(role));
    let (place, settings) = (authority.keys.place(&current.record.key), current.crl.clone());
    let (current, parent) = parties(&hierarchy, current, wanted)?;
    let id = next_name(authority, &hierarchy, &current.id).await?;
    let maker = Maker {
        random: authority.random.clone(),
        public_url: authority.public_url.clone(),
        now: authority.clock.now(),
    };
    let keys = Arc::clone(&authority.keys);
    let draft = Draft { id, role, place, algorithm, lifetime, current, parent };
    let made = on_thread(move || draft.make(&*keys, &maker)).await?;
    let id = commit(authority, made, actor).await?;
    go_on_with(authority, &id, &settings, actor).await;
    Ok(id)
}

/// The next CA makes its CRLs as the one before. Where that fails it makes them as any new CA, until somebody sets it.
async fn go_on_with(authority: &Authority, id: &CaId, settings: &Stored<CrlSettingsRecord>, actor: &Actor) {
    if settings.revision == 0 {
        return;
    }
    let hours = |seconds: u64| seconds / 3600;
    let change = CrlChange {
        shards: Some(settings.value.shards),
        window_hours: settings.value.window.map(hours),
        delta_hours: settings.value.delta.map(hours),
    };
    if let Err(error) = crl::configure(authority, id, change, actor.clone()).await {
        tracing::warn!(ca = %id, %error, "the CRL settings of the CA before could not be taken over");
    }
}

/// Removes the keys that a broken-off preparation left: no CA has them. Errors: `storage`.
pub(in crate::ca) async fn forget_orphans(hierarchy: &Hierarchy, keys: &Arc<dyn KeyStore>) -> Result<()> {
    let used: Vec<KeyId> = hierarchy.all().iter().map(|ca| ca.record.key.clone()).collect();
    let keys = Arc::clone(keys);
    on_thread(move || {
        for orphan in
            keys.list()?.iter().filter(|key| key.as_str().starts_with(KEY_PREFIX) && !used.contains(key))
        {
            match keys.remove(orphan) {
                Ok(()) => tracing::info!(key = %orphan, "removed the key of a CA that was never made"),
                Err(error) => {
                    tracing::warn!(key = %orphan, %error, "a key that no CA has could not be removed")
                }
            }
        }
        Ok(())
    })
    .await
}

fn may_be_followed(hierarchy: &Hierarchy, current: &LoadedCa) -> Result<()> {
    let id = &current.record.id;
    match hierarchy.standing(id) {
        Standing::InForce => {}
        Standing::Next | Standing::Retiring | Standing::Retired => {
            let text = format!("{id} is not in force: a successor is made for the CA that issues");
            return Err(Error::conflict("not-in-force", text));
        }
    }
    match hierarchy.next_of(id) {
        None => Ok(()),
        Some(next) => Err(exists(&next.record.id)),
    }
}

fn exists(next: &CaId) -> Error {
    let text = format!(
        "{next} is prepared already: let it take over (signet ca rollover activate {next}), or call it off (signet ca \
         rollover cancel {next})"
    );
    Error::conflict("rollover-exists", text)
}

/// The CA that is followed and who signs the next one, each with its key; no parent: it signs itself, as the CA before.
fn parties(hierarchy: &Hierarchy, current: &LoadedCa, wanted: Preparation) -> Result<(Party, Option<Party>)> {
    let is_root = current.record.role == Role::Root;
    if is_root && wanted.parent.is_some() {
        return Err(Error::invalid("invalid-parent", "a root has no parent").at("/parent"));
    }
    // A CA that moved in may sign itself and issue all the same.
    let signs_itself = is_root || current.certificate.as_ref().is_some_and(|c| c.is_self_signed());
    let Some(parent) = wanted.parent.as_ref().or(current.record.parent.as_ref()) else {
        if signs_itself {
            return Ok((party(current, wanted.offline)?, None));
        }
        let id = &current.record.id;
        let text =
            format!("the CA {id} is under an external root: name the CA of ours that signs its successor");
        return Err(Error::invalid("invalid-parent", text).at("/parent"));
    };
    let parent = hierarchy.in_force(parent).map_err(|e| e.at("/parent"))?;
    parent.refuse_revoked()?;
    let parent = party(parent, wanted.offline)?;
    may_sign_cas(&parent.id, &parent.certificate)?;
    Ok((party(current, None)?, Some(parent)))
}

fn party(ca: &LoadedCa, offline: Option<Arc<dyn Signer>>) -> Result<Party> {
    let signer = match offline {
        Some(signer) => {
            custody::require_key_of(ca, &*signer)?;
            signer
        }
        None => Arc::clone(ca.ready()?.1),
    };
    let certificate =
        ca.certificate.clone().ok_or_else(|| Error::not_found("certificate of the CA", &ca.record.id))?;
    Ok(Party { id: ca.record.id.clone(), certificate, signer })
}

/// `rsa-issuing` is followed by `rsa-issuing-g2`, that by `rsa-issuing-g3`: the first name that nobody has.
async fn next_name(authority: &Authority, hierarchy: &Hierarchy, current: &CaId) -> Result<CaId> {
    let (base, generation) = generation(current.as_str());
    let mut number = generation.saturating_add(1);
    loop {
        let id: CaId = format!("{base}-g{number}").parse()?;
        let imported = authority.db.get::<ImportRecord>(&ImportRecord::key_of(&id)).await?;
        if hierarchy.require(&id).is_err() && imported.is_none() {
            return Ok(id);
        }
        number = number.saturating_add(1);
    }
}

fn generation(name: &str) -> (&str, u32) {
    let split = name.rsplit_once("-g").and_then(|(base, number)| Some((base, number.parse().ok()?)));
    split.filter(|(base, _)| !base.is_empty()).unwrap_or((name, 1))
}

/// A next CA before it has a key.
struct Draft {
    id: CaId,
    role: Role,
    place: Place,
    algorithm: KeyAlgorithm,
    lifetime: Duration,
    current: Party,
    parent: Option<Party>,
}

impl Draft {
    fn make(self, keys: &dyn KeyStore, maker: &Maker) -> Result<(CaRecord, CrlRecord, RolloverRecord)> {
        let key: KeyId = format!("{KEY_PREFIX}{}", self.id).parse()?;
        let signer = generate(keys, self.place, &key, self.algorithm)?;
        let der = maker.own(&self.current.certificate, &*signer, self.parent.as_ref(), self.lifetime)?;
        let certificate = Arc::new(Certificate::from_der(&der)?);
        let crl = crl::first(&self.id, self.role, &certificate, &*signer, maker.now)?;
        let next = Party { id: self.id.clone(), certificate: Arc::clone(&certificate), signer };
        // Who trusts the next one alone needs the way back; under a common parent nobody does.
        let current_by_next = match self.parent {
            None => Some(maker.cross(&self.current, &next)?),
            Some(_) => None,
        };
        let rollover = RolloverRecord {
            current: self.current.id.clone(),
            next: self.id.clone(),
            prepared: maker.now,
            stage: Stage::Prepared { activate_at: None },
            next_by_current: maker.cross(&next, &self.current)?,
            current_by_next,
            last_leaf: None,
            retired: None,
        };
        let record = CaRecord {
            id: self.id,
            role: self.role,
            parent: self.parent.map(|parent| parent.id),
            subject: certificate.subject().clone(),
            algorithm: self.algorithm,
            key,
            certificate: Some(der),
            request: None,
            external_chain: Vec::new(),
            created: maker.now,
            key_exported: None,
            key_removed: None,
        };
        Ok((record, crl, rollover))
    }
}

/// A key that stands there already is what a broken-off attempt left: nothing was ever signed with it.
fn generate(
    keys: &dyn KeyStore,
    place: Place,
    key: &KeyId,
    algorithm: KeyAlgorithm,
) -> Result<Arc<dyn Signer>> {
    if keys.list()?.contains(key) {
        keys.remove(key)?;
    }
    keys.generate_in(place, key, algorithm)
}

async fn commit(
    authority: &Authority,
    (ca, crl, rollover): (CaRecord, CrlRecord, RolloverRecord),
    actor: &Actor,
) -> Result<CaId> {
    let mut unit = Unit::new();
    unit.insert(&rollover)?;
    unit.insert(&ca)?;
    unit.insert(&crl)?;
    unit.check::<ImportRecord>(&ImportRecord::key_of(&ca.id), When::Absent);
    unit.check::<CaRecord>(&CaRecord::key_of(&rollover.current), When::Present);
    let event = Event::new(ca.created, actor.clone(), "ca.rollover-prepare", format!("ca:{}", ca.id));
    let event =
        event.with("follows", &rollover.current).with("subject", &ca.subject).with("key", ca.algorithm);
    unit.event(match &ca.parent {
        Some(parent) => event.with("parent", parent),
        None => event,
    });
    authority.db.commit(unit).await.map_err(|e| match e {
        CommitError::Refused { .. } => {
            Error::conflict("ca-exists", "a CA of this name was made by another request: try again")
        }
        CommitError::Failed(error) => error,
    })?;
    authority.reload().await?;
    authority.published.show(&crl);
    Ok(ca.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_stands_at_the_end_of_the_name() {
        assert_eq!(generation("rsa-issuing"), ("rsa-issuing", 1));
        assert_eq!(generation("rsa-issuing-g2"), ("rsa-issuing", 2));
        assert_eq!(generation("rsa-issuing-g41"), ("rsa-issuing", 41));
        assert_eq!(generation("big-g"), ("big-g", 1));
        assert_eq!(generation("big-green"), ("big-green", 1));
    }
}
