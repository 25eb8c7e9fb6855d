//! The beginning of an import: key and chain, checked and kept. Nothing of it signs yet.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::chain::Chain;
use super::records::ImportRecord;
use crate::audit::{Actor, Event};
use crate::ca::create::{read_certificates, require_new};
use crate::ca::records::{CaRecord, Role};
use crate::ca::{Authority, on_thread, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, KeyId};
use crate::keys::software::{ForeignKey, Pkcs12};
use crate::keys::{KeyStore, Signer};
use crate::random::Random;
use crate::store::{CommitError, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::key::KeyAlgorithm;

/// The key of a CA and its certificates, as they came.
pub enum Material {
    /// A key (PEM) and certificates (PEM, or one as DER).
    Pem {
        /// The key, encrypted or not.
        key: Zeroizing<String>,
        /// The CA's certificate and those above it.
        chain: Vec<u8>,
    },
    /// A PKCS#12 file, and what it lacks of the chain.
    Pkcs12 {
        /// The file.
        file: Zeroizing<Vec<u8>>,
        /// Certificates besides.
        chain: Vec<u8>,
    },
}

/// A CA that is to move in.
pub struct NewImport {
    /// Its name here: part of its CRL's and its certificate's address, so it stays.
    pub id: CaId,
    /// Its key and chain.
    pub material: Material,
    /// What opens the key, if it is encrypted.
    pub passphrase: Option<Zeroizing<String>>,
    /// What it is to be; without it a self-signed CA is a root, which signs CAs only.
    pub role: Option<Role>,
    /// Whether the chain may end below its root.
    pub root_external: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was looked at and could begin; nothing was kept.
    Checked,
    /// It goes on: certificates and revocations may come.
    Running,
    /// The CA is one of ours.
    Active,
}

/// An import that began.
#[derive(Debug)]
pub struct Begun {
    /// The CA's certificate.
    pub certificate: Certificate,
    /// What it is, or is to be.
    pub role: Role,
    /// How far it is.
    pub state: State,
}

/// Checks key and chain and keeps them for an import, or, with `dry_run`, keeps nothing. Again for the same CA it
/// answers how far that is. A caller that leaves does not cut it off.
/// Errors: `bad-key`, `bad-pkcs12`, `passphrase-needed`, `wrong-passphrase`, `bad-pem`, `bad-certificate`, `wrong-key`,
/// `bad-chain`, `invalid-role`, `ca-exists`, `reserved-name`, `key-exists`, `storage`.
pub async fn begin(authority: &Authority, new: NewImport, dry_run: bool, actor: Actor) -> Result<Begun> {
    let authority = authority.clone();
    to_the_end(async move { begun(&authority, new, dry_run, actor).await }).await
}

async fn begun(authority: &Authority, new: NewImport, dry_run: bool, actor: Actor) -> Result<Begun> {
    let NewImport { id, material, passphrase, role, root_external } = new;
    let random = authority.random.clone();
    let opened = on_thread(move || Opened::open(material, passphrase, &random)).await?;
    let now = authority.clock.now();
    let hierarchy = authority.hierarchy();
    let chain = Chain::build(opened.certificates, &*opened.signer, &hierarchy, root_external)?;
    if let Some((role, state)) = standing(authority, &id, &chain.own).await? {
        return Ok(Begun { certificate: chain.own, role, state });
    }
    chain.check(now)?;
    require_new(authority, &id, chain.own.subject(), &[])?;
    let role = role_of(&chain, role)?;
    let record = record(id, role, &chain, opened.algorithm, now)?;
    if dry_run {
        return Ok(Begun { certificate: chain.own, role, state: State::Checked });
    }
    let (keys, key_id) = (Arc::clone(&authority.keys), record.key.clone());
    on_thread(move || keep_key(&*keys, &key_id, &opened.key, &*opened.signer)).await?;
    commit(authority, &record, &chain, actor).await?;
    Ok(Begun { certificate: chain.own, role, state: State::Running })
}

/// The key and all certificates that came.
struct Opened {
    key: ForeignKey,
    signer: Arc<dyn Signer>,
    algorithm: KeyAlgorithm,
    certificates: Vec<Certificate>,
}

impl Opened {
    fn open(material: Material, passphrase: Option<Zeroizing<String>>, random: &Random) -> Result<Self> {
        let passphrase = passphrase.as_ref().map(|p| p.as_str());
        let (keys, certificates) = match material {
            Material::Pem { key, chain } => {
                (vec![ForeignKey::from_pem(&key, passphrase)?], read_certificates(&chain)?)
            }
            Material::Pkcs12 { file, chain } => {
                let held = Pkcs12::open(&file, passphrase.unwrap_or_default())?;
                let read = |der: &Vec<u8>| Certificate::from_der(der);
                let mut all = held.certificates.iter().map(read).collect::<Result<Vec<_>>>()?;
                if !chain.is_empty() {
                    all.extend(read_certificates(&chain)?);
                }
                (held.keys, all)
            }
        };
        let (key, signer) = choose(keys, &certificates, random)?;
        let algorithm = signer.public_key().algorithm().ok_or_else(|| {
            Error::invalid("bad-key", "a CA's key is RSA with 2048, 3072 or 4096 bits, P-256, P-384 or P-521")
        })?;
        Ok(Self { key, signer, algorithm, certificates })
    }
}

/// A token's file may hold other keys beside the CA's: the one of a CA certificate counts, else any of a certificate.
fn choose(
    keys: Vec<ForeignKey>,
    certificates: &[Certificate],
    random: &Random,
) -> Result<(ForeignKey, Arc<dyn Signer>)> {
    let mut fault = Error::invalid(
        "wrong-key",
        "none of the certificates has the key given: is it the key of another CA?",
    );
    let mut other = None;
    for key in keys {
        let signer = match key.signer(random) {
            Ok(signer) => signer,
            Err(error) => {
                fault = error;
                continue;
            }
        };
        match certificates.iter().find(|c| c.spki() == signer.public_key().spki()) {
            Some(certificate) if certificate.is_ca() => return Ok((key, signer)),
            Some(_) => other = Some((key, signer)),
            None => {}
        }
    }
    other.ok_or(fault)
}

/// How far the import of this very CA is, if it began. Errors: `ca-exists` if the name is another's.
async fn standing(authority: &Authority, id: &CaId, own: &Certificate) -> Result<Option<(Role, State)>> {
    let import = authority.db.get::<ImportRecord>(&ImportRecord::key_of(id)).await?;
    let Some(import) = import else { return Ok(None) };
    if import.value.certificate != own.der() {
        let detail =
            format!("another CA was brought in under the name {id}, or is being: choose another name");
        return Err(Error::conflict("ca-exists", detail).at("/id"));
    }
    let state = if import.value.activated.is_some() { State::Active } else { State::Running };
    Ok(Some((import.value.role, state)))
}

fn role_of(chain: &Chain, wanted: Option<Role>) -> Result<Role> {
    match (wanted, chain.is_self_signed()) {
        (Some(Role::Root), false) => {
            let detail = "a root signs itself: this CA was signed by another, so it is an issuing one";
            Err(Error::invalid("invalid-role", detail).at("/role"))
        }
        (Some(role), _) => Ok(role),
        (None, true) => Ok(Role::Root),
        (None, false) => Ok(Role::Issuing),
    }
}

fn record(
    id: CaId,
    role: Role,
    chain: &Chain,
    algorithm: KeyAlgorithm,
    began: Timestamp,
) -> Result<ImportRecord> {
    Ok(ImportRecord {
        // Never a name that a new CA's key gets: what an attempt left behind is used by nobody else.
        key: format!("moved-{id}").parse()?,
        id,
        role,
        parent: chain.parent.clone(),
        algorithm,
        certificate: chain.own.der().to_vec(),
        external_chain: chain.above.iter().map(|c| c.der().to_vec()).collect(),
        began,
        activated: None,
    })
}

/// The key may stand there from an attempt that broke off.
fn keep_key(keys: &dyn KeyStore, id: &KeyId, key: &ForeignKey, signer: &dyn Signer) -> Result<()> {
    match keys.import(id, key.pkcs8()) {
        Err(taken) if taken.code() == "key-exists" => {
            let there = keys.signer(id)?;
            if there.public_key() == signer.public_key() { Ok(()) } else { Err(taken.at("/id")) }
        }
        other => other.map(drop),
    }
}

async fn commit(authority: &Authority, record: &ImportRecord, chain: &Chain, actor: Actor) -> Result<()> {
    let mut unit = Unit::new();
    unit.insert(record)?;
    unit.check::<CaRecord>(&CaRecord::key_of(&record.id), When::Absent);
    unit.event(
        Event::new(record.began, actor, "ca.import-begin", format!("ca:{}", record.id))
            .with("subject", chain.own.subject())
            .with("key", record.algorithm)
            .with("fingerprint", hex(&chain.own.fingerprint())),
    );
    authority.db.commit(unit).await.map(drop).map_err(|e| match e {
        CommitError::Refused { .. } => {
            Error::conflict("ca-exists", "a CA of this name was made by another request").at("/id")
        }
        CommitError::Failed(error) => error,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}
