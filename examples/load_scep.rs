//! Load driver: first enrolments by SCEP, RSA-2048 client, RA and issuer, each with a challenge of its own.
//!
//! ```text
//! cargo build --release && cargo run --release --example load_scep -- --requests 2000
//! ```
//! The requests are made beforehand. Prints, for 1, 8, 32 and 128 keep-alive connections, enrolments per second of
//! the server's own CPU time, and in the same run the cryptographic limit: what RFC 8894 asks of a server for
//! one enrolment and nothing else — RSA-2048, private: open the content key, sign the certificate, sign the
//! reply; public: verify the message, verify the PKCS#10 request, wrap the reply's content key.
//!
//! `--polls 5000` measures polls for requests that wait (CertPoll answered PENDING) instead; its limit is one private
//! operation (sign the reply) and one public (verify the poll).

mod support;

use std::sync::Arc;

use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use aws_lc_rs::{rand::SystemRandom, rsa::KeySize, signature::KeyPair as _};
use clap::Parser;
use signet::clock::Clock;
use signet::random::Random;
use signet::x509::cert::Certificate;
use signet::x509::cms::algorithm::{ContentCipher, DigestAlgorithm};
use signet::x509::cms::write::{Signing, To, envelop};
use support::connection::{Target, ask_all, run};
use support::limit::Limit;
use support::server::Server;
use support::{AnyError, Report};

#[derive(Parser)]
#[command(about = "Measures first enrolments by SCEP")]
struct Arguments {
    /// Enrolments for each number of connections.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    /// How many connections at once; repeat for several.
    #[arg(long, default_values_t = [1, 8, 32, 128])]
    connections: Vec<usize>,
    /// Polls for requests that wait, instead of enrolments, for each number of connections.
    #[arg(long)]
    polls: Option<usize>,
    /// How many devices, each with a key and a name of its own, take turns.
    #[arg(long, default_value_t = 64)]
    devices: usize,
}

/// A device: its key, the certificate it signed for itself, its name.
struct Device {
    key: rcgen::KeyPair,
    signer: RsaKeyPair,
    certificate: Certificate,
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let server = Server::start(&folder.path().join("data"), &["--rsa-root", "rsa-2048"])?;
    let target = Target::Plain(server.http.clone());
    eprintln!("making {} device keys …", arguments.devices);
    let devices = (0..arguments.devices).map(Device::new).collect::<Result<Vec<_>, _>>()?;
    let ra = ra_certificate(&target, &server.http).await?;
    match arguments.polls {
        Some(polls) => measure_polls(&arguments, polls, &server, &target, &devices, &ra).await?,
        None => measure_enrolments(&arguments, &server, &target, &devices, &ra).await?,
    }
    println!("{} MiB resident", server.resident_mib()?);
    Ok(())
}

