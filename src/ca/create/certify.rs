//! A CA's certificate, written by rcgen and signed behind the key store's wall.
//!
//! Every extension is given to rcgen as the bytes of our own builders, so that criticality, order and key
//! identifiers are exactly ours; the bytes to be signed pass the lint like those of any leaf.

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue};
use time::OffsetDateTime;

use super::remote_key::{RemoteKey, SubjectKey};
use super::{Issuing, NewCa, Work};
use crate::ca::lint::Issuer;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::keys::Signer;
use crate::x509::cert::{Certificate, Extension, ext};
use crate::x509::name::{Attribute, Name};

/// keyCertSign and cRLSign (RFC 5280 §4.2.1.3), bit 0 lowest.
pub const KEY_USAGE: u16 = (1 << 5) | (1 << 6);

/// digitalSignature, which TLS asks of who signs a handshake.
const DIGITAL_SIGNATURE: u16 = 1;

/// The key usage of a CA's certificate, bit 0 lowest.
fn key_usage(serves_tls: bool) -> u16 {
    if serves_tls { KEY_USAGE | DIGITAL_SIGNATURE } else { KEY_USAGE }
}

/// Whether a CA may present its own certificate in TLS handshakes.
pub fn serves_tls(certificate: &Certificate) -> bool {
    certificate.key_usage().is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0)
}

/// How far a CA's notBefore lies in the past, for devices with slow clocks.
const BACKDATE: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// The certificate of a new CA (DER), signed by `parent` or, without one, by itself.
pub(super) fn certify(
    new: &NewCa,
    signer: &dyn Signer,
    parent: Option<&Issuing>,
    work: &Work,
) -> Result<Vec<u8>> {
    let key_id = signer.public_key().key_id();
    let (not_before, not_after) = validity(new, parent, work.now)?;
    let mut params = CertificateParams::default();
    params.serial_number = Some(Serial::new(work.now, &work.random)?.content().to_vec().into());
    params.not_before = date(not_before)?;
    params.not_after = date(not_after)?;
    params.distinguished_name = distinguished_name(&new.subject)?;
    let above = parent.map(|parent| (&parent.id, &*parent.certificate));
    let rights = Rights { path_len: parent.map(|_| 0), serves_tls: new.serves_tls };
    let all = extensions(&key_id, rights, above, &work.public_url)?;
    params.custom_extensions = all.into_iter().map(custom).collect();
    let issuer = match parent {
        Some(parent) => Issuer::of(&parent.certificate)?,
        None => Issuer {
            subject: new.subject.der().to_vec(),
            key_id: key_id.to_vec(),
            not_before,
            not_after,
            signs_cas: true,
        },
    };
    let issuer_name = parent.map_or(&new.subject, |p| p.certificate.subject());
    let issuer_params = issuer_params(issuer_name)?;
    let key = RemoteKey::new(parent.map_or(signer, |p| &*p.signer), Some(issuer))?;
    let signed =
        params.signed_by(&SubjectKey::new(signer)?, &rcgen::Issuer::from_params(&issuer_params, &key));
    key.outcome(signed).map(|certificate| certificate.der().to_vec())
}

/// Holds that a CA may sign CAs. Errors: `ca-path-length`.
pub(in crate::ca) fn may_sign_cas(id: &CaId, certificate: &Certificate) -> Result<()> {
    if certificate.path_len() != Some(0) {
        return Ok(());
    }
    Err(Error::invalid("ca-path-length", format!("the CA {id} may sign no CAs (pathLenConstraint 0)"))
        .at("/parent"))
}

/// The name as rcgen writes it. Errors: `bad-name` for what it cannot write: an attribute twice.
pub(super) fn distinguished_name(name: &Name) -> Result<DistinguishedName> {
    let mut written = DistinguishedName::new();
    for Attribute { oid, value } in name.attributes() {
        let arcs: Vec<u64> = oid.arcs().map(u64::from).collect();
        let kind = DnType::from_oid(&arcs);
        if written.get(&kind).is_some() {
            return Err(
                Error::invalid("bad-name", format!("a CA's subject has {oid} once at most")).at("/subject")
            );
        }
        written.push(kind, string(*oid, value)?);
    }
    Ok(written)
}

/// In the string type that [`Name::from_attributes`] chooses.
fn string(oid: const_oid::ObjectIdentifier, value: &str) -> Result<DnValue> {
    use const_oid::db::{rfc3280, rfc4519};
    let bad = |e: rcgen::Error| {
        Error::invalid("bad-name", format!("a character of {oid} is not allowed")).because(e)
    };
    Ok(match oid {
        rfc4519::C | rfc4519::SERIAL_NUMBER | rfc4519::DN_QUALIFIER => {
            DnValue::PrintableString(value.try_into().map_err(bad)?)
        }
        rfc4519::DC | rfc3280::EMAIL_ADDRESS => DnValue::Ia5String(value.try_into().map_err(bad)?),
        _ => DnValue::Utf8String(value.to_owned()),
    })
}

/// An extension as rcgen takes it.
pub(super) fn custom(extension: Extension) -> CustomExtension {
    let arcs: Vec<u64> = extension.oid.arcs().map(u64::from).collect();
    let mut custom = CustomExtension::from_oid_content(&arcs, extension.value);
    custom.set_criticality(extension.critical);
    custom
}

fn issuer_params(name: &Name) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(name)?;
    Ok(params)
}

/// What a CA's certificate lets it do.
#[derive(Clone, Copy)]
pub(in crate::ca) struct Rights {
    /// How many CAs may stand below it.
    pub path_len: Option<u8>,
    /// Whether it may present itself in TLS handshakes.
    pub serves_tls: bool,
}

/// The extensions of a CA's certificate under `parent`, or of a root's. A root says nothing of where its own CRL is:
/// nobody revokes a root by the root's own word.
pub(in crate::ca) fn extensions(
    key_id: &[u8],
    rights: Rights,
    parent: Option<(&CaId, &Certificate)>,
    public_url: &str,
) -> Result<Vec<Extension>> {
    let issuer_key_id = match parent {
        Some((_, certificate)) => certificate.subject_key_id().unwrap_or_default(),
        None => key_id.to_vec(),
    };
    let mut all = vec![
        ext::basic_constraints(true, rights.path_len)?,
        ext::key_usage(key_usage(rights.serves_tls))?,
        ext::subject_key_id(key_id)?,
        ext::authority_key_id(&issuer_key_id)?,
    ];
    if let Some((id, _)) = parent {
        all.push(ext::crl_distribution_point(&crate::ca::crl_url(public_url, id))?);
        all.push(ext::authority_info_access(&crate::ca::ca_url(public_url, id), None)?);
    }
    Ok(all)
}

fn validity(new: &NewCa, parent: Option<&Issuing>, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let (mut not_before, mut not_after) =
        (now.minus(BACKDATE).whole_secs(), now.plus(new.lifetime).whole_secs());
    if let Some(parent) = parent {
        not_before = not_before.max(parent.certificate.not_before());
        not_after = not_after.min(parent.certificate.not_after());
    }
    if not_after <= now {
        return Err(Error::invalid("ca-lifetime", "the CA would have expired already").at("/lifetime"));
    }
    Ok((not_before, not_after))
}

fn date(at: Timestamp) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.secs()).map_err(|e| {
        Error::invalid("ca-lifetime", "the lifetime is beyond all calendars").because(e).at("/lifetime")
    })
}
