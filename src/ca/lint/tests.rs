//! Every rule violated once, on bytes made by hand; and a certificate that breaks none.

use super::*;

/// A TBSCertificate in parts, so that each can be spoiled.
#[derive(Clone)]
struct Raw {
    version: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    not_before: Vec<u8>,
    not_after: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<Vec<u8>>,
    trailing: Vec<u8>,
}

const SEQUENCE: u8 = 0x30;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const CN: &[u8] = &[0x55, 4, 3];
const C: &[u8] = &[0x55, 4, 6];
const DC: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const RSA_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
const ANY_EKU: &[u8] = &[0x55, 0x1d, 37, 0];
const AIA: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
const CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
const NOCHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5];
const URL: &[u8] = b"http://ca.example/x";

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=127 => out.push(n as u8),
        n @ 128..=255 => out.extend([0x81, n as u8]),
        n => out.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend_from_slice(content);
    out
}

fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

fn oid(content: &[u8]) -> Vec<u8> {
    tlv(6, content)
}

/// An extension of arc 2.5.29, or of the given OID.
fn ext(id: &[u8], critical: bool, value: Vec<u8>) -> Vec<u8> {
    let id = if let [arc] = id { vec![0x55, 0x1d, *arc] } else { id.to_vec() };
    let critical = if critical { vec![1, 1, 0xff] } else { Vec::new() };
    seq(&[oid(&id), critical, tlv(4, &value)])
}

fn name(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    seq(&[tlv(0x31, &seq(&[oid(kind), tlv(tag, value)]))])
}

fn issuer() -> Issuer {
    Issuer {
        subject: name(CN, UTF8, b"CA"),
        key_id: vec![7; 20],
        not_before: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        not_after: Timestamp::parse("2060-01-01T00:00:00Z").unwrap(),
        signs_cas: true,
    }
}

fn spki(algorithm: &[u8]) -> Vec<u8> {
    seq(&[seq(&[oid(algorithm)]), tlv(3, &[0, 4, 1, 2])])
}

fn key_usage(bits: &[u8]) -> Vec<u8> {
    ext(&[15], true, tlv(3, bits))
}

fn purposes(all: &[&[u8]]) -> Vec<u8> {
    ext(&[37], false, seq(&all.iter().map(|p| oid(p)).collect::<Vec<_>>()))
}

fn sans(critical: bool, names: &[Vec<u8>]) -> Vec<u8> {
    ext(&[17], critical, seq(names))
}

fn crl_at(url: &[u8]) -> Vec<u8> {
    ext(&[31], false, seq(&[seq(&[tlv(0xa0, &tlv(0xa0, &tlv(0x86, url)))])]))
}

fn issuer_at(url: &[u8]) -> Vec<u8> {
    ext(AIA, false, seq(&[seq(&[oid(CA_ISSUERS), tlv(0x86, url)])]))
}

const BC: usize = 0;
const KU: usize = 1;
const EKU: usize = 2;
const SAN: usize = 3;
const SKI: usize = 4;
const AKI: usize = 5;

impl Raw {
    fn good() -> Self {
        Self {
            version: tlv(0xa0, &[2, 1, 2]),
            serial: [&[2, 20, 0x41][..], &[9; 19]].concat(),
            issuer: issuer().subject,
            not_before: tlv(0x17, b"260201000000Z"),
            not_after: tlv(0x17, b"270201000000Z"),
            subject: name(CN, UTF8, "Zoë".as_bytes()),
            spki: spki(EC_KEY),
            extensions: vec![
                ext(&[19], true, seq(&[])),
                key_usage(&[7, 0x80]),
                purposes(&[SERVER_AUTH]),
                sans(false, &[tlv(0x82, b"a.example"), tlv(0x87, &[10, 0, 0, 1])]),
                ext(&[14], false, tlv(4, &[1; 20])),
                ext(&[35], false, seq(&[tlv(0x80, &[7; 20])])),
                crl_at(URL),
                issuer_at(URL),
            ],
            trailing: Vec::new(),
        }
    }

    fn ca() -> Self {
        let mut raw = Self::good();
        raw.extensions[BC] = ext(&[19], true, seq(&[vec![1, 1, 0xff], vec![2, 1, 0]]));
        raw.extensions[KU] = key_usage(&[1, 0x06]);
        raw.extensions.drain(EKU..=SAN);
        raw
    }

