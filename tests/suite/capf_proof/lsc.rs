//! Proofs by an LSC.

use signet::enrol::{Outcome, Proof, Request, enrol};
use signet::x509::csr::{Csr, Leniency};

use super::*;

/// A certificate of ours by that profile, DER.
pub async fn issue(house: &Fixture, profile: &str, key: &Key, common_name: &str) -> Vec<u8> {
    let request = Request {
        profile: profile.parse().unwrap(),
        application: Csr::from_der(&key.request(common_name), Leniency::Strict).unwrap().into(),
        proof: Proof::Operator { name: "ann".into(), renews: None },
        transaction: None,
        actor: Actor::System,
        address: None,
        not_after: None,
        issuer: None,
    };
    match enrol(&house.desk, request).await.unwrap() {
        Outcome::Issued(issued) => issued.record.der,
        Outcome::Pending(_) => panic!("an operator's request waits"),
    }
}

async fn refusal(house: &Fixture, shown: Shown, trust: Trust) -> Unproven {
    match prove(&house.desk.authority, shown, trust).await.map(|(proven, _)| proven.sort).unwrap_err() {
        Refusal::Unproven(unproven) => unproven,
        Refusal::Failed(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lsc_of_every_key_type_proves_its_phone() {
    let house = house().await;
    let trust = trust(&house, ManufacturingRoots::default());
    for key in [Key::rsa(2048), Key::rsa(4096), Key::ec("P-256"), Key::ec("P-384"), Key::ec("P-521")] {
        let lsc = issue(&house, "phone-lsc", &key, NAME).await;
        let shown = honest(NAME, &key, &lsc);
        let (proven, record) = prove(&house.desk.authority, shown.clone(), trust.clone()).await.unwrap();
        assert_eq!((proven.sort, proven.sudi.is_none()), (Sort::Lsc, true));
        assert_eq!(record.unwrap().value.der, lsc);
        for (broken, cause) in [
            (Shown { signed_data: flipped(&shown.signed_data), ..shown.clone() }, Unproven::Sha1Signature),
            (
                Shown { sha2_signed_data: flipped(&shown.sha2_signed_data), ..shown.clone() },
                Unproven::Sha512Signature,
            ),
            (Shown { signed_data: Some(Vec::new()), ..shown.clone() }, Unproven::Sha1Signature),
            (
                Shown { sha2_signed_data: Some(element_20(3, &[])), ..shown.clone() },
                Unproven::Sha512Signature,
            ),
        ] {
            assert_eq!(unproven(&broken, &trust), cause);
        }
    }
}

fn flipped(value: &Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut value = value.clone()?;
    *value.last_mut()? ^= 1;
    Some(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn capf_37_42_43_what_is_missing_or_padded_otherwise_proves_nothing() {
    let house = house().await;
    let (trust, key) = (trust(&house, ManufacturingRoots::default()), Key::rsa(2048));
    let lsc = issue(&house, "phone-lsc", &key, NAME).await;
    let good = honest(NAME, &key, &lsc);
    let message = [NAME.as_bytes(), &[0], &lsc].concat();
    let sha512 = key.prove("sha512", &message);
    let of = |change: &dyn Fn(&mut Shown)| {
        let mut shown = good.clone();
        change(&mut shown);
        unproven(&shown, &trust)
    };
    assert_eq!(of(&|s| s.certificate = None), Unproven::NoCertificate, "CAPF-37");
    assert_eq!(Unproven::NoCertificate.to_string(), "mode-mismatch");
    assert_eq!(of(&|s| s.signed_data = None), Unproven::SignedDataMissing);
    assert_eq!(of(&|s| s.sha2_signed_data = None), Unproven::Sha512Missing, "CAPF-43");
    for other in [1, 2] {
        assert_eq!(of(&|s| s.sha2_signed_data = Some(element_20(other, &sha512))), Unproven::OtherDigest);
    }
    let with_digest_info = key.sign("sha1", &message);
    assert_eq!(of(&|s| s.signed_data = Some(with_digest_info.clone())), Unproven::Sha1Signature, "CAPF-42");
    let with_digest_info = element_20(3, &key.sign("sha512", &message));
    assert_eq!(of(&|s| s.sha2_signed_data = Some(with_digest_info.clone())), Unproven::Sha512Signature);
    assert_eq!(of(&|s| s.certificate = Some(lsc[1..].to_vec())), Unproven::Certificate);
    assert_eq!(of(&|s| s.certificate = Some([&lsc[..], &[0]].concat())), Unproven::Certificate);
    assert!(check_certificate_proof(&good, &trust).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_phones_lsc_does_not_speak_for_another_nor_any_other_certificate_of_ours() {
    let house = house().await;
    let (trust, key) = (trust(&house, ManufacturingRoots::default()), Key::rsa(2048));
    let lsc = issue(&house, "phone-lsc", &key, NAME).await;
    let other = honest("SEP001122334466", &key, &lsc);
    assert_eq!(unproven(&other, &trust), Unproven::OtherDevice);
    let server = issue(&house, "tls-client", &Key::ec("P-256"), NAME).await;
    let der = Certificate::from_der(&server).unwrap();
    assert_eq!(house.desk.authority.hierarchy().issuer_of(&der).unwrap().record.id.as_str(), "ec-issuing");
    let shown = Shown { certificate: Some(server), ..honest(NAME, &key, &lsc) };
    assert_eq!(unproven(&shown, &trust), Unproven::OtherIssuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_lsc_or_one_out_of_date_proves_nothing() {
    let house = house().await;
    let (trust, key) = (trust(&house, ManufacturingRoots::default()), Key::ec("P-256"));
    let lsc = issue(&house, "phone-lsc", &key, NAME).await;
    let shown = honest(NAME, &key, &lsc);
    let year = Duration::from_secs(366 * 24 * 3600);
    assert_eq!(unproven(&shown, &Trust { now: trust.now.plus(year), ..trust.clone() }), Unproven::Expired);
    assert_eq!(unproven(&shown, &Trust { now: trust.now.minus(year), ..trust.clone() }), Unproven::Issuer);
    let serial = Certificate::from_der(&lsc).unwrap().serial().clone();
    let authority = &house.desk.authority;
    signet::ca::revoke::revoke(authority, &serial, Reason::KeyCompromise, Actor::System).await.unwrap();
    assert_eq!(refusal(&house, shown, trust).await, Unproven::Revoked);
}
