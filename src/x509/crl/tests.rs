use super::*;
use crate::x509::cert::assemble;
use crate::x509::key::{Digest, KeyKind, PublicKey, signature_algorithm};
use crate::x509::name::Name;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

fn tbs(revoked: &[Revoked]) -> TbsCrl {
    let now = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
    TbsCrl {
        signature_algorithm: signature_algorithm(KeyKind::P256, Digest::Sha256),
        issuer: Name::parse("CN=Issuing").unwrap(),
        this_update: now,
        next_update: now.plus(std::time::Duration::from_secs(86_400)),
        entries: EntryList::of(revoked).unwrap(),
        authority_key_id: vec![1, 2, 3, 4],
        number: 0x80_0000_0001,
        base: None,
        points: Vec::new(),
        freshest: None,
    }
}

fn entries() -> Vec<Revoked> {
    let at = Timestamp::parse("2051-01-01T00:00:00Z").unwrap();
    let serial = |i: usize| format!("{:X}", 0x7f + i).parse().unwrap();
    Reason::ALL
        .into_iter()
        .enumerate()
        .map(|(i, reason)| Revoked { serial: serial(i), at, reason, invalidity: None })
        .collect()
}

#[test]
fn what_is_written_is_read_back_and_verifies() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref()).unwrap();
    for revoked in [Vec::new(), entries()] {
        let tbs = tbs(&revoked);
        let der = tbs.to_der().unwrap();
        let signature = pair.sign(&SystemRandom::new(), &der).unwrap();
        let read =
            Crl::from_der(&assemble(&der, &tbs.signature_algorithm, signature.as_ref()).unwrap()).unwrap();
        assert_eq!(read.entries(), revoked);
        assert_eq!(read.number(), Some(tbs.number));
        assert_eq!(read.authority_key_id(), Some(tbs.authority_key_id));
        assert_eq!((read.this_update(), read.next_update()), (tbs.this_update, Some(tbs.next_update)));
        assert!(read.verify_signed_by(&key).is_ok());
        let pem = crate::x509::pem::encode("X509 CRL", read.der());
        assert_eq!(Crl::read(pem.as_bytes()).unwrap(), read);
    }
}

#[test]
fn an_empty_list_and_reason_0_are_left_out() {
    let empty = tbs(&[]).to_der().unwrap();
    // After the two times comes [0] with the extensions at once.
    let times = empty.windows(2).rposition(|w| w == [0x17, 13]).unwrap();
    assert_eq!(empty[times + 15], 0xa0);
    let one = |reason| {
        let mut entry = entries().remove(0);
        entry.reason = reason;
        tbs(&[entry]).to_der().unwrap()
    };
    let reason_code = [0x55, 0x1d, 21];
    assert!(!one(Reason::Unspecified).windows(3).any(|w| w == reason_code));
    assert!(one(Reason::Superseded).windows(3).any(|w| w == reason_code));
}

#[test]
fn a_hundred_thousand_entries_are_written_and_read() {
    let at = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
    let revoked = |i: u32| Revoked {
        serial: Serial::from_content(&[&[0x7f; 16][..], &i.to_be_bytes()].concat()).unwrap(),
        at,
        reason: Reason::KeyCompromise,
        invalidity: Some(at),
    };
    let revoked: Vec<_> = (0..100_000).map(revoked).collect();
    let tbs = tbs(&revoked);
    let crl = assemble(&tbs.to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap();
    assert!((7_500_000..8_500_000).contains(&crl.len()), "{}", crl.len());
    assert_eq!(Crl::from_der(&crl).unwrap().entries(), revoked);
}

#[test]
fn an_entry_without_extensions_has_none_and_the_longest_fits() {
    let plain = Revoked {
        serial: Serial::from_content(&[1]).unwrap(),
        at: Timestamp::parse("2026-11-22T00:00:00Z").unwrap(),
        reason: Reason::Unspecified,
        invalidity: None,
    };
    assert_eq!(EntryList::of([&plain]).unwrap().der().len(), 2 + 3 + 15);
    let at = Timestamp::parse("2051-01-01T00:00:00Z").unwrap();
    let serial = Serial::from_content(&[0x7f; 64]).unwrap();
    let longest = Revoked { serial, at, reason: Reason::KeyCompromise, invalidity: Some(at) };
    let tbs = tbs(&[plain.clone(), longest.clone()]);
    let der = assemble(&tbs.to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap();
    assert_eq!(Crl::from_der(&der).unwrap().entries(), [plain, longest]);
}

#[test]
fn entries_are_taken_over_and_taken_back() {
    let tbs = tbs(&entries());
    let der = assemble(&tbs.to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap();
    let raw = raw_entries(&der).unwrap();
    assert_eq!(raw.len(), entries().len());
    assert_eq!(raw[1].serial, entries()[1].serial.content());
    let mut same = EntryList::default();
    raw.iter().for_each(|entry| same.push_raw(entry));
    assert_eq!(same, tbs.entries);
    let mut back = EntryList::default();
    back.push_removal(&raw[1]).unwrap();
    let remove_from_crl = [0x55, 0x1d, 21, 4, 3, 0x0a, 1, 8];
    assert!(back.der().ends_with(&remove_from_crl) && back.len() == 1);
    assert!(
        raw_entries(
            &assemble(&self::tbs(&[]).to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap()
        )
        .unwrap()
        .is_empty()
    );
    assert!(raw_entries(&der[..der.len() - 1]).is_err());
}

#[test]
fn scope_and_delta_stand_in_critical_extensions() {
    let point = "http://ca.example/crl/ec-issuing/7.crl".to_owned();
    let mut tbs = tbs(&[]);
    tbs.points = vec![point.clone()];
    tbs.base = Some(5);
    tbs.freshest = Some(point.clone());
    let der = assemble(&tbs.to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap();
    let read = Crl::from_der(&der).unwrap();
    let critical: Vec<_> = read.extensions().iter().map(|e| (e.oid.to_string(), e.critical)).collect();
    let all = [
        ("2.5.29.35", false),
        ("2.5.29.20", false),
        ("2.5.29.27", true),
        ("2.5.29.28", true),
        ("2.5.29.46", false),
    ];
    assert_eq!(critical, all.map(|(oid, critical)| (oid.to_owned(), critical)));
    // DistributionPointName is byte for byte that of the certificates.
    let ours = crate::x509::cert::ext::crl_distribution_point(&point).unwrap().value;
    let name = &ours[4..];
    assert!(read.extensions()[3].value.ends_with(name), "{name:02x?}");
}
