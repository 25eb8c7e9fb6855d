//! What a device proves by a certificate that it holds: its LSC, its MIC, or a SUDI certificate.
//!
//! The device signs its name and the certificate with the certificate's key, twice: with SHA-1 and with SHA-512. That
//! proves the key; whose key it is, the certificate's issuer, dates and name say. Nothing here proves anything of the
//! new key that is to be certified: CAPF has no such proof.

use std::sync::Arc;

use crate::ca::records::CertificateRecord;
use crate::ca::{Authority, Hierarchy};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::CaId;
use crate::store::Stored;
use crate::x509::cert::Certificate;

mod elsewhere;
mod holder;
mod possession;
mod record;
mod roots;
mod sudi;
mod unproven;

pub use elsewhere::Elsewhere;
use record::on_record;
pub use roots::ManufacturingRoots;
pub use unproven::Unproven;

/// What a device shows, as received.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its name (element 13), octet for octet, without the NUL.
    pub device: String,
    /// The connection's session id.
    pub session: u32,
    /// The DER in element 4.
    pub certificate: Option<Vec<u8>>,
    /// Element 6: the signature with SHA-1.
    pub signed_data: Option<Vec<u8>>,
    /// Element 20: digest type, length, signature.
    pub sha2_signed_data: Option<Vec<u8>>,
    /// Element 16.
    pub sudi: Option<Vec<u8>>,
}

/// Whom a certificate is believed from.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Our CAs as they stand.
    pub hierarchy: Arc<Hierarchy>,
    /// Those that issue LSCs, by the names that profiles know them by; who followed or was before them counts too.
    pub issuers: Vec<CaId>,
    /// Those elsewhere that sign LSCs for this device.
    pub elsewhere: Elsewhere,
    /// Those that issue MICs and SUDI certificates.
    pub roots: Arc<ManufacturingRoots>,
    /// The present moment.
    pub now: Timestamp,
    /// Whether old devices are let in (feature `legacy`, and the policy says so): RSA keys of 1024 bits, MICs that were
    /// signed with SHA-1, and no signature with SHA-512.
    pub old_devices: bool,
}

/// What sort of certificate it is, by who signed it: the type that a device names is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Locally significant: one of ours.
    Lsc,
    /// Locally significant too: signed by a CA elsewhere, which is offline.
    Offline,
    /// Installed by the manufacturer (a MIC, or a SUDI certificate).
    Mic,
}

/// A certificate whose holder is at the other end.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The certificate of element 4.
    pub certificate: Certificate,
    /// Who signed that.
    pub sort: Sort,
    /// The certificate in the SUDI data, and who signed it, if that was sent and is not to be skipped.
    pub sudi: Option<(Certificate, Sort)>,
}

/// Why a proof was not accepted, or could not be looked at.
#[derive(Debug)]
pub enum Refusal {
    /// It is none.
    Unproven(Unproven),
    /// It could not be looked up or computed (`storage`, `busy`, `internal`).
    Failed(Error),
}

/// Checks everything about a proof but whether the certificate was revoked. Costs up to four operations with public
/// keys for each certificate shown: see [`prove`]. Errors: the first rule that does not hold.
pub fn check_certificate_proof(shown: &Shown, trust: &Trust) -> Result<Proven, Unproven> {
    let der = shown.certificate.as_deref().ok_or(Unproven::NoCertificate)?;
    // What is missing is seen before any key is checked or signature looked at.
    let first = shown.signed_data.as_deref().ok_or(Unproven::SignedDataMissing)?;
    let second = match possession::sha512_signature(shown.sha2_signed_data.as_deref()) {
        Ok(second) => Some(second),
        Err(Unproven::Sha512Missing) if trust.old_devices => None,
        Err(unproven) => return Err(unproven),
    };
    let certificate = holder::read(der, trust.old_devices)?;
    let sort = holder::check(&certificate, &shown.device, trust)?;
    let message = [shown.device.as_bytes(), &[0], der].concat();
    let key = certificate.public_key().map_err(|_| Unproven::Key)?;
    possession::check(&key, possession::Digest::Sha1, &message, first)?;
    if let Some(second) = second {
        possession::check(&key, possession::Digest::Sha512, &message, second)?;
    }
    let sudi = match &shown.sudi {
        Some(data) => check_sudi(data, shown, &certificate, trust)?,
        None => None,
    };
    Ok(Proven { certificate, sort, sudi })
}

/// Checks the SUDI data (element 16) beside `certificate`. None: it is to be skipped, because the device's key is not
/// RSA. Errors: the first rule that does not hold.
pub fn check_sudi(
    data: &[u8],
    shown: &Shown,
    certificate: &Certificate,
    trust: &Trust,
) -> Result<Option<(Certificate, Sort)>, Unproven> {
    let parts = sudi::Parts::read(data)?;
    let own = certificate.public_key().map_err(|_| Unproven::Key)?;
    if !own.kind().is_rsa() {
        return Ok(None);
    }
    let found = holder::read(parts.certificate, trust.old_devices)?;
    let key = found.public_key().map_err(|_| Unproven::Key)?;
    if !key.kind().is_rsa() {
        return Ok(None);
    }
    let sort = holder::check(&found, &shown.device, trust)?;
    let message = sudi::message(shown.session, parts.certificate);
    let wrong = |_| Unproven::SudiSignature;
    possession::check(&key, possession::Digest::Sha1, &message, parts.sha1).map_err(wrong)?;
    possession::check(&key, possession::Digest::Sha512, &message, parts.sha512).map_err(wrong)?;
    Ok(Some((found, sort)))
}

/// As [`check_certificate_proof`], on a thread for such work, and holds that none of the certificates was revoked, as
/// far as we know: what we issued must stand in our store, not revoked; what a CA elsewhere signed must have been brought
/// in for this device; whether a manufacturer revoked a MIC cannot be asked. Returns our record of the LSC too.
pub async fn prove(
    authority: &Authority,
    shown: Shown,
    trust: Trust,
) -> Result<(Proven, Option<Stored<CertificateRecord>>), Refusal> {
    let device = shown.device.clone();
    let checked = authority.pool.run(move || check_certificate_proof(&shown, &trust)).await;
    let proven = checked.map_err(Refusal::Failed)?.map_err(Refusal::Unproven)?;
    let record = on_record(authority, &proven.certificate, proven.sort, &device).await?;
    if let Some((sudi, sort)) = &proven.sudi
        && *sudi.der() != *proven.certificate.der()
    {
        on_record(authority, sudi, *sort, &device).await?;
    }
    Ok((proven, record))
}

/// Whose certificate this is, without any proof that the device has its key: what a device shows when it is asked for
/// its certificate. Held against issuer, dates, name and revocation as [`prove`] does. Returns our record of an LSC too.
pub async fn identify(
    authority: &Authority,
    der: Vec<u8>,
    device: &str,
    trust: Trust,
) -> Result<(Certificate, Sort, Option<Stored<CertificateRecord>>), Refusal> {
    let name = device.to_owned();
    let look = move || {
        let certificate = holder::read(&der, trust.old_devices)?;
        let sort = holder::check(&certificate, &name, &trust)?;
        Ok((certificate, sort))
    };
    let (certificate, sort) =
        authority.pool.run(look).await.map_err(Refusal::Failed)?.map_err(Refusal::Unproven)?;
    let record = on_record(authority, &certificate, sort, device).await?;
    Ok((certificate, sort, record))
}
