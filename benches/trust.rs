//! What trust lists and signed files cost: built, signed and read.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use signet::clock::{Clock, Timestamp};
use signet::error::Result;
use signet::id::{KeyId, Serial};
use signet::keys::software::Vault;
use signet::keys::{KeyStore, Signer};
use signet::random::Random;
use signet::trust::list::{Contents, Entry, Heading, List};
use signet::trust::role::Role;
use signet::trust::sign::SignatureDigest;
use signet::trust::signed::{self, By, ContentKey};
use signet::trust::tlv::FileName;
use signet::x509::cert::{Certificate, Tbs, assemble, ext};
use signet::x509::key::{Digest, KeyAlgorithm, signature_algorithm};
use signet::x509::name::Name;

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const AT: Timestamp = Timestamp::from_secs(1_800_000_000);

#[cfg(feature = "legacy")]
const DIGESTS: &[SignatureDigest] = &[SignatureDigest::Sha1, SignatureDigest::Sha512];
#[cfg(not(feature = "legacy"))]
const DIGESTS: &[SignatureDigest] = &[SignatureDigest::Sha512];

fn certificate(signer: &dyn Signer, name: &str) -> Outcome<Arc<Certificate>> {
    let algorithm = signature_algorithm(signer.public_key().kind(), Digest::Sha256);
    let subject = Name::parse(&format!("CN={name},OU=Voice,O=Example,L=Wellington,C=NZ"))?;
    let tbs = Tbs {
        serial: Serial::new(Clock::system().now(), &Random::system())?,
        signature_algorithm: algorithm.clone(),
        issuer: subject.clone(),
        not_before: AT,
        not_after: Timestamp::from_secs(2_400_000_000),
        subject,
        spki: signer.public_key().spki().to_vec(),
        extensions: vec![ext::basic_constraints(false, None)?, ext::key_usage(0b101)?],
    }
    .to_der()?;
    let der = assemble(&tbs, &algorithm, &signer.sign(Digest::Sha256, &tbs)?)?;
    Ok(Arc::new(Certificate::from_der(&der)?))
}

fn heading(digest: SignatureDigest) -> Result<Heading> {
    Ok(Heading { file_name: FileName::parse("ITLFile.tlv")?, timestamp: AT, digest, signer_version: None })
}

fn lists(c: &mut Criterion, signer: &dyn Signer, own: &Arc<Certificate>) -> Outcome<()> {
    let mut entries = vec![Entry::new(Role::Sast, Arc::clone(own))];
    for number in 1..39 {
        entries.push(Entry::new(Role::Ccm, certificate(signer, &format!("node-{number}"))?));
    }
    for &digest in DIGESTS {
        let build = || {
            let contents = Contents::new(heading(digest)?, Arc::clone(own), black_box(&entries).clone())?;
            contents.to_be_signed()?.sign(signer)
        };
        c.bench_function(&format!("an ITL of 39, built and signed (RSA-2048, {digest})"), |b| b.iter(build));
        let file = build()?;
        c.bench_function(&format!("an ITL of 39, read and verified ({digest})"), |b| {
            b.iter(|| List::parse(black_box(&file)).and_then(|list| list.verify().map(drop)));
        });
    }
    Ok(())
}

fn files(c: &mut Criterion, signer: &dyn Signer, own: &Certificate) -> Outcome<()> {
    let content = vec![b'x'; 12 << 10];
    let name = FileName::parse("SEP001122334455.cnf.xml")?;
    for &digest in DIGESTS {
        let by = By { signer: own, digest, at: AT };
        c.bench_function(&format!("a file of 12 KiB, signed (RSA-2048, {digest})"), |b| {
            b.iter(|| signed::sign(&name, black_box(&content), by)?.sign(signer));
        });
        c.bench_function(&format!("a file of 12 KiB, encrypted and signed (RSA-2048, {digest})"), |b| {
            b.iter(|| {
                let key = ContentKey::for_device(own, &Random::system())?;
                signed::encrypt(&name, black_box(&content), &key, by)?.sign(signer)
            });
        });
    }
    Ok(())
}

fn prepare(c: &mut Criterion) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let vault = Vault::create(folder.path(), "benchmark", &Random::system())?;
    let key: KeyId = "recovery".parse()?;
    let signer = vault.generate(&key, KeyAlgorithm::Rsa2048)?;
    let own = certificate(&*signer, "recovery")?;
    lists(c, &*signer, &own)?;
    files(c, &*signer, &own)
}

fn benches(c: &mut Criterion) {
    if let Err(e) = prepare(c) {
        eprintln!("cannot prepare: {e}");
    }
}

criterion_group!(all, benches);
criterion_main!(all);
