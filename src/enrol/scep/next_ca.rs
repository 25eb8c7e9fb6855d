//! GetNextCACert (RFC 8894 §4.7): the CA that will take the place of the present one.

use crate::enrol::Desk;
use crate::enrol::scep::service::Service;

/// The certificates of the CA that will follow the service's, in a message that the present one signed, DER; none while
/// no successor is appointed. Whatever this answers, GetCACaps offers, and HTTP says 404 without it.
pub fn next_ca_certificates(_desk: &Desk, _service: &Service) -> Option<Vec<u8>> {
    None
}
