//! Whether the time that an envelope takes tells why it does not open (Bleichenbacher, Marvin): opens envelopes of
//! several classes in process, interleaved at random, and compares their times by Welch's t (as dudect does).
//!
//!     cargo run --release --example envelope_timing [REQUESTS]
//!
//! Ends with 1 if a class differs: |t| of 4.5 or more, uncropped or cropped at a percentile.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use signet::clock::{Clock, Stopwatch};
use signet::enrol::scep::open::envelope;
use signet::enrol::scep_ra::Ra;
use signet::error::{Error, Result};
use signet::id::{KeyId, Serial};
use signet::keys::KeyStore;
use signet::keys::software::Vault;
use signet::random::Random;
use signet::x509::cert::{Certificate, Tbs, assemble};
use signet::x509::cms::EnvelopedData;
use signet::x509::csr::Leniency;
use signet::x509::key::{Digest, KeyAlgorithm, signature_algorithm};
use signet::x509::name::Name;
use signet::x509::tlv;

#[path = "support/welch.rs"]
mod welch;

use welch::Samples;

/// Envelopes of each class: no difference comes from one ciphertext.
const EACH: usize = 512;
/// A request for a key that is nobody's, with a signature that does not hold, and the padding that CBC wants.
static UNPROVEN: &[u8] = include_bytes!("../src/enrol/scep/open/decoy.der");
/// Octets of encrypted content: those of that request with its padding.
const CONTENT: usize = (UNPROVEN.len() / 16 + 1) * 16;
const KEY: usize = 16;
/// The bound of a difference that is taken for one.
const BOUND: f64 = 4.5;
const WARM_UP: usize = 2_000;

/// The classes; the first is what the others are held against.
const CLASSES: [(&str, Make); 6] = [
    ("bad PKCS#1 padding", |maker| maker.envelope(&maker.no_padding()?, &maker.noise(CONTENT)?)),
    ("key of a wrong length", |maker| {
        maker.envelope(&maker.wrapped(&maker.noise(KEY + 8)?)?, &maker.noise(CONTENT)?)
    }),
    ("wrong content key", |maker| {
        maker.envelope(&maker.wrapped(&maker.noise(KEY)?)?, &maker.noise(CONTENT)?)
    }),
    ("right key, wrong padding of the content", |maker| {
        let key = maker.noise(KEY)?;
        let mut plain = maker.noise(CONTENT)?;
        plain[CONTENT - 1] = 0;
        maker.envelope(&maker.wrapped(&key)?, &maker.encrypted(&key, &plain)?)
    }),
    ("right key, wrong content", |maker| {
        let key = maker.noise(KEY)?;
        let mut plain = maker.noise(CONTENT)?;
        plain[CONTENT - 1] = 1;
        maker.envelope(&maker.wrapped(&key)?, &maker.encrypted(&key, &plain)?)
    }),
    ("a request that is not proven", |maker| {
        let key = maker.noise(KEY)?;
        let padding = CONTENT - UNPROVEN.len();
        let mut plain = UNPROVEN.to_vec();
        plain.resize(CONTENT, padding as u8);
        maker.envelope(&maker.wrapped(&key)?, &maker.encrypted(&key, &plain)?)
    }),
];

type Make = fn(&Maker) -> Result<Vec<u8>>;