    fn der(&self) -> Vec<u8> {
        seq(&[
            self.version.clone(),
            self.serial.clone(),
            seq(&[oid(&[0x2a, 3])]),
            self.issuer.clone(),
            seq(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.spki.clone(),
            tlv(0xa3, &seq(&self.extensions)),
            self.trailing.clone(),
        ])
    }

    fn check(&self) -> Result<()> {
        lint_under(&self.der(), &issuer())
    }
}

/// Holds that a good certificate spoiled in one place is refused, naming the field.
#[track_caller]
fn caught(field: &str, spoil: impl FnOnce(&mut Raw)) {
    let mut raw = Raw::good();
    spoil(&mut raw);
    named(field, &raw);
}

#[track_caller]
fn named(field: &str, raw: &Raw) {
    let error = raw.check().expect_err("the fault was not seen");
    assert_eq!((error.code(), error.field()), ("lint", Some(field)), "{error}");
}

#[test]
fn what_breaks_no_rule_passes() {
    Raw::good().check().unwrap();
    Raw::ca().check().unwrap();
}

#[test]
fn version_and_serial() {
    caught("version", |r| r.version = tlv(0xa0, &[2, 1, 1]));
    caught("TBSCertificate", |r| r.version = Vec::new());
    let serial = |content: &[u8]| tlv(2, content);
    caught("serialNumber", |r| r.serial = serial(&[0x80, 1, 2, 3, 4, 5, 6, 7]));
    caught("serialNumber", |r| r.serial = serial(&[0; 9]));
    caught("serialNumber", |r| r.serial = serial(&[0, 1, 2, 3, 4, 5, 6, 7, 8]));
    caught("serialNumber", |r| r.serial = serial(&[1; 7]));
    caught("serialNumber", |r| r.serial = serial(&[1; 21]));
}

#[test]
fn issuer_name_is_bytes() {
    caught("issuer", |r| r.issuer = name(CN, PRINTABLE, b"CA"));
}

#[test]
fn times() {
    caught("notBefore", |r| r.not_before = tlv(0x17, b"2602010000Z"));
    caught("notBefore", |r| r.not_before = tlv(0x18, b"20260201000000Z"));
    caught("notAfter", |r| r.not_after = tlv(0x17, b"270201000000+0000"));
    caught("notAfter", |r| r.not_after = tlv(0x18, b"20510201000000.5Z"));
    caught("notBefore", |r| r.not_before = tlv(0x17, b"251231235959Z"));
    caught("notAfter", |r| r.not_after = tlv(0x18, b"20600101000001Z"));
    caught("validity", |r| r.not_after = r.not_before.clone());
    caught("notAfter", |r| r.not_after = tlv(UTF8, b"270201000000Z"));
    let mut late = Raw::good();
    late.not_after = tlv(0x18, b"20500101000000Z");
    late.check().unwrap();
}

#[test]
fn subjects() {
    caught("subject", |r| r.subject = name(CN, 0x1e, b"\0B"));
    caught("subject", |r| r.subject = name(CN, 0x14, b"T61"));
    caught("subject", |r| r.subject = name(CN, UTF8, &[b'x'; 65]));
    caught("subject", |r| r.subject = name(CN, UTF8, b""));
    caught("subject", |r| r.subject = name(CN, UTF8, &[0xff]));
    caught("subject", |r| r.subject = name(CN, PRINTABLE, b"a@b"));
    caught("subject", |r| r.subject = name(C, UTF8, b"DE"));
    caught("subject", |r| r.subject = name(C, PRINTABLE, b"DEU"));
    caught("subject", |r| r.subject = name(&[0x55, 4, 5], UTF8, b"1"));
    caught("subject", |r| r.subject = name(&[0x55, 4, 46], UTF8, b"1"));
    caught("subject", |r| r.subject = name(DC, UTF8, b"example"));
    caught("subject", |r| r.subject = seq(&[tlv(0x31, &[])]));
    let mut longest = Raw::good();
    longest.subject = name(CN, UTF8, "ë".repeat(64).as_bytes());
    longest.check().unwrap();
}

#[test]
fn basic_constraints() {
    caught("basicConstraints", |r| drop(r.extensions.remove(BC)));
    caught("basicConstraints", |r| r.extensions[BC] = ext(&[19], false, seq(&[])));
    caught("basicConstraints", |r| r.extensions[BC] = ext(&[19], true, seq(&[vec![1, 1, 0]])));
    caught("basicConstraints", |r| r.extensions[BC] = ext(&[19], true, seq(&[vec![2, 1, 0]])));
    let under = Issuer { signs_cas: false, ..issuer() };
    let error = lint_under(&Raw::ca().der(), &under).unwrap_err();
    assert_eq!(error.field(), Some("basicConstraints"));
    let mut nameless = Raw::ca();
    nameless.subject = seq(&[]);
    named("subject", &nameless);
}

#[test]
fn key_usages() {
    caught("keyUsage", |r| drop(r.extensions.remove(KU)));
    caught("keyUsage", |r| r.extensions[KU] = ext(&[15], false, tlv(3, &[7, 0x80])));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[5, 0xa0]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[4, 0x90]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[2, 0x84]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[1, 0x82]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[0, 0x81]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[6, 0x80]));
    caught("keyUsage", |r| r.extensions[KU] = key_usage(&[0]));
    let mut rsa = Raw::good();
    rsa.spki = spki(RSA_KEY);
    rsa.extensions[KU] = key_usage(&[5, 0xa0]);
    rsa.check().unwrap();
    rsa.extensions[KU] = key_usage(&[3, 0x88]);
    named("keyUsage", &rsa);
    let mut ca = Raw::ca();
    ca.extensions[KU] = key_usage(&[2, 0x04]);
    named("keyUsage", &ca);
}

