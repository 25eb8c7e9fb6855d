//! The recovery signer: self-signed, RSA, 20 years. It stands in every list, so that phones follow a change of every
//! other certificate; its key is exported and kept elsewhere, so that it outlives this machine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ClusterId, KeyId, Serial};
use crate::keys::{self, Signer};
use crate::store::{Db, PRIMARY, Scan, Stored, Unit};
use crate::trust::anchor::{self, NewAnchor};
use crate::trust::cluster;
use crate::trust::records::{RecoveryRecord, Source};
use crate::trust::role::Role;
use crate::x509::cert::{Certificate, Tbs, assemble, ext};
use crate::x509::key::{KeyAlgorithm, signature_algorithm};
use crate::x509::name::Name;
use crate::x509::pem;

mod export;

pub use export::{Form, export};

/// Phones must never see it expire before they are replaced themselves.
const LIFETIME: Duration = Duration::from_hours(24 * 365 * 20 + 24 * 5);
/// How often an anchor is added while others change the cluster.
const TRIES: usize = 5;
/// For phones with slow clocks.
const BACKDATE: Duration = Duration::from_hours(24);
/// digitalSignature (RFC 5280 §4.2.1.3), bit 0 lowest.
const KEY_USAGE: u16 = 1;
/// One makes a recovery signer at a time: two would make two keys of one name, and the second remove the first's.
static TURN: Mutex<()> = Mutex::const_new(());

/// The recovery signer in force: the newest. None before the first.
pub async fn current(db: &Db) -> Result<Option<Stored<RecoveryRecord>>> {
    let newest = Scan::all::<RecoveryRecord>(PRIMARY).backward().limit(1);
    Ok(db.scan::<RecoveryRecord>(newest).await?.items.pop())
}

/// All recovery signers, oldest first.
pub async fn all(db: &Db) -> Result<Vec<RecoveryRecord>> {
    let found = db.all::<RecoveryRecord>(Scan::all::<RecoveryRecord>(PRIMARY)).await?;
    Ok(found.into_iter().map(|stored| stored.value).collect())
}

/// The recovery signer in force; made now if there is none yet (RSA-2048). Errors: those of [`make`].
pub async fn ensure(authority: &Authority, actor: Actor) -> Result<RecoveryRecord> {
    if let Some(standing) = current(&authority.db).await? {
        return Ok(standing.value);
    }
    let _one = TURN.lock().await;
    match current(&authority.db).await? {
        Some(standing) => Ok(standing.value),
        None => make_next(authority, KeyAlgorithm::Rsa2048, actor).await,
    }
}

/// Makes a recovery signer beside those that there are; the new one is in force for clusters that are made from then
/// on. Errors: `recovery-key` for a key that lists have no code for, `state-conflict` if another was made meanwhile,
/// `storage`.
pub async fn make(authority: &Authority, algorithm: KeyAlgorithm, actor: Actor) -> Result<RecoveryRecord> {
    refuse_without_code(algorithm)?;
    let _one = TURN.lock().await;
    make_next(authority, algorithm, actor).await
}

async fn make_next(authority: &Authority, algorithm: KeyAlgorithm, actor: Actor) -> Result<RecoveryRecord> {
    let generation =
        current(&authority.db).await?.map_or(1, |stored| stored.value.generation.saturating_add(1));
    let key: KeyId = format!("recovery-{generation}").parse()?;
    let signer = make_key(authority, generation, &key, algorithm).await?;
    let (now, serial) = (authority.clock.now(), Serial::new(authority.clock.now(), &authority.random)?);
    let certificate = authority.pool.run(move || certify(&*signer, generation, serial, now)).await??;
    let record = RecoveryRecord { generation, key, certificate, made: now, exported: None };
    let mut unit = Unit::new();
    unit.insert(&record)?;
    let event = Event::new(now, actor, "recovery.create", format!("recovery:{generation}"));
    unit.event(event.with("key", algorithm).with("until", record.read()?.not_after()));
    authority.db.commit(unit).await?;
    Ok(record)
}

