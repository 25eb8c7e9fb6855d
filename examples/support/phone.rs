//! A phone's side of CAPF: a TLS connection of its own, and an installation.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const AUTH_REQUEST: u8 = 1;
const AUTH_RESPONSE: u8 = 2;
const KEY_REQUEST: u8 = 3;
const KEY_RESPONSE: u8 = 4;
const STORE_REQUEST: u8 = 9;
const STORE_RESPONSE: u8 = 10;
const END: u8 = 15;

/// A connected phone that was greeted.
pub struct Phone {
    stream: TlsStream<TcpStream>,
    session: [u8; 4],
}

/// A TLS client that checks the handshake, and not whose certificate it is: a phone compares that with its trust list.
pub fn tls_client(
    versions: &[&'static SupportedProtocolVersion],
) -> std::result::Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let mut config = builder
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

impl Phone {
    /// Connects, from that address if one is given, and reads the AuthRequest.
    pub async fn connect(at: SocketAddr, from: Option<IpAddr>, tls: &Arc<ClientConfig>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind((from, 0).into())?;
        }
        let stream = socket.connect(at).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(at.ip());
        let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
        let mut phone = Self { stream, session: [0; 4] };
        phone.expect(AUTH_REQUEST).await?;
        Ok(phone)
    }

    /// Installs a certificate for a key (SubjectPublicKeyInfo), with an authentication string; returns it, DER.
    pub async fn install(mut self, name: &str, string: &str, key: &[u8]) -> Result<Vec<u8>> {
        let text = |text: &str| [text.as_bytes(), &[0]].concat();
        self.say(AUTH_RESPONSE, &[(1, &[1]), (7, &[3]), (11, &text(string)), (13, &text(name))]).await?;
        self.expect(KEY_REQUEST).await?;
        self.say(KEY_RESPONSE, &[(9, key)]).await?;
        let stored = self.expect(STORE_REQUEST).await?;
        // Type (4 octets), then the certificate's tag and length (3), 01, length (2), 00 and type.
        let certificate = stored.get(12..).ok_or(ErrorKind::InvalidData)?.to_vec();
        self.say(STORE_RESPONSE, &[(1, &[1])]).await?;
        match self.expect(END).await?.as_slice() {
            [1, 0, 1, 1] => Ok(certificate),
            other => Err(Error::other(format!("ended with {other:02x?}"))),
        }
    }

    /// Waits until the server ends it; returns what it said last.
    pub async fn wait(mut self) -> Result<Vec<u8>> {
        let mut said = Vec::new();
        self.stream.read_to_end(&mut said).await?;
        Ok(said)
    }

    async fn expect(&mut self, command: u8) -> Result<Vec<u8>> {
        let mut head = [0; 8];
        self.stream.read_exact(&mut head).await?;
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[6], head[7]]))];
        self.stream.read_exact(&mut body).await?;
        self.session.copy_from_slice(&head[2..6]);
        if head[1] == command {
            return Ok(body);
        }
        Err(Error::other(format!("said {} and {body:02x?} instead of {command}", head[1])))
    }

    async fn say(&mut self, command: u8, elements: &[(u8, &[u8])]) -> Result<()> {
        let length = |value: &[u8]| (value.len() as u16).to_be_bytes();
        let mut body = Vec::new();
        for (tag, value) in elements {
            body.push(*tag);
            body.extend(length(value));
            body.extend(*value);
        }
        let mut message = vec![0x55, command];
        message.extend(self.session);
        message.extend(length(&body));
        message.extend(body);
        self.stream.write_all(&message).await?;
        self.stream.flush().await
    }
}

/// Takes any certificate whose key made the handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
