//! A desk in a temporary folder, with clients that ask it for certificates.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use signet::audit::{Actor, Entry};
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::profile::ProfileSet;
use signet::ca::records::CertificateRecord;
use signet::ca::{Authority, revoke};
use signet::clock::Clock;
use signet::enrol::challenge::{self, NewChallenge};
use signet::enrol::{Desk, Outcome, Profiles, Proof, Request, Transaction, enrol};
use signet::error::{Error, Result};
use signet::keys::Place;
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{AuditFilter, Db, Scan};
use signet::x509::crl::Reason;
use signet::x509::csr::{Csr, Leniency};
use signet::x509::key::KeyAlgorithm;
use signet::x509::name::Name;
use signet::x509::san::San;
use tempfile::TempDir;
use zeroize::Zeroizing;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Office {
    pub desk: Arc<Desk>,
    pub dir: TempDir,
}

/// A client with a key of its own.
pub struct Client {
    pub key: KeyPair,
    pub address: IpAddr,
}

impl Client {
    pub fn new() -> Self {
        Self { key: KeyPair::generate().unwrap(), address: "10.0.0.9".parse().unwrap() }
    }

    /// A request for `CN=cn` and these names.
    pub fn csr(&self, cn: &str, sans: &[&str]) -> Csr {
        Csr::from_der(&self.csr_der(cn, sans), Leniency::Device).unwrap()
    }

    pub fn csr_der(&self, cn: &str, sans: &[&str]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if !cn.is_empty() {
            params.distinguished_name.push(DnType::CommonName, cn);
        }
        params.subject_alt_names = sans
            .iter()
            .map(|san| match san.split_once(':').unwrap() {
                ("dns", name) => SanType::DnsName(name.try_into().unwrap()),
                ("email", name) => SanType::Rfc822Name(name.try_into().unwrap()),
                (_, other) => panic!("{other}"),
            })
            .collect();
        params.serialize_request(&self.key).unwrap().der().to_vec()
    }

    pub fn request(&self, profile: &str, csr: Csr, proof: Proof) -> Request {
        Request {
            profile: profile.parse().unwrap(),
            application: csr.into(),
            proof,
            transaction: None,
            actor: Actor::Client { protocol: "scep".into(), address: self.address.to_string() },
            address: Some(self.address),
            not_after: None,
            issuer: None,
        }
    }

    /// The SHA-256 of this client's key.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.csr("x", &[]).public_key().fingerprint()
    }

    /// The same request within a transaction, signed by this client's key.
    pub fn within(&self, id: &str, request: Request) -> Request {
        let transaction = Some(Transaction { id: id.into(), signer_key: self.fingerprint() });
        Request { transaction, ..request }
    }
}

impl Office {
    /// With the shipped profiles.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With the shipped profiles and those given as (name, text).
    pub async fn with(profiles: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let policies = dir.path().join("policies");
        ProfileSet::write_shipped(&policies).unwrap();
        for (name, text) in profiles {
            std::fs::write(policies.join("profiles").join(format!("{name}.toml")), text).unwrap();
        }
        let random = Random::system();
        let store = storage::create(&dir.path().join("store"), EngineKind::Redb).unwrap();
        let keys = Arc::new(Vault::create(dir.path(), "correct horse", &random).unwrap());
        let clock = Clock::manual(Clock::system().now());
        let url = "http://ca.example".to_owned();
        let authority =
            Authority::load(Db::new(store), clock, random, Pool::new(2, 64), keys, url).await.unwrap();
        let authority = Arc::new(authority);
        make(&authority, "root", Parent::Itself).await;
        for id in ["rsa-issuing", "ec-issuing"] {
            make(&authority, id, Parent::Ours("root".parse().unwrap())).await;
        }
        let profiles = Arc::new(Profiles::new(ProfileSet::load(&policies).unwrap()));
        Self { desk: Arc::new(Desk { authority, profiles, throttle: Default::default() }), dir }
    }