/// Puts a recovery signer into every cluster that lacks it, as sast, beside those that stand there. It may be done
/// again: what was cut off goes on where it ended.
/// Errors: those of [`anchor::add`].
pub async fn spread(authority: &Authority, record: &RecoveryRecord, actor: &Actor) -> Result<()> {
    for cluster in cluster::all(&authority.db).await? {
        if stands(authority, &cluster.id, record).await? {
            continue;
        }
        let mut tries = 0;
        // Who changes the cluster's anchors at the same time is waited for.
        while let Err(e) =
            anchor::add(authority, &cluster.id, vec![self::anchor(record)?], actor.clone()).await
        {
            tries += 1;
            if e.code() != "state-conflict" || tries == TRIES {
                return Err(e);
            }
        }
    }
    Ok(())
}

async fn stands(authority: &Authority, cluster: &ClusterId, record: &RecoveryRecord) -> Result<bool> {
    let anchors = anchor::of(&authority.db, cluster).await?;
    let mut same = anchors.iter().filter(|anchor| anchor.certificate == record.certificate);
    Ok(same.any(|anchor| anchor.is(Role::Sast) && anchor.source.key() == Some(&record.key)))
}

/// A recovery signer as an anchor of a cluster. Errors: `bad-certificate`.
pub fn anchor(record: &RecoveryRecord) -> Result<NewAnchor> {
    Ok(NewAnchor {
        certificate: Arc::new(record.read()?),
        roles: [Role::Sast].into(),
        source: Source::Recovery { key: record.key.clone() },
        dns_name: None,
        address: None,
    })
}

/// A list says of its signer's key 2048 or 4096 bits; phones know no other.
fn refuse_without_code(algorithm: KeyAlgorithm) -> Result<()> {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa4096 => Ok(()),
        KeyAlgorithm::Rsa3072 | KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 => {
            let text =
                format!("lists are signed with rsa-2048 or rsa-4096, not {algorithm}: phones know no other");
            Err(Error::invalid("recovery-key", text).at("/algorithm"))
        }
    }
}

/// No record names a key that stands there already: an attempt before left it.
async fn make_key(
    authority: &Authority,
    generation: u32,
    key: &KeyId,
    algorithm: KeyAlgorithm,
) -> Result<Arc<dyn Signer>> {
    match keys::generate_on_thread(authority.keys.clone(), key.clone(), algorithm).await {
        Err(e) if e.code() == "key-exists" => {}
        other => return other,
    }
    let left = authority.keys.signer(key)?;
    if left.public_key().algorithm() == Some(algorithm) {
        return Ok(left);
    }
    let record = RecoveryRecord::key_of(generation);
    if authority.db.get::<RecoveryRecord>(&record).await?.is_some() {
        return Err(Error::conflict(
            "state-conflict",
            "another recovery signer was made meanwhile; try again",
        ));
    }
    authority.keys.remove(key)?;
    keys::generate_on_thread(authority.keys.clone(), key.clone(), algorithm).await
}

fn certify(signer: &dyn Signer, generation: u32, serial: Serial, now: Timestamp) -> Result<Vec<u8>> {
    let digest = signer.default_digest();
    let algorithm = signature_algorithm(signer.public_key().kind(), digest);
    let key_id = signer.public_key().key_id();
    let name = Name::parse(&format!("CN=Signet ITLRecovery {generation}"))?;
    let tbs = Tbs {
        serial,
        signature_algorithm: algorithm.clone(),
        issuer: name.clone(),
        not_before: now.minus(BACKDATE).whole_secs(),
        not_after: now.plus(LIFETIME).whole_secs(),
        subject: name,
        spki: signer.public_key().spki().to_vec(),
        extensions: vec![
            ext::key_usage(KEY_USAGE)?,
            ext::subject_key_id(&key_id)?,
            ext::authority_key_id(&key_id)?,
        ],
    }
    .to_der()?;
    let signature = signer.sign(digest, &tbs)?;
    let der = assemble(&tbs, &algorithm, &signature)?;
    Certificate::from_der(&der)?;
    Ok(der)
}

/// The certificate as PEM.
fn certificate_pem(record: &RecoveryRecord) -> String {
    pem::encode("CERTIFICATE", &record.certificate)
}

/// A text that is wiped after use.
type Secret = Zeroizing<String>;