async fn measure_enrolments(
    arguments: &Arguments,
    server: &Server,
    target: &Target,
    devices: &[Device],
    ra: &Certificate,
) -> Result<(), AnyError> {
    let limit = limit()?;
    println!("limit (RSA-2048: 3 private and 3 public operations, in process): {limit}");
    println!("{}", Report::head());
    for (round, &connections) in arguments.connections.iter().enumerate() {
        let challenges = challenges(server, devices, arguments.requests).await?;
        let requests = challenges
            .iter()
            .enumerate()
            .map(|(n, challenge)| {
                devices[n % devices.len()].enrol(ra, challenge, &format!("{round}-{n}"), &server.http)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let report = run(server, target, connections, Arc::new(requests), is_success).await?;
        println!("{}", report.row(limit.together));
    }
    Ok(())
}

/// Every device asks once, under a profile where an operator decides, and then polls.
async fn measure_polls(
    arguments: &Arguments,
    polls: usize,
    server: &Server,
    target: &Target,
    devices: &[Device],
    ra: &Certificate,
) -> Result<(), AnyError> {
    manual_profile(server).await?;
    for (n, device) in devices.iter().enumerate() {
        let request = device.ask(ra, &format!("waits-{n}"), &server.http)?;
        let answer = ask_all(target, &[request], 200).await?;
        if !is_pending(200, &answer[0]) {
            return Err("a request that an operator decides was not kept".into());
        }
    }
    let limit = poll_limit()?;
    println!("limit (RSA-2048: 1 private and 1 public operation, in process): {limit}");
    println!("{}", Report::head());
    for &connections in &arguments.connections {
        let requests = (0..polls)
            .map(|n| {
                devices[n % devices.len()].poll(ra, &format!("waits-{}", n % devices.len()), &server.http)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let report = run(server, target, connections, Arc::new(requests), is_pending).await?;
        println!("{}", report.row(limit.together));
    }
    Ok(())
}

/// `scep-manual`: as the shipped `scep-device`, but an operator decides.
async fn manual_profile(server: &Server) -> Result<(), AnyError> {
    let folder = server.folder().join("policies/profiles");
    let shipped = std::fs::read_to_string(folder.join("scep-device.toml"))?;
    let manual = shipped.replace("\napproval = \"challenge\"", "\napproval = \"manual\"");
    std::fs::write(folder.join("scep-manual.toml"), manual)?;
    let request = format!(
        "POST /api/v1/profiles/reload HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
        server.https,
        server.token()?
    );
    let target = Target::Tls(server.https.clone(), server.tls_client()?);
    ask_all(&target, &[request.into_bytes()], 200).await?;
    Ok(())
}

/// A CertRep with pkiStatus SUCCESS.
fn is_success(status: u16, body: &[u8]) -> bool {
    status == 200 && has_pki_status(body, b'0')
}

/// A CertRep with pkiStatus PENDING.
fn is_pending(status: u16, body: &[u8]) -> bool {
    status == 200 && has_pki_status(body, b'3')
}

/// The attribute's OID, then SET { PrintableString of one character }.
fn has_pki_status(body: &[u8], value: u8) -> bool {
    let mut wanted = *b"\x60\x86\x48\x01\x86\xf8\x45\x01\x09\x03\x31\x03\x13\x01?";
    wanted[14] = value;
    body.windows(wanted.len()).any(|w| w == wanted)
}

impl Device {
    fn new(n: usize) -> Result<Self, AnyError> {
        let name = format!("SEP{n:012X}");
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
        let signer = RsaKeyPair::from_pkcs8(&key.serialize_der()).map_err(|e| e.to_string())?;
        let certificate = params(&name)?.self_signed(&key)?;
        let certificate = Certificate::from_der(certificate.der())?;
        Ok(Self { key, signer, certificate, name })
    }

    /// A PKCSReq with this challenge.
    fn enrol(&self, ra: &Certificate, challenge: &str, id: &str, host: &str) -> Result<Vec<u8>, AnyError> {
        let attribute = rcgen::Attribute {
            oid: &[1, 2, 840, 113_549, 1, 9, 7],
            values: der(0x31, &der(0x13, challenge.as_bytes())),
        };
        let csr = params(&self.name)?.serialize_request_with_attributes(&self.key, vec![attribute])?;
        self.message(ra, ("scep-device", b"19"), csr.der(), id, host)
    }

    /// A PKCSReq without a challenge, for an operator to decide.
    fn ask(&self, ra: &Certificate, id: &str, host: &str) -> Result<Vec<u8>, AnyError> {
        let csr = params(&self.name)?.serialize_request(&self.key)?;
        self.message(ra, ("scep-manual", b"19"), csr.der(), id, host)
    }

    /// A CertPoll: IssuerAndSubject in the envelope (RFC 8894 §3.3.3).
    fn poll(&self, ra: &Certificate, id: &str, host: &str) -> Result<Vec<u8>, AnyError> {
        let names = [ra.issuer().der(), self.certificate.subject().der()].concat();
        self.message(ra, ("scep-manual", b"20"), &signet::x509::tlv::tlv(0x30, &names), id, host)
    }

    /// A whole HTTP request that carries a message of this profile and type.
    fn message(
        &self,
        ra: &Certificate,
        (profile, message_type): (&str, &[u8]),
        content: &[u8],
        id: &str,
        host: &str,
    ) -> Result<Vec<u8>, AnyError> {
        let random = Random::system();
        let envelope = envelop(To::Certificate(ra), ContentCipher::Aes128, content, &random)?;
        let mut message =
            Signing::new(&self.certificate, DigestAlgorithm::Sha256, Some(&envelope), Clock::system().now())?;
        for (arc, value) in [
            (2, der(0x13, message_type)),
            (7, der(0x13, id.as_bytes())),
            (5, der(0x04, &random.bytes::<16>()?)),
        ] {
            let oid = const_oid::ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9").push_arc(arc)?;
            message.attribute(oid, &value);
        }
        let mut signature = vec![0; self.signer.public_modulus_len()];
        self.signer.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message.to_be_signed(), &mut signature)?;
        let body = message.finish(&signature)?;
        let mut request = format!(
            "POST /scep/{profile}?operation=PKIOperation HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/x-pki-message\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        Ok(request)
    }
}

fn params(name: &str) -> Result<rcgen::CertificateParams, AnyError> {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    Ok(params)
}

/// One DER value of less than 128 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, content.len() as u8];
    out.extend_from_slice(content);
    out
}

/// The RA certificate: the first that GetCACert gives.
async fn ra_certificate(target: &Target, host: &str) -> Result<Certificate, AnyError> {
    let request = format!("GET /scep/scep-device?operation=GetCACert HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answer = ask_all(target, &[request.into_bytes()], 200).await?.remove(0);
    let content = <cms::content_info::ContentInfo as der::Decode>::from_der(&answer)?;
    let signed: cms::signed_data::SignedData = content.content.decode_as()?;
    for choice in signed.certificates.ok_or("GetCACert without certificates")?.0.iter() {
        let certificate = Certificate::from_der(&der::Encode::to_der(choice)?)?;
        if !certificate.is_ca() {
            return Ok(certificate);
        }
    }
    Err("GetCACert without an RA certificate".into())
}

/// One challenge for each enrolment to come.
async fn challenges(server: &Server, devices: &[Device], count: usize) -> Result<Vec<String>, AnyError> {
    let (host, token) = (&server.https, server.token()?);
    let requests: Vec<_> = (0..count)
        .map(|n| {
            let subject = format!("CN={}", devices[n % devices.len()].name);
            let body = serde_json::json!({"profile": "scep-device", "subject": subject}).to_string();
            format!(
                "POST /api/v1/challenges HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        })
        .collect();
    let target = Target::Tls(server.https.clone(), server.tls_client()?);
    let answers = ask_all(&target, &requests, 201).await?;
    answers
        .iter()
        .map(|body| {
            let made: serde_json::Value = serde_json::from_slice(body)?;
            Ok(made["challenge"].as_str().ok_or("no challenge")?.to_owned())
        })
        .collect()
}

/// The operations of one enrolment.
fn limit() -> Result<Limit, AnyError> {
    Limit::measure(|| {
        let random = SystemRandom::new();
        let signer = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let public = signer.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048)?;
        let wrap = Pkcs1PublicEncryptingKey::new(private.public_key())?;
        let open = Pkcs1PrivateDecryptingKey::new(private)?;
        let (message, mut signature) = ([7u8; 1500], vec![0; 256]);
        let (mut wrapped, mut opened) = (vec![0; 256], vec![0; 256]);
        Ok(move || {
            wrap.encrypt(&[9; 16], &mut wrapped)?;
            open.decrypt(&wrapped, &mut opened)?;
            for _ in 0..2 {
                signer.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
                public.verify(&message, &signature)?;
            }
            Ok(())
        })
    })
}

/// The operations of one poll.
fn poll_limit() -> Result<Limit, AnyError> {
    Limit::measure(|| {
        let random = SystemRandom::new();
        let signer = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let public = signer.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        let (message, mut signature) = ([7u8; 500], vec![0; 256]);
        Ok(move || {
            signer.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
            Ok(public.verify(&message, &signature)?)
        })
    })
}
