//! Proof by a certificate that the device has: its LSC, its MIC, or a SUDI certificate.

use sha2::{Digest, Sha256};

use crate::ca::profile::ProfileSet;
use crate::ca::records::{CertificateRecord, serials};
use crate::device::records::{DeviceRecord, Held, Reason};
use crate::enrol::capf::admit::lanes::{Lanes, is_own};
use crate::enrol::capf::admit::mode_mismatch;
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::message::AuthResponse;
use crate::enrol::capf::proof::{self, Elsewhere, Proven, Shown, Sort, Trust, Unproven, prove};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::error::{Error, Kind, Result};
use crate::id::Serial;
use crate::store::Stored;
use crate::x509::cert::Certificate;

/// Holds a certificate and the signatures of its key against the device. The device comes back with what it showed, and
/// with it the serial number of an LSC. A wrong proof counts before the next one is looked at, and after many none is
/// ([`Lanes`]).
pub(super) async fn check(
    service: &Service,
    caller: &Caller,
    device: Stored<DeviceRecord>,
    auth: AuthResponse,
    session: u32,
) -> Result<(Stored<DeviceRecord>, Option<Serial>), Refusal> {
    let Some(certificate) = auth.certificate else { return Err(mode_mismatch()) };
    let own = is_own(&service.desk, &device.value, &certificate.certificate).await?;
    let lanes = Lanes::of(&device.value.name, caller.address, own);
    let _turn = service.turn(&device.value.name).await;
    lanes.check(&service.desk.throttle, service.desk.authority.clock.now())?;
    let trust = trust(service, &device.value, &certificate.certificate).await?;
    let issuer = issuer(&certificate.certificate, &trust);
    let shown = Shown {
        device: auth.device.as_str().to_owned(),
        session,
        certificate: Some(certificate.certificate),
        signed_data: certificate.sha1,
        sha2_signed_data: certificate.sha2,
        sudi: auth.sudi,
    };
    let unproven = match prove(&service.desk.authority, shown, trust).await {
        Ok((_, Some(record))) if !is_lsc_of(&device.value, &record.value) => Unproven::OtherIssuer,
        Ok((proven, _)) => {
            let (value, serial) = showed(device.value, &proven)?;
            return Ok((Stored { value, revision: device.revision }, serial));
        }
        Err(proof::Refusal::Unproven(unproven)) => unproven,
        Err(proof::Refusal::Failed(error)) => return Err(Refusal::from(error)),
    };
    if unproven.counts() {
        book::count_wrong(service, caller, &lanes.whos()).await;
    }
    Err(unproven_by(unproven, issuer))
}

/// Whether a certificate of ours is this device's LSC: of the profile that it gets its certificates by, or the one that
/// it holds or was given last. The same CA may issue by other profiles too, in the same name.
pub(in crate::enrol::capf) fn is_lsc_of(device: &DeviceRecord, record: &CertificateRecord) -> bool {
    record.profile == device.profile
        || device.lsc.as_ref().is_some_and(|held| held.fingerprint == record.fingerprint)
        || device.unconfirmed.as_ref() == Some(&record.serial)
}

/// What a certificate says of itself, by the name of its issuer: nothing of it is believed.
fn issuer(der: &[u8], trust: &Trust) -> Option<Sort> {
    let certificate = Certificate::from_der(der).ok()?;
    let mut ours = trust.hierarchy.all().iter();
    if ours.any(|ca| ca.record.subject.matches(certificate.issuer())) {
        return Some(Sort::Lsc);
    }
    if trust.elsewhere.issuers.iter().any(|ca| ca.subject().matches(certificate.issuer())) {
        return Some(Sort::Offline);
    }
    let mut theirs = trust.roots.all();
    theirs.any(|root| root.subject().matches(certificate.issuer())).then_some(Sort::Mic)
}

/// Whom a certificate (DER) of this device is believed from: the CA of its profile, ours or elsewhere, that of the LSC
/// that it holds, and the manufacturers.
pub(in crate::enrol::capf) async fn trust(
    service: &Service,
    device: &DeviceRecord,
    certificate: &[u8],
) -> Result<Trust> {
    let (authority, profiles) = (&service.desk.authority, &service.desk.profiles);
    let set = profiles.current();
    let profile = set.require(&device.profile)?;
    let mut issuers = vec![profile.ca().clone()];
    if let Some(held) = &device.lsc {
        let found = serials::all(&authority.db, &held.serial).await?;
        let same = |stored: &Stored<CertificateRecord>| stored.value.fingerprint == held.fingerprint;
        issuers.extend(found.into_iter().filter(same).map(|stored| stored.value.ca));
    }
    Ok(Trust {
        hierarchy: authority.hierarchy(),
        issuers,
        elsewhere: elsewhere(service, &set, device, certificate),
        roots: profiles.manufacturing_roots(),
        now: authority.clock.now(),
        old_devices: profile.capf().rsa_1024,
    })
}

/// The CAs elsewhere that its profile names; if it is known to hold this very certificate, those of every profile: it may
/// have come to another one since.
fn elsewhere(service: &Service, set: &ProfileSet, device: &DeviceRecord, certificate: &[u8]) -> Elsewhere {
    let shown: [u8; 32] = Sha256::digest(certificate).into();
    let holds = device.lsc.as_ref().is_some_and(|held| held.fingerprint == shown);
    let named = set.all().iter().filter(|profile| holds || *profile.id() == device.profile);
    let issuers = named.flat_map(|profile| profile.offline_issuers()).cloned().collect();
    Elsewhere { issuers, lists: service.desk.profiles.offline_lists() }
}

fn showed(mut device: DeviceRecord, proven: &Proven) -> Result<(DeviceRecord, Option<Serial>)> {
    if let Some((sudi, Sort::Mic)) = &proven.sudi {
        device.mic = Some(Held::of(sudi)?);
    }
    match proven.sort {
        Sort::Mic => {
            device.mic = Some(Held::of(&proven.certificate)?);
            Ok((device, None))
        }
        Sort::Lsc | Sort::Offline => {
            device.holds(Held::of(&proven.certificate)?);
            Ok((device, Some(proven.certificate.serial().clone())))
        }
    }
}

/// One cause each, for the log; the device is told 7.
fn unproven_by(unproven: Unproven, issuer: Option<Sort>) -> Refusal {
    let reason = match unproven {
        Unproven::NoCertificate => return mode_mismatch(),
        Unproven::SudiStructure => {
            let error = Error::new(Kind::Forbidden, "capf-proof", "bad SUDI structure");
            return Refusal::unproven(error, Reason::InvalidMic);
        }
        Unproven::SudiSignature => Reason::InvalidMic,
        Unproven::OtherIssuer
        | Unproven::NotOnRecord
        | Unproven::Revoked
        | Unproven::IssuerSignature
        | Unproven::Issuer
        | Unproven::Expired
        | Unproven::NotYetValid
        | Unproven::IsCa
        | Unproven::OtherDevice => match issuer {
            Some(Sort::Lsc | Sort::Offline) => Reason::InvalidLsc,
            Some(Sort::Mic) => Reason::InvalidMic,
            None => Reason::InvalidCredentials,
        },
        Unproven::Certificate
        | Unproven::Key
        | Unproven::SignedDataMissing
        | Unproven::Sha512Missing
        | Unproven::Sha512Malformed
        | Unproven::OtherDigest
        | Unproven::Sha1Signature
        | Unproven::Sha512Signature
        | Unproven::UnknownIssuer => Reason::InvalidCredentials,
    };
    let error = Error::new(Kind::Forbidden, "capf-proof", unproven.as_str());
    Refusal::unproven(error, reason)
}
