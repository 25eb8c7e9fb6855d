//! What reading a request and writing a certificate or CRL cost, without the signature of the issuer.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use signet::clock::{Clock, Timestamp};
use signet::id::Serial;
use signet::random::Random;
use signet::x509::cert::{Certificate, Tbs, assemble, ext};
use signet::x509::crl::{EntryList, Reason, Revoked, TbsCrl};
use signet::x509::csr::{Csr, Leniency};
use signet::x509::key::{Digest, KeyKind, PublicKey, signature_algorithm};
use signet::x509::name::Name;
use signet::x509::san::San;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn request(algorithm: &'static rcgen::SignatureAlgorithm) -> Outcome<Vec<u8>> {
    let key = rcgen::KeyPair::generate_for(algorithm)?;
    let mut params = CertificateParams::new(vec!["device-1.example".to_owned()])?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "device-1.example");
    Ok(params.serialize_request(&key)?.der().to_vec())
}

fn tbs(key: &PublicKey) -> Outcome<Tbs> {
    let sans = [San::parse("dns:device-1.example")?];
    Ok(Tbs {
        serial: Serial::new(Clock::system().now(), &Random::system())?,
        signature_algorithm: signature_algorithm(KeyKind::P256, Digest::Sha256),
        issuer: Name::parse("CN=Issuing,O=Example")?,
        not_before: Timestamp::from_secs(1_800_000_000),
        not_after: Timestamp::from_secs(1_830_000_000),
        subject: Name::parse("CN=device-1.example")?,
        spki: key.spki().to_vec(),
        extensions: vec![
            ext::basic_constraints(false, None)?,
            ext::key_usage(1)?,
            ext::extended_key_usage(&[const_oid::db::rfc5280::ID_KP_CLIENT_AUTH])?,
            ext::subject_alt_name(&sans, false)?,
            ext::subject_key_id(&key.key_id())?,
            ext::authority_key_id(&[7; 20])?,
            ext::crl_distribution_point("http://ca.example:8080/crl/ec-issuing.crl")?,
            ext::authority_info_access("http://ca.example:8080/ca/ec-issuing.crt", None)?,
        ],
    })
}

fn crl(entries: usize) -> Outcome<TbsCrl> {
    let random = Random::system();
    let at = Timestamp::from_secs(1_800_000_000);
    let revoked = |_| {
        Serial::new(Clock::system().now(), &random).map(|serial| Revoked {
            serial,
            at,
            reason: Reason::KeyCompromise,
            invalidity: None,
        })
    };
    Ok(TbsCrl {
        signature_algorithm: signature_algorithm(KeyKind::P256, Digest::Sha256),
        issuer: Name::parse("CN=Issuing,O=Example")?,
        this_update: at,
        next_update: at.plus(Duration::from_secs(86_400)),
        entries: EntryList::of(&(0..entries).map(revoked).collect::<Result<Vec<_>, _>>()?)?,
        authority_key_id: vec![7; 20],
        number: 42,
        base: None,
        points: Vec::new(),
        freshest: None,
    })
}

fn prepare(c: &mut Criterion) -> Outcome<()> {
    let ec = [request(&PKCS_ECDSA_P256_SHA256)?, request(&PKCS_ECDSA_P256_SHA256)?];
    let rsa = [request(&PKCS_RSA_SHA256)?, request(&PKCS_RSA_SHA256)?];
    for (name, pair) in [("P-256", &ec), ("RSA-2048", &rsa)] {
        c.bench_function(&format!("read two {name} requests"), |b| {
            b.iter(|| pair.each_ref().map(|der| Csr::from_der(black_box(der), Leniency::Device).is_ok()));
        });
        let keys =
            pair.each_ref().map(|der| Csr::from_der(der, Leniency::Device).map(|r| r.public_key().clone()));
        let [Ok(one), Ok(other)] = keys else { return Err("a request was refused".into()) };
        c.bench_function(&format!("check two {name} keys"), |b| {
            b.iter(|| [&one, &other].map(|key| PublicKey::from_spki(black_box(key.spki())).is_ok()));
        });
    }
    let key = Csr::from_der(&ec[0], Leniency::Device)?.public_key().clone();
    let tbs = tbs(&key)?;
    c.bench_function("write a certificate", |b| b.iter(|| black_box(&tbs).to_der()));
    c.bench_function("build and write a certificate", |b| {
        b.iter(|| self::tbs(black_box(&key)).map(|tbs| tbs.to_der()));
    });
    let der = assemble(&tbs.to_der()?, &tbs.signature_algorithm, &[1; 70])?;
    c.bench_function("read a certificate", |b| b.iter(|| Certificate::from_der(black_box(&der))));
    let crl = crl(100_000)?;
    c.bench_function("write a CRL of 100,000", |b| b.iter(|| black_box(&crl).to_der()));
    Ok(())
}

fn benches(c: &mut Criterion) {
    if let Err(e) = prepare(c) {
        eprintln!("cannot prepare: {e}");
    }
}

criterion_group!(all, benches);
criterion_main!(all);
