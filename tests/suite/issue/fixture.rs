//! An authority in a temporary folder, and openssl as its judge.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use signet::audit::Actor;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::profile::ProfileSet;
use signet::ca::{Authority, Issued, Order, issue};
use signet::clock::{Clock, Timestamp};
use signet::error::Error;
use signet::id::{CaId, KeyId, Serial};
use signet::keys::Place;
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::token::{TokenSettings, with_token};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{Db, Unit};
use signet::x509::key::{KeyAlgorithm, PublicKey};
use signet::x509::name::Name;
use signet::x509::pem;
use signet::x509::san::San;
use tempfile::TempDir;
use zeroize::Zeroizing;

pub const URL: &str = "http://ca.example:8080";
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub struct Fixture {
    pub dir: TempDir,
    pub authority: Arc<Authority>,
    pub profiles: ProfileSet,
}

impl Fixture {
    /// An authority without CAs, whose clock stands at the present.
    pub async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::system();
        let store = storage::create(&dir.path().join("store"), EngineKind::Redb).unwrap();
        let vault = Vault::create(dir.path(), "correct horse", &random).unwrap();
        let keys = with_token(vault, token(), &random).unwrap();
        let clock = Clock::manual(Clock::system().now());
        let pool = Pool::new(2, 64);
        let authority =
            Authority::load(Db::new(store), clock, random, pool, keys, URL.to_owned()).await.unwrap();
        Self { dir, authority: Arc::new(authority), profiles: ProfileSet::shipped().unwrap() }
    }

    /// With `ec-root` (P-384) over `ec-issuing` (P-256).
    pub async fn ec() -> Self {
        let fixture = Self::empty().await;
        fixture.make("ec-root", KeyAlgorithm::P384, Parent::Itself).await.unwrap();
        let parent = Parent::Ours(ca("ec-root"));
        fixture.make("ec-issuing", KeyAlgorithm::P256, parent).await.unwrap();
        fixture
    }

    pub async fn make(&self, id: &str, algorithm: KeyAlgorithm, parent: Parent) -> Result<(), Error> {
        let subject = default_subject(&ca(id), Some("Acme, Inc.")).unwrap();
        let lifetime = if matches!(parent, Parent::Itself) { YEAR * 20 } else { YEAR * 10 };
        let new =
            NewCa { id: ca(id), subject, algorithm, lifetime, parent, place: place(), serves_tls: false };
        create(&self.authority, vec![new], Actor::System).await.map(|_| ())
    }

    /// A new key of a requester.
    pub fn key(&self, name: &str, algorithm: KeyAlgorithm) -> PublicKey {
        let id: KeyId = name.parse().unwrap();
        self.authority.keys.generate(&id, algorithm).unwrap().public_key().clone()
    }

    /// A new key where those of CAs are made.
    pub fn ca_key(&self, name: &str, algorithm: KeyAlgorithm) -> PublicKey {
        let id: KeyId = name.parse().unwrap();
        self.authority.keys.generate_in(place(), &id, algorithm).unwrap().public_key().clone()
    }

    pub fn order(&self, profile: &str, issuer: &str, subject: &str, sans: &[&str], key: PublicKey) -> Order {
        Order {
            profile: Arc::clone(self.profiles.require(&profile.parse().unwrap()).unwrap()),
            ca: ca(issuer),
            subject: if subject.is_empty() { Name::empty() } else { Name::parse(subject).unwrap() },
            sans: sans.iter().map(|text| San::parse(text).unwrap()).collect(),
            public_key: key,
            device: None,
            not_after: None,
            actor: Actor::Operator("ann".to_owned()),
            renews: None,
            claim: Unit::new(),
            serial: Serial::new(self.authority.clock.now(), &self.authority.random).unwrap(),
        }
    }

    /// A TLS server's certificate from `ec-issuing`.
    pub async fn server(&self, host: &str) -> Issued {
        let key = self.key(&format!("key-{}", host.replace('.', "-")), KeyAlgorithm::P256);
        let order =
            self.order("tls-server", "ec-issuing", &format!("CN={host}"), &[&format!("dns:{host}")], key);
        issue(&self.authority, order).await.unwrap()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Every complete CRL as it is published, PEM.
    pub fn crls(&self) -> String {
        let hierarchy = self.authority.hierarchy();
        let scopes = hierarchy.all().iter().flat_map(|ca| ca.crl.value.scopes());
        let crls = scopes.filter_map(|scope| self.authority.published().complete(&scope));
        crls.map(|crl| pem::encode("X509 CRL", &crl.der)).collect()
    }

    /// `openssl verify -x509_strict -crl_check_all` of a leaf under the CAs and CRLs as they are published.
    pub fn verify(&self, leaf: &[u8], chain: &[Vec<u8>], at: Timestamp) -> (bool, String) {
        self.verify_by(&[], &self.crls(), leaf, chain, at)
    }

    /// The same with further arguments and by these CRLs.
    pub fn verify_by(
        &self,
        further: &[&str],
        crls: &str,
        leaf: &[u8],
        chain: &[Vec<u8>],
        at: Timestamp,
    ) -> (bool, String) {
        let root = self.write("root.pem", pem::encode("CERTIFICATE", chain.last().unwrap()));
        let between: String =
            chain[..chain.len() - 1].iter().map(|c| pem::encode("CERTIFICATE", c)).collect();
        let between = self.write("between.pem", between);
        let crls = self.write("crls.pem", crls);
        let leaf = self.write("leaf.pem", pem::encode("CERTIFICATE", leaf));
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-crl_check_all", "-attime", &at.secs().to_string()]);
        command.args(further);
        command.arg("-CAfile").arg(root).arg("-CRLfile").arg(crls);
        if chain.len() > 1 {
            command.arg("-untrusted").arg(between);
        }
        run(command.arg(leaf))
    }

    pub fn now(&self) -> Timestamp {
        self.authority.clock.now()
    }
}

/// Where the keys of CAs are made: `pkcs11.rs` runs this suite once more with a token.
pub fn place() -> Place {
    if token().is_some() { Place::Token } else { Place::Software }
}

fn token() -> Option<TokenSettings> {
    let label = std::env::var("SIGNET_TEST_TOKEN").ok()?;
    let pin = Arc::new(|| Ok(Zeroizing::new("Pin-73190".to_owned())));
    Some(TokenSettings { module: "/usr/lib/softhsm/libsofthsm2.so".into(), token: label, pin })
}

pub fn ca(id: &str) -> CaId {
    id.parse().unwrap()
}

/// What openssl says of a certificate.
pub fn text(dir: &Path, der: &[u8]) -> String {
    let path = dir.join("shown.der");
    std::fs::write(&path, der).unwrap();
    let (ok, text) =
        run(Command::new("openssl").args(["x509", "-inform", "DER", "-noout", "-text", "-in"]).arg(path));
    assert!(ok, "{text}");
    text
}

/// Runs a program: whether it succeeded, and all that it wrote.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
