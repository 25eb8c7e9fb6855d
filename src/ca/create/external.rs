//! A CA under an external root: its request goes out, the chain comes in and is checked.

use std::sync::Arc;

use rcgen::CertificateParams;

use super::certify::{KEY_USAGE, custom, distinguished_name};
use super::generate::generate_or_reuse;
use super::remote_key::RemoteKey;
use super::{key_id, require_new, require_no_import};
use crate::audit::{Actor, Event};
use crate::ca::hierarchy::is_signed_by;
use crate::ca::import::records::ImportRecord;
use crate::ca::records::{CaRecord, Role};
use crate::ca::{Authority, crl, on_thread, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::keys::{Place, Signer};
use crate::store::{Stored, Unit, When};
use crate::x509::cert::{Certificate, ext};
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;
use crate::x509::pem;

/// The most certificates of a chain that comes in.
const MAX_CHAIN: usize = 8;
/// keyCertSign, which every CA of a chain has; ours has cRLSign besides.
const KEY_CERT_SIGN: u16 = 1 << 5;

/// Makes a CA's key and its PKCS#10 request (in the record, DER), to be signed by an external root.
/// A caller that leaves does not cut it off.
/// Errors: `ca-exists`, `reserved-name`, `key-exists`, `bad-name`, `storage`; those of a token, if its key is made there.
pub async fn request(
    authority: &Authority,
    id: CaId,
    subject: Name,
    (place, algorithm): (Place, KeyAlgorithm),
    actor: Actor,
) -> Result<CaRecord> {
    let authority = authority.clone();
    to_the_end(async move { requested(&authority, id, subject, (place, algorithm), actor).await }).await
}

async fn requested(
    authority: &Authority,
    id: CaId,
    subject: Name,
    (place, algorithm): (Place, KeyAlgorithm),
    actor: Actor,
) -> Result<CaRecord> {
    require_new(authority, &id, &subject, &[])?;
    require_no_import(authority, &id).await?;
    let (keys, key) = (Arc::clone(&authority.keys), key_id(&id)?);
    let (wanted, for_key) = (subject.clone(), key.clone());
    let request = on_thread(move || {
        let signer = generate_or_reuse(&*keys, place, &for_key, algorithm)?;
        sign_request(&wanted, &*signer)
    })
    .await?;
    let now = authority.clock.now();
    let record = CaRecord {
        id,
        role: Role::Issuing,
        parent: None,
        subject,
        algorithm,
        key,
        certificate: None,
        request: Some(request),
        external_chain: Vec::new(),
        created: now,
        key_exported: None,
        key_removed: None,
    };
    let mut unit = Unit::new();
    unit.insert(&record)?;
    unit.check::<ImportRecord>(&ImportRecord::key_of(&record.id), When::Absent);
    unit.event(event("ca.request", &record, actor, now));
    authority.db.commit(unit).await.map_err(super::exists_meanwhile)?;
    authority.reload().await?;
    Ok(record)
}

fn sign_request(subject: &Name, signer: &dyn Signer) -> Result<Vec<u8>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(subject)?;
    params.custom_extensions =
        vec![custom(ext::basic_constraints(true, Some(0))?), custom(ext::key_usage(KEY_USAGE)?)];
    let key = RemoteKey::new(signer, None)?;
    key.outcome(params.serialize_request(&key)).map(|request| request.der().to_vec())
}

/// Puts in the chain that the external root's owner sent back (PEM, the CA's own certificate first or
/// anywhere, the root included), and publishes the CA's first CRL. A later chain for the same key replaces it.
/// A caller that leaves does not cut it off.
/// Errors: `not-found`, `bad-chain` naming the rule, `bad-pem`, `bad-certificate`, `ca-not-ready`, `storage`.
pub async fn install_chain(authority: &Authority, id: &CaId, chain: &[u8], actor: Actor) -> Result<CaRecord> {
    let (authority, id, chain) = (authority.clone(), id.clone(), chain.to_vec());
    to_the_end(async move { installed(&authority, &id, &chain, actor).await }).await
}

async fn installed(authority: &Authority, id: &CaId, chain: &[u8], actor: Actor) -> Result<CaRecord> {
    let stored = authority.db.require::<CaRecord>(&CaRecord::key_of(id), id).await?;
    let signer = authority.keys.signer(&stored.value.key)?;
    let now = authority.clock.now();
    let chain = Chain::read(chain, &*signer)?;
    chain.check(&stored.value, now)?;
    let first = stored.value.certificate.is_none();
    let record = CaRecord {
        certificate: Some(chain.own.der().to_vec()),
        external_chain: chain.above.iter().map(|c| c.der().to_vec()).collect(),
        subject: chain.own.subject().clone(),
        ..stored.value.clone()
    };
    commit(authority, &record, &stored, &chain, signer, actor, now).await?;
    authority.reload().await?;
    if !first {
        crl::publish(authority, id).await?;
    }
    Ok(record)
}