    pub async fn enrol(&self, request: Request) -> Result<Outcome> {
        enrol(&self.desk, request).await
    }

    /// The certificate that a request leads to.
    #[track_caller]
    pub fn issued(&self, outcome: Result<Outcome>) -> CertificateRecord {
        match outcome.unwrap() {
            Outcome::Issued(issued) => issued.record,
            Outcome::Pending(id) => panic!("pending {id}"),
        }
    }

    /// Code and text of the refusal that a request leads to.
    pub async fn refusal(&self, request: Request) -> (&'static str, String) {
        let error = self.enrol(request).await.unwrap_err();
        (error.code(), error.detail().to_owned())
    }

    pub async fn challenge(&self, cn: &str, sans: &[&str]) -> Zeroizing<String> {
        self.new_challenge("scep-device", cn, sans, HOUR).await.unwrap()
    }

    pub async fn new_challenge(
        &self,
        profile: &str,
        cn: &str,
        sans: &[&str],
        ttl: Duration,
    ) -> Result<Zeroizing<String>, Error> {
        let new = NewChallenge {
            profile: profile.parse().unwrap(),
            subject: Name::parse(&format!("CN={cn}")).unwrap(),
            sans: sans.iter().map(|s| San::parse(s).unwrap()).collect(),
            ttl,
        };
        challenge::create(&self.desk, new, operator("ann")).await.map(|(_, secret)| secret)
    }

    /// A device's first certificate, by challenge.
    pub async fn device(&self, client: &Client, cn: &str) -> CertificateRecord {
        let proof = Proof::Challenge(self.challenge(cn, &[]).await);
        let outcome = self.enrol(client.request("scep-device", client.csr(cn, &[]), proof)).await;
        self.issued(outcome)
    }

    pub async fn revoke(&self, record: &CertificateRecord, reason: Reason) {
        revoke::revoke(&self.desk.authority, &record.serial, reason, operator("ann")).await.unwrap();
    }

    /// Every certificate of a profile.
    pub async fn certificates(&self, profile: &str) -> Vec<CertificateRecord> {
        let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_PROFILE);
        let all = self.desk.authority.db.all::<CertificateRecord>(scan).await.unwrap();
        all.into_iter().map(|s| s.value).filter(|r| r.profile.as_str() == profile).collect()
    }

    /// The audit entries of an action, newest first.
    pub async fn events(&self, action: &str) -> Vec<Entry> {
        let filter = AuditFilter { action: Some(action.into()), limit: 1000, ..AuditFilter::default() };
        self.desk.authority.db.raw().audit(filter).await.unwrap()
    }

    pub async fn details(&self, action: &str) -> Vec<BTreeMap<String, String>> {
        self.events(action).await.into_iter().map(|e| e.event.details).collect()
    }
}

pub fn operator(name: &str) -> Actor {
    Actor::Operator(name.into())
}

pub fn by_operator() -> Proof {
    Proof::Operator { name: "ann".into(), renews: None }
}

/// A renewal signed by this certificate, without a challenge.
pub fn renewal(certificate: &CertificateRecord) -> Proof {
    Proof::Renewal { certificate: Box::new(certificate.clone()), challenge: None }
}

pub fn secret(text: &str) -> Proof {
    Proof::Challenge(Zeroizing::new(text.into()))
}

async fn make(authority: &Arc<Authority>, id: &str, parent: Parent) {
    let id = id.parse().unwrap();
    let years = if matches!(parent, Parent::Itself) { 20 } else { 10 };
    let subject = default_subject(&id, None).unwrap();
    let (algorithm, lifetime, place) = (KeyAlgorithm::P256, DAY * 365 * years, Place::Software);
    let new = NewCa { id, subject, algorithm, lifetime, parent, place, serves_tls: false };
    create(authority, vec![new], Actor::System).await.unwrap();
}
