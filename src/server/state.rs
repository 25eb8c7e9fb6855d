//! Everything that serving needs, opened in order: keys, store, CAs, profiles, desk, API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::admin;
use crate::ca::Authority;
use crate::ca::ocsp::Ocsp;
use crate::ca::profile::ProfileSet;
use crate::clock::Clock;
use crate::enrol::capf::proof::ManufacturingRoots;
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::refused::device::DeviceSet;
use crate::enrol::throttle::Throttle;
use crate::enrol::{Desk, Profiles};
use crate::error::{Error, Result};
use crate::keys::KeyStore;
use crate::keys::pool::Pool;
use crate::keys::software::Vault;
use crate::keys::token::with_token;
use crate::random::Random;
use crate::server::backup::{Backups, Source};
use crate::server::capf::Board;
use crate::server::heads::Heads;
use crate::server::identity::Identities;
use crate::server::inspector::StoreInspector;
use crate::server::layout::Layout;
use crate::server::observed::Observed;
use crate::server::phones::Phones;
use crate::server::settings::Given;
use crate::server::signing::Signing;
use crate::server::tasks;
use crate::server::token;
use crate::storage;
use crate::store::Db;
use crate::task::Runner;
use crate::x509::san::San;

/// Jobs that may wait for a signing thread; more are answered with "busy".
const QUEUE: usize = 1024;

/// What opening needs.
pub struct Opening<'a> {
    /// The data folder.
    pub layout: &'a Layout,
    /// The settings in force.
    pub settings: &'a Given,
    /// The prefix of CDP and AIA.
    pub public_url: String,
    /// The names of the TLS certificate.
    pub tls_names: Vec<San>,
    /// The security password.
    pub password: &'a str,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Everything that serving needs.
pub struct State {
    /// Decides and issues.
    pub desk: Arc<Desk>,
    /// The API's own state.
    pub admin: Arc<admin::State>,
    /// Signet's own certificates.
    pub identities: Arc<Identities>,
    /// The listeners that do not speak HTTP.
    pub listeners: Arc<Board>,
    /// Serves phones their lists and files, and answers TVS.
    pub phones: Phones,
    /// Signs configuration files whenever they change.
    pub signing: Arc<Signing>,
    /// Says which certificates were revoked.
    pub ocsp: Arc<Ocsp>,
    /// Signs the audit log's heads.
    pub heads: Heads,
    /// Runs scheduled work.
    pub tasks: Arc<Runner>,
    /// The metrics.
    pub metrics: PrometheusHandle,
    ready: Arc<AtomicBool>,
}

impl State {
    /// Opens everything. Errors: `wrong-password`, `damaged-file`, `store-…`, `bad-profiles` with every
    /// fault, `bad-roles`.
    pub async fn open(opening: Opening<'_>) -> Result<Self> {
        let Opening { layout, settings, public_url, tls_names, password, clock, random } = opening;
        let vault = Vault::open(layout.dir(), password, &random)?;
        let archivist = vault.archivist();
        let keys = open_keys(vault, settings, &random).await?;
        let engine = settings.store.as_deref().map(str::parse).transpose()?;
        let db = Db::new(Arc::new(Observed(storage::open(layout.dir(), engine)?)));
        let pool = Pool::per_core(QUEUE);
        let policies = settings.policies(layout);
        let profiles = ProfileSet::load(&policies).map_err(|faults| all_faults(&faults))?;
        let devices = DeviceSet::load(&policies).map_err(|faults| all_faults(&faults))?;
        let roots = ManufacturingRoots::load(&policies).map_err(|faults| all_faults(&faults))?;
        let lists = OfflineLists::load(&policies, &profiles).map_err(|faults| all_faults(&faults))?;
        let heads = Heads::open(db.clone(), pool.clone(), &*keys, &layout.audit())?;
        let authority = Authority::load(db.clone(), clock, random, pool, keys, public_url).await?;
        hold(&profiles, &authority)?;
        let desk = Arc::new(Desk {
            authority: Arc::new(authority),
            profiles: Arc::new(Profiles::new(profiles)),
            throttle: Throttle::default(),
        });
        desk.profiles.swap_devices(devices);
        desk.profiles.swap_manufacturing_roots(roots);
        desk.profiles.swap_offline_lists(lists);
        let ready = Arc::new(AtomicBool::new(false));
        let metrics = start_metrics();
        let identities = Identities::new(desk.clone(), tls_names).exporting(layout.tls_ca());
        let identities = Arc::new(match settings.capf_profile()? {
            Some(profile) => identities.with_capf(profile),
            None => identities,
        });
        let listeners = Arc::<Board>::default();
        let phones = Phones::new(desk.authority.clone(), identities.clone(), settings, layout);
        let signing = Signing::new(desk.authority.clone(), settings.sign_from.clone(), layout.files());
        let signing = Arc::new(signing);
        let source = Source { db: db.clone(), archivist, layout: layout.clone(), policies: policies.clone() };
        let admin = admin::State::load(admin::Parts {
            desk: desk.clone(),
            policies,
            inspector: Arc::new(StoreInspector::new(db, heads.public_key()).with_fault(heads.fault())),
            ready: ready.clone(),
            metrics: metrics.clone(),
            after_reload: identities.clone(),
        })?
        .with_ra(identities.clone())
        .with_own(identities.clone())
        .with_listeners(listeners.clone())
        .with_identities(identities.clone())
        .with_depot(Arc::clone(&phones.depot))
        .with_folders(signing.clone())
        .with_backups(Arc::new(Backups::new(source, desk.authority.clock.clone())));
        let ocsp = Ocsp::new(desk.authority.clone(), identities.clone());
        let ocsp = Arc::new(ocsp.with_limit(settings.ocsp_signatures_per_address));
        let (db, clock) = (desk.authority.db.clone(), desk.authority.clock.clone());
        let tasks = Runner::new(db, clock, tasks::handlers(&desk, &admin.notices));
        let admin = Arc::new(admin);
        Ok(Self { desk, admin, identities, listeners, phones, signing, ocsp, heads, tasks, metrics, ready })
    }

    /// Says whether everything serves.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// On a thread that may wait: the token is asked whether it is there.
async fn open_keys(vault: Vault, settings: &Given, random: &Random) -> Result<Arc<dyn KeyStore>> {
    let (named, random) = (token::settings(settings)?, random.clone());
    let opened = tokio::task::spawn_blocking(move || with_token(vault, named, &random));
    opened.await.unwrap_or_else(|e| Err(Error::internal("opening the keys").because(e)))
}

/// Holds the profiles against the CAs. A CA that is too old for a profile by now is told, not refused: it must go on
/// signing its CRL.
fn hold(profiles: &ProfileSet, authority: &Authority) -> Result<()> {
    let hierarchy = authority.hierarchy();
    profiles.validate_at_start(&hierarchy).map_err(|faults| all_faults(&faults))?;
    for fault in profiles.validate_under(&hierarchy, authority.clock.now()).err().unwrap_or_default() {
        tracing::warn!(code = fault.code(), %fault, "certificates are cut to what remains of their CA");
    }
    Ok(())
}

/// Every fault in one error, a line each.
pub fn all_faults(faults: &[Error]) -> Error {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    Error::invalid("bad-profiles", format!("the policies have faults:{}", lines.concat()))
}

/// The process's recorder; a second server in one process (a test) has a handle of its own.
fn start_metrics() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _ = metrics::set_global_recorder(recorder);
    handle
}