#[test]
fn extended_key_usages() {
    caught("extKeyUsage", |r| r.extensions[EKU] = purposes(&[ANY_EKU]));
    caught("extKeyUsage", |r| r.extensions[EKU] = purposes(&[OCSP_SIGNING, SERVER_AUTH]));
    caught("extKeyUsage", |r| r.extensions[EKU] = purposes(&[SERVER_AUTH, SERVER_AUTH]));
    caught("extKeyUsage", |r| r.extensions[EKU] = purposes(&[]));
    caught("extKeyUsage", |r| r.extensions[EKU] = ext(&[37], true, seq(&[oid(SERVER_AUTH)])));
    caught("ocsp-nocheck", |r| r.extensions.push(ext(NOCHECK, false, vec![5, 0])));
    let mut responder = Raw::good();
    responder.extensions[EKU] = purposes(&[OCSP_SIGNING]);
    responder.extensions.push(ext(NOCHECK, false, vec![5, 0]));
    responder.check().unwrap();
    responder.extensions.pop();
    responder.extensions.push(ext(NOCHECK, false, Vec::new()));
    named("ocsp-nocheck", &responder);
}

#[test]
fn alternative_names() {
    let dns = |n: &[u8]| vec![tlv(0x82, n)];
    caught("subjectAltName", |r| r.extensions[SAN] = sans(true, &dns(b"a.example")));
    caught("subjectAltName", |r| r.subject = seq(&[]));
    caught("subjectAltName", |r| {
        r.subject = seq(&[]);
        r.extensions.remove(SAN);
    });
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[]));
    for bad in ["ünicode.example", "a..b", "-a.b", "a.*.b", "", "a.b."] {
        caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &dns(bad.as_bytes())));
    }
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[tlv(0x87, &[1, 2, 3])]));
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[tlv(0x87, &[1; 8])]));
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[tlv(0x86, b"/relative")]));
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[tlv(0x81, b"a@b@c")]));
    caught("subjectAltName", |r| r.extensions[SAN] = sans(false, &[tlv(UTF8, b"a")]));
    let mut nameless = Raw::good();
    nameless.subject = seq(&[]);
    nameless.extensions[SAN] = sans(true, &dns(b"*.xn--bcher-kva.example"));
    nameless.check().unwrap();
}

#[test]
fn key_identifiers() {
    caught("subjectKeyIdentifier", |r| drop(r.extensions.remove(SKI)));
    caught("subjectKeyIdentifier", |r| r.extensions[SKI] = ext(&[14], true, tlv(4, &[1; 20])));
    caught("subjectKeyIdentifier", |r| r.extensions[SKI] = ext(&[14], false, tlv(4, &[])));
    caught("authorityKeyIdentifier", |r| drop(r.extensions.remove(AKI)));
    caught("authorityKeyIdentifier", |r| r.extensions[AKI] = ext(&[35], false, seq(&[tlv(0x80, &[8; 20])])));
    caught("authorityKeyIdentifier", |r| r.extensions[AKI] = ext(&[35], true, seq(&[tlv(0x80, &[7; 20])])));
}

#[test]
fn locations() {
    for bad in [&b"https://ca.example/x"[..], b"ldap://ca.example", b"/x", b"http://", b"http:///x"] {
        caught("cRLDistributionPoints", |r| r.extensions[6] = crl_at(bad));
        caught("authorityInfoAccess", |r| r.extensions[7] = issuer_at(bad));
    }
    caught("cRLDistributionPoints", |r| r.extensions[6] = ext(&[31], false, seq(&[])));
    caught("authorityInfoAccess", |r| r.extensions[7] = ext(AIA, false, seq(&[])));
}

#[test]
fn all_extensions() {
    caught("extensions", |r| r.extensions.push(r.extensions[SKI].clone()));
    caught("extensions", |r| r.extensions.push(ext(&[99], true, vec![5, 0])));
    caught("extensions", |r| {
        r.extensions.push(seq(&[oid(&[0x55, 0x1d, 98]), vec![1, 1, 0], tlv(4, &[5, 0])]))
    });
    caught("nameConstraints", |r| r.extensions.push(ext(&[30], true, seq(&[]))));
    let mut ca = Raw::ca();
    ca.extensions.push(ext(&[30], false, seq(&[])));
    named("nameConstraints", &ca);
    caught("TBSCertificate", |r| r.trailing = vec![5, 0]);
}

#[test]
fn no_prefix_of_a_certificate_passes_or_panics() {
    let der = Raw::good().der();
    for end in 0..der.len() {
        assert!(lint_under(&der[..end], &issuer()).is_err());
    }
}