fn main() -> ExitCode {
    let requests = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    match measure(requests) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no class differs from the first.
fn measure(requests: usize) -> Result<bool> {
    let home = tempfile::tempdir().map_err(|e| Error::storage("a folder").because(e))?;
    let random = Random::system();
    let ra = registration_authority(home.path(), &random)?;
    let maker = Maker { ra: &ra, random: &random };
    let made = CLASSES.iter().map(|(_, make)| (0..EACH).map(|_| make(&maker)).collect());
    let made: Vec<Vec<Vec<u8>>> = made.collect::<Result<_>>()?;
    let signer = ra.signing.public_key()?;
    let asked = envelope::Asked { authenticated: false, leniency: Leniency::Device, signer: &signer };
    let mut samples = Samples::new(CLASSES.len());
    for n in 0..requests + WARM_UP {
        let draw = u64::from_be_bytes(random.bytes()?) as usize;
        let class = draw % CLASSES.len();
        let time = time((&ra, asked), &made[class][draw / CLASSES.len() % EACH])?;
        if n >= WARM_UP {
            samples.add(class, time);
        }
    }
    Ok(report(&samples))
}

/// One envelope, from its structure to the refusal.
fn time((ra, asked): (&Ra, envelope::Asked<'_>), der: &[u8]) -> Result<Duration> {
    let read = EnvelopedData::read(der)?;
    let watch = Stopwatch::start();
    let refused = envelope::request(ra, &read, asked);
    let time = watch.elapsed();
    assert!(refused.is_err(), "nothing here is a request");
    Ok(time)
}

fn report(samples: &Samples) -> bool {
    println!("{:<40} {:>9} {:>11} {:>9}", "class", "requests", "median ns", "max |t|");
    let mut alike = true;
    for (class, (name, _)) in CLASSES.iter().enumerate() {
        let t = samples.largest_t(0, class);
        println!("{name:<40} {:>9} {:>11} {t:>9.2}", samples.count(class), samples.median(class));
        alike &= t < BOUND;
    }
    println!("{}", if alike { "no difference shows" } else { "a class takes another time" });
    alike
}

/// Makes envelopes for the RA.
struct Maker<'a> {
    ra: &'a Ra,
    random: &'a Random,
}

impl Maker<'_> {
    fn noise(&self, length: usize) -> Result<Vec<u8>> {
        let mut noise = vec![0; length];
        self.random.fill(&mut noise)?;
        Ok(noise)
    }

    fn wrapped(&self, key: &[u8]) -> Result<Vec<u8>> {
        let public = PublicEncryptingKey::from_der(self.ra.encryption.spki());
        let public = public.map_err(failed).and_then(|p| Pkcs1PublicEncryptingKey::new(p).map_err(failed))?;
        let mut out = vec![0; public.ciphertext_size()];
        public.encrypt(key, &mut out).map_err(failed)?;
        Ok(out)
    }

    /// A number below the modulus: what RSA makes of it is padded once in a hundred thousand times.
    fn no_padding(&self) -> Result<Vec<u8>> {
        let spki = self.ra.encryption.spki();
        // INTEGER of 257 octets, the first a zero.
        let header = spki.windows(5).position(|w| w == [2, 0x82, 1, 1, 0]);
        let modulus = 5 + header.ok_or_else(|| Error::internal("the RA's key is not RSA-2048"))?;
        loop {
            let number = self.noise(256)?;
            if number[..] < spki[modulus..modulus + 256] {
                return Ok(number);
            }
        }
    }

    /// AES-128-CBC without padding, under an IV of zeros.
    fn encrypted(&self, key: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let key = UnboundCipherKey::new(&AES_128, key).and_then(EncryptingKey::cbc).map_err(failed)?;
        let mut out = plain.to_vec();
        let context = EncryptionContext::Iv128((&[0; 16]).into());
        key.less_safe_encrypt(&mut out, context).map_err(failed)?;
        Ok(out)
    }

    /// The ContentInfo.
    fn envelope(&self, wrapped: &[u8], encrypted: &[u8]) -> Result<Vec<u8>> {
        let oid = |text: &str| tlv::object_identifier(&const_oid::ObjectIdentifier::new_unwrap(text));
        let sequence = |parts: &[&[u8]]| tlv::join(tlv::SEQUENCE, parts);
        let serial = tlv::tlv(tlv::INTEGER, self.ra.encryption.serial().content());
        let id = sequence(&[self.ra.encryption.issuer().der(), &serial]);
        let transport = sequence(&[&oid("1.2.840.113549.1.1.1"), &[tlv::NULL, 0]]);
        let wrapped = tlv::tlv(tlv::OCTET_STRING, wrapped);
        let recipient = sequence(&[&tlv::unsigned(0), &id, &transport, &wrapped]);
        let iv = tlv::tlv(tlv::OCTET_STRING, &[0; 16]);
        let cipher = sequence(&[&oid("2.16.840.1.101.3.4.1.2"), &iv]);
        let content = sequence(&[&oid("1.2.840.113549.1.7.1"), &cipher, &tlv::tlv(0x80, encrypted)]);
        let enveloped = sequence(&[&tlv::unsigned(0), &tlv::tlv(tlv::SET, &recipient), &content]);
        Ok(sequence(&[&oid("1.2.840.113549.1.7.3"), &tlv::tlv(0xa0, &enveloped)]))
    }
}

fn failed<E>(_: E) -> Error {
    Error::internal("aws-lc")
}

/// An RA with a key of 2048 bits that certified itself.
fn registration_authority(home: &std::path::Path, random: &Random) -> Result<Ra> {
    let keys = Vault::create(home, "only for this measurement", random)?;
    let id: KeyId = "ra".parse()?;
    let signer = keys.generate(&id, KeyAlgorithm::Rsa2048)?;
    let now = Clock::system().now();
    let algorithm = signature_algorithm(signer.public_key().kind(), Digest::Sha256);
    let tbs = Tbs {
        serial: Serial::new(now, random)?,
        signature_algorithm: algorithm.clone(),
        issuer: Name::parse("CN=RA")?,
        not_before: now,
        not_after: now.plus(Duration::from_secs(86_400)),
        subject: Name::parse("CN=RA")?,
        spki: signer.public_key().spki().to_vec(),
        extensions: Vec::new(),
    }
    .to_der()?;
    let signature = signer.sign(Digest::Sha256, &tbs)?;
    let certificate = Arc::new(Certificate::from_der(&assemble(&tbs, &algorithm, &signature)?)?);
    let decrypter = keys.decrypter(&id)?;
    let (signing, encryption) = (Arc::clone(&certificate), certificate);
    Ok(Ra { signing, signer, encryption, decrypter, former: Vec::new() })
}
