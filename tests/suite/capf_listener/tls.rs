//! A TLS client that takes whatever certificate it is shown, and tells which.

use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use signet::x509::cert::Certificate;
use tokio_rustls::client::TlsStream;

use super::*;

/// The client: it checks the handshake's signature, and nothing about whose key that is.
#[derive(Debug)]
pub struct Client {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Vec<Vec<u8>>>,
}

impl Client {
    /// One handshake by that version; what was shown, leaf first, and the stream.
    pub async fn connect(
        at: SocketAddr,
        version: &'static SupportedProtocolVersion,
    ) -> Result<(Vec<Certificate>, TlsStream<TcpStream>), String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = Arc::new(Self { provider: provider.clone(), shown: Mutex::default() });
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(client.clone())
            .with_no_client_auth();
        let stream = TcpStream::connect(at).await.map_err(|e| e.to_string())?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, stream).await.map_err(|e| e.to_string())?;
        let shown = client.shown.lock().unwrap();
        Ok((shown.iter().map(|der| Certificate::from_der(der).unwrap()).collect(), stream))
    }

    /// As [`Client::connect`], with the hello and one word there and back.
    pub async fn talk(at: SocketAddr, version: &'static SupportedProtocolVersion) -> Vec<Certificate> {
        let (shown, mut stream) = Self::connect(at, version).await.unwrap();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard[..2]).await.unwrap();
        assert_eq!(&heard[..2], HELLO);
        stream.write_all(b"word").await.unwrap();
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"word");
        shown
    }
}

impl ServerCertVerifier for Client {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(leaf).chain(above).map(|der| der.to_vec());
        *self.shown.lock().unwrap() = all.collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
