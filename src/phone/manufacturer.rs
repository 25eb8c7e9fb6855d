//! A simulated manufacturer: the CA that puts a certificate (MIC) into each phone before it leaves the house.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::keys::{self, Kind};
use super::state::{Identity, Phone};
use super::{Fault, Outcome};

const ORGANIZATION: &str = "Simulated Phones";
const NAME: &str = "Simulated Manufacturing CA";

/// The CA with its key.
pub struct Manufacturer {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Manufacturer {
    /// A new one. Faults: the machine gives no keys.
    pub fn new() -> Outcome<Self> {
        Self::of(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?)
    }

    /// The one of this key (PKCS#8, PEM). Faults: it is none.
    pub fn read(key: &str) -> Outcome<Self> {
        Self::of(KeyPair::from_pem(key).map_err(failed)?)
    }

    /// Its certificate, PEM: what a server is to believe.
    pub fn certificate(&self) -> &str {
        &self.pem
    }

    /// Its key, PKCS#8 PEM: as secret as the phones are.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Gives a phone its MIC, for a key of 2048 bits. Faults: the key could not be made.
    pub fn equip(&self, phone: &mut Phone, keys: &keys::Keys) -> Outcome<()> {
        let key = keys.pair(Kind::Rsa(2048))?;
        let private = PrivatePkcs8KeyDer::from(key.pkcs8());
        let public = KeyPair::from_pkcs8_der_and_sign_algo(&private, &PKCS_RSA_SHA256).map_err(failed)?;
        let mut params = params(&phone.identity());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&public, &self.issuer).map_err(failed)?;
        phone.mic = Some(Identity { certificate: certificate.der().to_vec(), key });
        Ok(())
    }

    fn of(key: KeyPair) -> Outcome<Self> {
        let mut params = params(NAME);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANIZATION);
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params
}

fn failed(error: rcgen::Error) -> Fault {
    Fault::new(format!("the manufacturer's CA: {error}"))
}
