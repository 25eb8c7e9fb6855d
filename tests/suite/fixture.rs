//! An enrolment desk on a store of its own: two hierarchies with small keys, an RA, the shipped profiles.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use signet::audit::Actor;
use signet::ca::Authority;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::profile::{ProfileSet, RaMode};
use signet::clock::Clock;
use signet::enrol::challenge::{self, NewChallenge};
use signet::enrol::scep_ra::{Ra, RaSource};
use signet::enrol::{Desk, Profiles};
use signet::error::Result;
use signet::id::{CaId, KeyId, Serial};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::keys::{KeyStore, Place};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::Db;
use signet::x509::cert::{Certificate, Tbs, assemble, ext};
use signet::x509::key::{self, Digest, KeyAlgorithm};
use signet::x509::name::Name;
use signet::x509::san::San;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a scenario needs; keep it as long as the scenario runs.
pub struct Fixture {
    _folder: TempDir,
    pub desk: Arc<Desk>,
    pub ra: Arc<Ras>,
}

impl Fixture {
    /// With the shipped profiles and more: (name, TOML).
    pub async fn with_profiles(more: &[(&str, String)]) -> Self {
        Self::on_clock(Clock::system(), more).await
    }

    /// The same by a clock that the test moves.
    pub async fn on_clock(clock: Clock, more: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policies = folder.path().join("policies");
        ProfileSet::write_shipped(&policies).unwrap();
        for (name, toml) in more {
            std::fs::write(policies.join(format!("profiles/{name}.toml")), toml).unwrap();
        }
        let profiles = ProfileSet::load(&policies).unwrap();
        let authority = Arc::new(authority(folder.path(), clock).await);
        let desk =
            Desk { authority, profiles: Arc::new(Profiles::new(profiles)), throttle: Default::default() };
        let ra = Arc::new(Ras::new(&desk.authority));
        Self { _folder: folder, desk: Arc::new(desk), ra }
    }

    /// A challenge for CN=`common_name` without alternative names.
    pub async fn challenge(&self, profile: &str, common_name: &str) -> String {
        self.challenge_for(profile, common_name, Vec::new()).await
    }

    /// A challenge for CN=`common_name` and these names.
    pub async fn challenge_for(&self, profile: &str, common_name: &str, sans: Vec<San>) -> String {
        let new = NewChallenge {
            profile: profile.parse().unwrap(),
            subject: Name::parse(&format!("CN={common_name}")).unwrap(),
            sans,
            ttl: Duration::from_secs(3600),
        };
        let (_, secret) = challenge::create(&self.desk, new, Actor::System).await.unwrap();
        secret.to_string()
    }

    /// A shipped profile's TOML with some lines changed.
    pub fn profile(name: &str, changes: &[(&str, &str)]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policies/profiles/{name}.toml"));
        changes.iter().fold(std::fs::read_to_string(path).unwrap(), |toml, (from, to)| {
            assert!(toml.contains(from), "{from} does not stand in {name}.toml");
            toml.replacen(from, to, 1)
        })
    }
}

async fn authority(folder: &Path, clock: Clock) -> Authority {
    let random = Random::system();
    let store = storage::create(&folder.join("store"), EngineKind::Redb).unwrap();
    let keys: Arc<dyn KeyStore> = Arc::new(Vault::create(folder, "correct horse", &random).unwrap());
    let pool = Pool::new(2, 64);
    let url = "http://127.0.0.1:1".to_owned();
    let authority = Authority::load(Db::new(store), clock, random, pool, keys, url).await.unwrap();
    let plan = vec![
        new_ca("rsa-root", KeyAlgorithm::Rsa2048, None),
        new_ca("rsa-issuing", KeyAlgorithm::Rsa2048, Some("rsa-root")),
        new_ca("ec-root", KeyAlgorithm::P256, None),
        new_ca("ec-issuing", KeyAlgorithm::P256, Some("ec-root")),
    ];
    create(&authority, plan, Actor::System).await.unwrap();
    authority
}

fn new_ca(id: &str, algorithm: KeyAlgorithm, parent: Option<&str>) -> NewCa {
    let id: CaId = id.parse().unwrap();
    NewCa {
        subject: default_subject(&id, None).unwrap(),
        id,
        algorithm,
        lifetime: DAY * if parent.is_some() { 3650 } else { 7300 },
        place: Place::Software,
        serves_tls: false,
        parent: parent.map_or(Parent::Itself, |p| Parent::Ours(p.parse().unwrap())),
    }
}

/// The RAs of `rsa-issuing` in both modes, made without the approval of a desk.
pub struct Ras {
    single: Arc<Ra>,
    split: Arc<Ra>,
}

impl Ras {
    fn new(authority: &Authority) -> Self {
        let (signing, encryption) = (ra_key(authority, "ra-signing"), ra_key(authority, "ra-encryption"));
        let both = ra_certificate(authority, &signing, "Test RA", 0b101);
        let signs = ra_certificate(authority, &signing, "Test RA signing", 0b001);
        let opens = ra_certificate(authority, &encryption, "Test RA encryption", 0b100);
        let signer = authority.keys.signer(&signing).unwrap();
        let decrypter = |key| authority.keys.decrypter(key).unwrap();
        let ra = |signing: &Arc<Certificate>, encryption: &Arc<Certificate>, key| Ra {
            signing: Arc::clone(signing),
            signer: Arc::clone(&signer),
            encryption: Arc::clone(encryption),
            decrypter: decrypter(key),
            former: Vec::new(),
        };
        Self {
            single: Arc::new(ra(&both, &both, &signing)),
            split: Arc::new(ra(&signs, &opens, &encryption)),
        }
    }
}

impl RaSource for Ras {
    fn ra(&self, _: &CaId, mode: RaMode) -> Result<Arc<Ra>> {
        Ok(Arc::clone(match mode {
            RaMode::Single => &self.single,
            RaMode::Split => &self.split,
        }))
    }
}

fn ra_key(authority: &Authority, name: &str) -> KeyId {
    let id: KeyId = name.parse().unwrap();
    authority.keys.generate(&id, KeyAlgorithm::Rsa2048).unwrap();
    id
}

fn ra_certificate(authority: &Authority, key: &KeyId, common_name: &str, usage: u16) -> Arc<Certificate> {
    let hierarchy = authority.hierarchy();
    let (issuer, signer) = hierarchy.require(&"rsa-issuing".parse().unwrap()).unwrap().ready().unwrap();
    let public = authority.keys.signer(key).unwrap().public_key().clone();
    let algorithm = key::signature_algorithm(signer.public_key().kind(), Digest::Sha256);
    let now = authority.clock.now().whole_secs();
    let tbs = Tbs {
        serial: Serial::new(authority.clock.now(), &authority.random).unwrap(),
        signature_algorithm: algorithm.clone(),
        issuer: issuer.subject().clone(),
        not_before: now,
        not_after: now.plus(DAY),
        subject: Name::parse(&format!("CN={common_name}")).unwrap(),
        spki: public.spki().to_vec(),
        extensions: vec![
            ext::key_usage(usage).unwrap(),
            ext::authority_key_id(&issuer.subject_key_id().unwrap()).unwrap(),
            ext::subject_key_id(&public.key_id()).unwrap(),
        ],
    }
    .to_der()
    .unwrap();
    let signature = signer.sign(Digest::Sha256, &tbs).unwrap();
    let der = assemble(&tbs, &algorithm, &signature).unwrap();
    Arc::new(Certificate::from_der(&der).unwrap())
}
