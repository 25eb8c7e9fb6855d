//! GetCert and GetCRL (RFC 8894 §3.3.4, §3.3.5): a client's own certificate, the latest CRL, nothing else. Neither has
//! to do with a transaction, so the constant transaction id that sscep writes there binds nothing.

use std::sync::Arc;

use crate::ca::LoadedCa;
use crate::ca::records::{CertificateRecord, Scope, serials};
use crate::enrol::Desk;
use crate::enrol::scep::open::Named;
use crate::enrol::scep::service::Service;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::cert::Certificate;
use crate::x509::cms::write::crl_only;
use crate::x509::name::Name;

/// A longer CRL is fetched from where it is published: nobody has one encrypted for him again and again.
const MAX_CRL: usize = 1024 * 1024;

/// The certificate that is named, if it is of the key that signed the question (SHA-256 of its SubjectPublicKeyInfo) and
/// was issued by this service's profile; revoked or expired, it is the client's all the same. Errors: `storage`.
pub async fn certificate(
    desk: &Desk,
    service: &Service,
    named: &Named,
    signer_key: [u8; 32],
) -> Result<Option<CertificateRecord>> {
    let Ok(serial) = Serial::from_content(&named.serial) else { return Ok(None) };
    let found = serials::all(&desk.authority.db, &serial).await?;
    let own = |record: &CertificateRecord| {
        record.key_fingerprint == signer_key
            && record.profile == *service.profile.id()
            && Certificate::from_der(&record.der).is_ok_and(|c| names(named, c.issuer()))
    };
    Ok(found.into_iter().map(|stored| stored.value).find(own))
}

/// The latest CRL of the issuer that is named, if it is the service's CA, one before it, or one above: certs-only without a
/// certificate, DER. Of CAs of one name it is the one that gave the serial number; of a CA with several CRLs, the one
/// that the named certificate points to. Errors: `scep-crl` if it is too long for a reply; `storage`.
pub async fn crl(desk: &Desk, service: &Service, named: &Named) -> Result<Option<Vec<u8>>> {
    let Some(issuer) = issuer(desk, service, named).await? else { return Ok(None) };
    let scope = scope_of(desk, &issuer, named).await?;
    let Some(crl) = desk.authority.published().complete(&scope) else { return Ok(None) };
    if crl.der.len() > MAX_CRL {
        let text = "the CRL is too long for SCEP: fetch it from the address in the certificate";
        return Err(Error::invalid("scep-crl", text));
    }
    Ok(Some(crl_only(&crl.der)))
}

/// The scope of the certificate that is named; of one that is not known, the first of its issuer.
async fn scope_of(desk: &Desk, issuer: &LoadedCa, named: &Named) -> Result<Scope> {
    let ca = issuer.record.id.clone();
    if issuer.crl.value.used == 0 {
        return Ok(Scope::whole(&ca));
    }
    let Ok(serial) = Serial::from_content(&named.serial) else { return Ok(Scope::whole(&ca)) };
    let found = serials::of(&desk.authority.db, &ca, &serial).await?;
    Ok(Scope { ca, shard: found.map_or(0, |stored| stored.value.shard) })
}

async fn issuer(desk: &Desk, service: &Service, named: &Named) -> Result<Option<Arc<LoadedCa>>> {
    let hierarchy = desk.authority.hierarchy();
    let own = service.profile.ca();
    let in_force = hierarchy.in_force(own)?;
    let chain = &in_force.chain;
    let above =
        hierarchy.all().iter().filter(|ca| ca.certificate.as_ref().is_some_and(|c| chain.contains(c)));
    let all =
        std::iter::once(in_force).chain(hierarchy.next_of(own)).chain(hierarchy.former_of(own)).chain(above);
    let fit: Vec<_> = all.filter(|ca| names(named, &ca.record.subject)).collect();
    if fit.len() > 1
        && let Ok(serial) = Serial::from_content(&named.serial)
    {
        for ca in &fit {
            if serials::of(&desk.authority.db, &ca.record.id, &serial).await?.is_some() {
                return Ok(Some(Arc::clone(ca)));
            }
        }
    }
    Ok(fit.first().map(|ca| Arc::clone(ca)))
}

/// Names are compared as RFC 5280 §7.1 has it: clients write them anew.
fn names(named: &Named, issuer: &Name) -> bool {
    Name::from_der(&named.issuer).is_ok_and(|name| name.matches(issuer))
}
