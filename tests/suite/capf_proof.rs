//! What a phone proves by its LSC, MIC or SUDI certificate; the signatures are OpenSSL's.

use std::sync::Arc;
use std::time::Duration;

use signet::audit::Actor;
use signet::enrol::capf::proof::{
    Elsewhere, ManufacturingRoots, Proven, Refusal, Shown, Sort, Trust, Unproven, check_certificate_proof,
    prove,
};
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;

use crate::fixture::Fixture;

pub(crate) mod keys;
mod lsc;
mod manufacturer;
mod mic;
mod roots;

use keys::Key;
use lsc::issue;
use manufacturer::{Manufacturer, Mic};

const NAME: &str = "SEP001122334455";
const SESSION: u32 = 0x0102_0304;

/// A house whose LSCs come from `rsa-issuing`.
async fn house() -> Fixture {
    Fixture::with_profiles(&[]).await
}

fn trust(house: &Fixture, roots: ManufacturingRoots) -> Trust {
    Trust {
        hierarchy: house.desk.authority.hierarchy(),
        issuers: vec!["rsa-issuing".parse().unwrap()],
        elsewhere: Elsewhere::default(),
        roots: Arc::new(roots),
        now: house.desk.authority.clock.now(),
        old_devices: false,
    }
}

/// What an honest phone sends.
fn honest(name: &str, key: &Key, certificate: &[u8]) -> Shown {
    let message = [name.as_bytes(), &[0], certificate].concat();
    Shown {
        device: name.to_owned(),
        session: SESSION,
        certificate: Some(certificate.to_vec()),
        signed_data: Some(key.prove("sha1", &message)),
        sha2_signed_data: Some(element_20(3, &key.prove("sha512", &message))),
        sudi: None,
    }
}

fn element_20(kind: u8, signature: &[u8]) -> Vec<u8> {
    [&[kind], &(signature.len() as u16).to_be_bytes()[..], signature].concat()
}

/// The SUDI data over a session id's octets as given.
fn sudi(key: &Key, certificate: &[u8], session: [u8; 4]) -> Vec<u8> {
    let message = [&session[..], certificate].concat();
    let part = |kind: u8, value: &[u8]| [&[kind], &(value.len() as u16).to_be_bytes()[..], value].concat();
    [part(0, certificate), part(1, &key.prove("sha1", &message)), part(3, &key.prove("sha512", &message))]
        .concat()
}

fn unproven(shown: &Shown, trust: &Trust) -> Unproven {
    check_certificate_proof(shown, trust).map(|p: Proven| p.sort).unwrap_err()
}
