//! An elliptic curve for the phones that take it, RSA for the others.

use std::sync::Arc;

use rustls::SignatureAlgorithm::ECDSA;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::server::tls::Resolver;

/// Shows what `ec` has to phones that can verify it, as long as it has something; what `rsa` has to the others.
#[derive(Debug)]
pub struct EcFirst {
    /// A certificate for an elliptic curve.
    pub ec: Arc<Resolver>,
    /// The certificate that every phone takes.
    pub rsa: Arc<Resolver>,
}

impl ResolvesServerCert for EcFirst {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let ec = self.ec.current().filter(|certified| takes(&hello, certified));
        ec.or_else(|| self.rsa.current())
    }
}

/// Whether the phone offers to verify this key, and a cipher suite that goes with it. TLS 1.3 suites go with any key;
/// those of 1.2 name theirs (RFC 8446 §4.2.3, RFC 8422 §2.2).
fn takes(hello: &ClientHello<'_>, certified: &CertifiedKey) -> bool {
    let verifies = certified.key.choose_scheme(hello.signature_schemes()).is_some();
    let mut with_ec = ALL_CIPHER_SUITES.iter().filter(|suite| suite.usable_for_signature_algorithm(ECDSA));
    verifies && with_ec.any(|suite| hello.cipher_suites().contains(&suite.suite()))
}
