//! GetCACert (RFC 8894 §4.2): the RA's certificates first, then the CA that signed them and its chain.

use crate::ca::LoadedCa;
use crate::enrol::Desk;
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::Ra;
use crate::error::Result;
use crate::x509::pem;

/// The certificates of the CA in force as a certs-only PKCS#7. Errors: `not-found`, `internal`.
pub fn ca_certificates(desk: &Desk, service: &Service, ra: &Ra) -> Result<Vec<u8>> {
    let hierarchy = desk.authority.hierarchy();
    certificates_of(hierarchy.in_force(service.profile.ca())?, ra)
}

/// The certificates of a CA and its RA as a certs-only PKCS#7. Errors: `internal`.
pub fn certificates_of(ca: &LoadedCa, ra: &Ra) -> Result<Vec<u8>> {
    let mut certificates = vec![ra.signing.der()];
    if ra.encryption != ra.signing {
        certificates.push(ra.encryption.der());
    }
    certificates.extend(ca.chain.iter().map(|certificate| certificate.der()));
    pem::pkcs7_certs_only(&certificates)
}