async fn commit(
    authority: &Authority,
    record: &CaRecord,
    stored: &Stored<CaRecord>,
    chain: &Chain,
    signer: Arc<dyn Signer>,
    actor: Actor,
    now: Timestamp,
) -> Result<()> {
    let mut unit = Unit::new();
    unit.replace(record, stored.revision)?;
    let crl = match stored.value.certificate {
        Some(_) => None,
        None => {
            let (id, role, own) = (record.id.clone(), record.role, chain.own.clone());
            Some(on_thread(move || crl::first(&id, role, &own, &*signer, now)).await?)
        }
    };
    if let Some(crl) = &crl {
        unit.put(crl, When::Absent)?;
    }
    unit.event(event("ca.install-chain", record, actor, now).with("issuer", chain.own.issuer()));
    authority.db.commit(unit).await?;
    if let Some(crl) = &crl {
        authority.published.show(crl);
    }
    Ok(())
}

fn event(action: &str, record: &CaRecord, actor: Actor, now: Timestamp) -> Event {
    Event::new(now, actor, action, format!("ca:{}", record.id))
        .with("subject", &record.subject)
        .with("key", record.algorithm)
}

/// A chain in order: the CA's own certificate and those above it, the root last.
struct Chain {
    own: Certificate,
    above: Vec<Certificate>,
}

impl Chain {
    /// Reads PEM (or one DER certificate) and puts it in order, from the one with our key up to a root.
    fn read(bytes: &[u8], signer: &dyn Signer) -> Result<Self> {
        let mut given = read_certificates(bytes)?;
        let place = given
            .iter()
            .position(|c| c.spki() == signer.public_key().spki())
            .ok_or_else(|| bad("none of the certificates has the key of the request"))?;
        let own = given.swap_remove(place);
        let mut above: Vec<Certificate> = Vec::new();
        loop {
            let last = above.last().unwrap_or(&own);
            if last.is_self_signed() {
                break;
            }
            let place = given
                .iter()
                .position(|c| c.subject().matches(last.issuer()) && is_signed_by(last, c))
                .ok_or_else(|| bad(format!("the certificate that signed {} is missing", last.subject())))?;
            let next = given.swap_remove(place);
            above.push(next);
        }
        if above.is_empty() {
            return Err(bad("the certificate is signed by its own key: it is under no external root"));
        }
        if let Some(stray) = given.first() {
            return Err(bad(format!("{} does not belong to the chain", stray.subject())));
        }
        Ok(Self { own, above })
    }

    fn check(&self, record: &CaRecord, now: Timestamp) -> Result<()> {
        if record.request.is_none() {
            return Err(Error::new(
                Kind::Conflict,
                "bad-chain",
                format!("the CA {} is under no external root", record.id),
            ));
        }
        if !self.own.subject().matches(&record.subject) {
            return Err(bad(format!(
                "the subject is {}, not the requested {}",
                self.own.subject(),
                record.subject
            )));
        }
        if self.own.subject_key_id().is_none() {
            return Err(bad("the CA's certificate has no SubjectKeyIdentifier"));
        }
        for (below, certificate) in std::iter::once(&self.own).chain(&self.above).enumerate() {
            may_be_ca(certificate, below, now)?;
        }
        Ok(())
    }
}

/// Holds RFC 5280 §6.1.4 (k) to (n) for a certificate with `below` CA certificates under it.
pub(in crate::ca) fn may_be_ca(certificate: &Certificate, below: usize, now: Timestamp) -> Result<()> {
    let name = certificate.subject();
    if !certificate.is_ca() {
        return Err(bad(format!("{name} is no CA certificate (CA:TRUE is missing)")));
    }
    let needed = if below == 0 { KEY_USAGE } else { KEY_CERT_SIGN };
    let usage = certificate.key_usage().or((below > 0).then_some(KEY_CERT_SIGN)).unwrap_or(0);
    if usage & needed != needed {
        let ours = if below == 0 { " and cRLSign" } else { "" };
        return Err(bad(format!("{name} has no keyUsage with keyCertSign{ours}")));
    }
    if certificate.path_len().is_some_and(|most| usize::from(most) < below) {
        return Err(bad(format!("{name} allows fewer CAs below it than there are")));
    }
    if !certificate.is_valid_at(now) {
        return Err(bad(format!("{name} is not in date")));
    }
    Ok(())
}

/// The certificates of a PEM text, each once, or the one that is DER. Errors: `bad-chain`, `bad-pem`, `bad-certificate`.
pub(in crate::ca) fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>> {
    if !bytes.windows(5).any(|w| w == b"-----") {
        return Ok(vec![Certificate::from_der(bytes)?]);
    }
    let mut found: Vec<Certificate> = Vec::new();
    for (label, der) in pem::decode_all(bytes, MAX_CHAIN)? {
        if label != "CERTIFICATE" {
            return Err(bad(format!("holds a {label}; only certificates belong into a chain")));
        }
        let certificate = Certificate::from_der(&der)?;
        if !found.contains(&certificate) {
            found.push(certificate);
        }
    }
    Ok(found)
}

fn bad(rule: impl std::fmt::Display) -> Error {
    Error::invalid("bad-chain", format!("chain: {rule}"))
}
