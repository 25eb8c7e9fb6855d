//! What a new CA consists of.

use std::sync::Arc;

use crate::admin::roles::Roles;
use crate::admin::tokens::{Mint, create_admin};
use crate::audit::Actor;
use crate::ca::create::{NewCa, Parent, create, default_plan};
use crate::ca::profile::ProfileSet;
use crate::ca::{Authority, Hierarchy};
use crate::clock::Clock;
use crate::enrol::capf::proof::ManufacturingRoots;
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::refused::device::DeviceSet;
use crate::error::{Error, Result};
use crate::keys::pool::Pool;
use crate::keys::software::Vault;
use crate::keys::token::with_token;
use crate::keys::{KeyStore, Place};
use crate::notice::policy::NoticePolicy;
use crate::random::Random;
use crate::server::files;
use crate::server::heads;
use crate::server::layout::Layout;
use crate::server::settings::Given;
use crate::server::state::all_faults;
use crate::server::token;
use crate::storage::{self, EngineKind};
use crate::store::Db;
use crate::trust::recovery;
use crate::x509::key::KeyAlgorithm;

/// The key types of the CAs, but for that of CAPF: RSA-2048, which every phone takes.
#[derive(Clone, Copy, Debug)]
pub struct Algorithms {
    /// The root for phones, SCEP and 802.1X.
    pub rsa_root: KeyAlgorithm,
    /// Its issuing CA.
    pub rsa_issuing: KeyAlgorithm,
    /// The root for servers.
    pub ec_root: KeyAlgorithm,
    /// Its issuing CA.
    pub ec_issuing: KeyAlgorithm,
}

/// Where the keys of the CAs are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    /// Those of the roots.
    pub roots: Place,
    /// Those of the issuing CAs.
    pub issuing: Place,
}

/// A CA to be made.
pub struct NewAuthority<'a> {
    /// The settings, with `url`.
    pub settings: Given,
    /// The prefix of CDP and AIA.
    pub url: String,
    /// The key types.
    pub algorithms: Algorithms,
    /// Where the keys are made.
    pub places: Places,
    /// The organization in the CAs' names.
    pub organization: Option<String>,
    /// The security password.
    pub password: &'a str,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Builds everything below `layout` (`DIR/.init`); `home` is the data folder it will stand in.
/// Errors: those of its parts; nothing is cleaned up here.
pub async fn build(new: NewAuthority<'_>, layout: &Layout, home: &Layout) -> Result<()> {
    let plan = plan(&new)?;
    // What is wrong with the settings of a token is told before anything is made.
    let named = token::settings(&new.settings)?;
    let vault = Vault::create(layout.dir(), new.password, &new.random)?;
    let random = new.random.clone();
    let opened = tokio::task::spawn_blocking(move || with_token(vault, named, &random)).await;
    let keys = opened.unwrap_or_else(|e| Err(Error::internal("opening the keys").because(e)))?;
    let made = fill(new, plan, keys.clone(), (layout, home)).await;
    if made.is_err() {
        forget_in_token(keys).await;
    }
    made
}

/// Puts everything into the folder, with keys of `keys`.
async fn fill(
    new: NewAuthority<'_>,
    plan: Vec<NewCa>,
    keys: Arc<dyn KeyStore>,
    (layout, home): (&Layout, &Layout),
) -> Result<()> {
    let engine = new.settings.store.as_deref().map_or(Ok(EngineKind::Redb), str::parse)?;
    let profiles = policies(&new.settings, layout, home)?;
    let db = Db::new(storage::create(layout.dir(), engine)?);
    let (clock, random, pool) = (new.clock, new.random, Pool::per_core(16));
    keys.generate(&heads::key_id()?, KeyAlgorithm::P256)?;
    let authority =
        Authority::load(db.clone(), clock.clone(), random.clone(), pool, keys, new.url.clone()).await?;
    create(&authority, plan, Actor::System).await?;
    recovery::ensure(&authority, Actor::System).await?;
    profiles
        .validate_under(&authority.hierarchy(), authority.clock.now())
        .map_err(|faults| all_faults(&faults))?;
    let root = tls_root(&authority.hierarchy(), &profiles)?;
    files::write(&layout.tls_ca(), root.as_bytes(), files::PUBLIC)?;
    let token = create_admin(Mint { db: &db, clock: &clock, random: &random }).await?;
    files::write(&layout.admin_token(), format!("{}\n", token.as_str()).as_bytes(), files::PRIVATE)?;
    new.settings.write(&layout.settings())?;
    db.raw().close().await
}

/// The folder of a CA that could not be made goes with its keys; a token must be told.
async fn forget_in_token(keys: Arc<dyn KeyStore>) {
    let forget = move || {
        for id in keys.list().unwrap_or_default().into_iter().filter(|id| keys.place(id) == Place::Token) {
            if let Err(error) = keys.remove(&id) {
                tracing::warn!(key = %id, %error, "a key of no use was left in the token");
            }
        }
    };
    // The failure that led here is what the user must see.
    let _ = tokio::task::spawn_blocking(forget).await;
}

/// The roots that clients of the HTTPS listener must trust, PEM: that of the CA in force, and of those that follow it or
/// were before it, so that none is met unprepared. Errors: `not-found`.
pub fn tls_root(hierarchy: &Hierarchy, profiles: &ProfileSet) -> Result<String> {
    let profile = profiles.require(&"signet-tls".parse()?)?;
    let named = profile.ca();
    let in_force = hierarchy.in_force(named)?;
    let others = hierarchy.next_of(named).into_iter().chain(hierarchy.former_of(named));
    let mut roots: Vec<String> = Vec::new();
    for root in std::iter::once(in_force).chain(others).filter_map(|ca| ca.chain.last()) {
        let pem = root.pem();
        if !roots.contains(&pem) {
            roots.push(pem);
        }
    }
    if roots.is_empty() { Err(Error::not_found("certificate of", named)) } else { Ok(roots.concat()) }
}

fn plan(new: &NewAuthority<'_>) -> Result<Vec<NewCa>> {
    let mut plan = default_plan(new.organization.as_deref())?;
    let of = &new.algorithms;
    for ca in &mut plan {
        ca.algorithm = match ca.id.as_str() {
            "rsa-root" => of.rsa_root,
            "rsa-issuing" => of.rsa_issuing,
            "ec-root" => of.ec_root,
            "ec-issuing" => of.ec_issuing,
            _ => ca.algorithm,
        };
        ca.place = match ca.parent {
            Parent::Itself => new.places.roots,
            Parent::Ours(_) | Parent::Offline(..) => new.places.issuing,
        };
    }
    Ok(plan)
}

/// Writes the shipped policies, unless a folder with profiles is named; either way the set must be sound.
fn policies(settings: &Given, layout: &Layout, home: &Layout) -> Result<ProfileSet> {
    let named = settings.policies.as_ref().filter(|p| **p != home.policies());
    let folder = named.cloned().unwrap_or_else(|| layout.policies());
    if !folder.join("profiles").exists() {
        ProfileSet::write_shipped(&folder)?;
        Roles::write_shipped(&folder)?;
        NoticePolicy::write_shipped(&folder)?;
    }
    NoticePolicy::load(&folder).map_err(|faults| all_faults(&faults))?;
    DeviceSet::load(&folder).map_err(|faults| all_faults(&faults))?;
    ManufacturingRoots::load(&folder).map_err(|faults| all_faults(&faults))?;
    let set = ProfileSet::load(&folder).map_err(|faults| all_faults(&faults))?;
    OfflineLists::load(&folder, &set).map_err(|faults| all_faults(&faults))?;
    Ok(set)
}
