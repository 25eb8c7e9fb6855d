//! Certificates that clients of the listener show: wished for, never demanded; one that is shown must be good.

use std::fmt;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use crate::ca::client::{Unfit, check};
use crate::ca::records::Role;
use crate::ca::{Authority, Hierarchy};

/// More certificates than a leaf and any chain of ours are not looked at.
const MAX_CHAIN: usize = 10;

/// Checks by [`check`] against the CAs as they stand, at the time of the clock room.
pub struct Clients {
    authority: Authority,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Clients {
    /// The names of these issuing CAs are told to clients, so that only who has a certificate of theirs shows one.
    pub fn new(authority: Authority, hierarchy: &Hierarchy, provider: &CryptoProvider) -> Self {
        let issuing = hierarchy.all().iter().filter(|ca| ca.record.role == Role::Issuing);
        let name = |der: &[u8]| DistinguishedName::from(der.to_vec());
        Self {
            authority,
            hints: issuing.map(|ca| name(ca.record.subject.der())).collect(),
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if above.len() >= MAX_CHAIN {
            return Err(CertificateError::BadEncoding.into());
        }
        match check(&self.authority.hierarchy(), leaf, self.authority.clock.now()) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(unfit) => {
                tracing::info!(reason = unfit.text(), "a TLS client's certificate was refused");
                Err(alert(unfit).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What the client is told (RFC 8446 §6.2).
fn alert(unfit: Unfit) -> CertificateError {
    match unfit {
        Unfit::Malformed(_) => CertificateError::BadEncoding,
        Unfit::CriticalExtension => CertificateError::UnhandledCriticalExtension,
        Unfit::UnknownIssuer => CertificateError::UnknownIssuer,
        Unfit::Expired => CertificateError::Expired,
        Unfit::NotYetValid => CertificateError::NotValidYet,
        Unfit::Purpose(_) => CertificateError::InvalidPurpose,
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}
