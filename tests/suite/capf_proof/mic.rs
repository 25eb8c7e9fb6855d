//! Proofs by what the manufacturer installed.

use super::*;

fn believed(manufacturers: &[&Manufacturer]) -> ManufacturingRoots {
    ManufacturingRoots::of(manufacturers.iter().map(|m| m.certificate()).collect()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mic_proves_its_phone_under_a_listed_root_alone() {
    let (house, maker, key) = (house().await, Manufacturer::new("Makers CA"), Key::rsa(2048));
    let mic = maker.certify(&key, &Mic::default());
    let (none, roots) = (trust(&house, ManufacturingRoots::default()), trust(&house, believed(&[&maker])));
    let shown = honest(NAME, &key, &mic);
    let (proven, record) = prove(&house.desk.authority, shown.clone(), roots.clone()).await.unwrap();
    assert_eq!((proven.sort, record.is_none()), (Sort::Mic, true));
    assert_eq!(unproven(&shown, &none), Unproven::UnknownIssuer, "CAPF-40: a root that is not listed");
    let lower = honest("sep001122334455", &key, &mic);
    assert_eq!(check_certificate_proof(&lower, &roots).unwrap().sort, Sort::Mic, "CAPF-25");
    assert_eq!(unproven(&honest("SEP001122334466", &key, &mic), &roots), Unproven::OtherDevice);
}

#[tokio::test(flavor = "multi_thread")]
async fn capf_39_40_each_fault_of_a_mic_has_a_cause_of_its_own() {
    let (house, maker, key) = (house().await, Manufacturer::new("Makers CA"), Key::rsa(2048));
    let trust = trust(&house, believed(&[&maker]));
    let cause =
        |by: &Manufacturer, mic: Mic<'_>| unproven(&honest(NAME, &key, &by.certify(&key, &mic)), &trust);
    let impostor = Manufacturer::new("Makers CA");
    assert_eq!(cause(&impostor, Mic::default()), Unproven::IssuerSignature, "CAPF-39");
    let old = Mic { not_after: "20210101000000Z", ..Mic::default() };
    assert_eq!(cause(&maker, old), Unproven::Expired, "CAPF-40");
    let young = Mic { not_before: "20440101000000Z", ..Mic::default() };
    assert_eq!(cause(&maker, young), Unproven::NotYetValid);
    assert_eq!(cause(&maker, Mic { is_ca: true, ..Mic::default() }), Unproven::IsCa, "CAPF-40");
    let other = Manufacturer::new("Another CA");
    assert_eq!(cause(&other, Mic::default()), Unproven::UnknownIssuer, "CAPF-40");
    let names_none = Mic { common_name: "CP-8841", ..Mic::default() };
    assert_eq!(cause(&maker, names_none), Unproven::OtherDevice);
    let bare = Mic { common_name: NAME, ..Mic::default() };
    assert_eq!(cause(&maker, bare), Unproven::OtherDevice, "an LSC's name in a MIC");
    assert_eq!(cause(&maker, Mic { digest: "-sha1", ..Mic::default() }), Unproven::IssuerSignature);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_outside_of_its_dates_proves_nothing() {
    let (house, key) = (house().await, Key::ec("P-256"));
    let maker = Manufacturer::new("Makers CA");
    let mic = maker.certify(&key, &Mic::default());
    let trust = trust(&house, believed(&[&maker]));
    let later = Trust { now: trust.now.plus(Duration::from_secs(11 * 365 * 24 * 3600)), ..trust };
    assert_eq!(unproven(&honest(NAME, &key, &mic), &later), Unproven::Issuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn sudi_data_is_signed_over_the_session_little_endian() {
    let (house, maker) = (house().await, Manufacturer::new("Makers CA"));
    let (key, own) = (Key::rsa(2048), Key::rsa(2048));
    let trust = trust(&house, believed(&[&maker]));
    let lsc = issue(&house, "phone-lsc", &key, NAME).await;
    let certificate = maker.certify(&own, &Mic::default());
    let little = SESSION.to_le_bytes();
    let with = |sudi: Vec<u8>| Shown { sudi: Some(sudi), ..honest(NAME, &key, &lsc) };
    let proven = check_certificate_proof(&with(sudi(&own, &certificate, little)), &trust).unwrap();
    assert_eq!((proven.sort, proven.sudi.unwrap().1), (Sort::Lsc, Sort::Mic));
    let repeated = check_certificate_proof(&with(sudi(&key, &lsc, little)), &trust).unwrap();
    assert_eq!(repeated.sudi.unwrap().1, Sort::Lsc, "some repeat the LSC in it");

    let big = with(sudi(&own, &certificate, SESSION.to_be_bytes()));
    assert_eq!(unproven(&big, &trust), Unproven::SudiSignature);
    let replayed = Shown { session: SESSION + 1, ..with(sudi(&own, &certificate, little)) };
    assert_eq!(unproven(&replayed, &trust), Unproven::SudiSignature, "another connection's");
    let another = Mic { common_name: "CP-8841-SEP001122334466", ..Mic::default() };
    let another = maker.certify(&own, &another);
    assert_eq!(unproven(&with(sudi(&own, &another, little)), &trust), Unproven::OtherDevice);
    let mut cut = sudi(&own, &certificate, little);
    cut.pop();
    assert_eq!(unproven(&with(cut), &trust), Unproven::SudiStructure, "CAPF-45");
}

#[tokio::test(flavor = "multi_thread")]
async fn sudi_data_beside_an_ec_certificate_is_skipped_but_must_be_whole() {
    let (house, key) = (house().await, Key::ec("P-256"));
    let trust = trust(&house, ManufacturingRoots::default());
    let lsc = issue(&house, "phone-lsc", &key, NAME).await;
    let with = |data: Vec<u8>| Shown { sudi: Some(data), ..honest(NAME, &key, &lsc) };
    let data = sudi(&key, &lsc, SESSION.to_le_bytes());
    assert!(check_certificate_proof(&with(data.clone()), &trust).unwrap().sudi.is_none());
    assert_eq!(unproven(&with(data[..data.len() - 1].to_vec()), &trust), Unproven::SudiStructure, "CAPF-45");
}

/// OpenSSL's command makes keys of 1024 bits and signs with SHA-1 where its security level lets it.
#[cfg(feature = "legacy")]
#[tokio::test(flavor = "multi_thread")]
async fn old_phones_prove_themselves_only_where_the_policy_lets_them() {
    let (house, maker, key) = (house().await, Manufacturer::new("Makers CA"), Key::rsa(1024));
    let modern = trust(&house, believed(&[&maker]));
    let old = Trust { old_devices: true, ..modern.clone() };
    let mic = maker.certify(&key, &Mic { digest: "-sha1", ..Mic::default() });
    let shown = honest(NAME, &key, &mic);
    assert_eq!(unproven(&shown, &modern), Unproven::Key);
    let bare = Shown { signed_data: None, ..shown.clone() };
    assert_eq!(unproven(&bare, &modern), Unproven::SignedDataMissing, "no key is checked for it");
    assert_eq!(check_certificate_proof(&shown, &old).unwrap().sort, Sort::Mic);
    let sha1_alone = Shown { sha2_signed_data: None, ..shown.clone() };
    assert_eq!(check_certificate_proof(&sha1_alone, &old).unwrap().sort, Sort::Mic, "CAPF-43");
    let impostor = Manufacturer::new("Makers CA");
    let forged = impostor.certify(&key, &Mic { digest: "-sha1", ..Mic::default() });
    assert_eq!(unproven(&honest(NAME, &key, &forged), &old), Unproven::IssuerSignature, "CAPF-39");
    let md5 = maker.certify(&key, &Mic { digest: "-md5", ..Mic::default() });
    assert_eq!(unproven(&honest(NAME, &key, &md5), &old), Unproven::IssuerSignature);
}
