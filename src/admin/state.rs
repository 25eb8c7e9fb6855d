//! What the API needs, shared by all handlers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use metrics_exporter_prometheus::PrometheusHandle;

use crate::admin::api::Looks;
use crate::admin::api::audit::{SignedHead, Verified};
use crate::admin::api::backups::BackupMade;
use crate::admin::api::check::Checked;
use crate::admin::refusals::Refusals;
use crate::admin::roles::Roles;
use crate::admin::tokens;
use crate::clock::Timestamp;
use crate::device::fetch::Depot;
use crate::device::report::Reports;
use crate::enrol::Desk;
use crate::enrol::scep_ra::RaSource;
use crate::error::{Error, Result};
use crate::notice::Notices;
use crate::notice::policy::NoticePolicy;
use crate::trust::identity::OwnIdentities;

/// Looks into the store as a whole. Blocking: called on threads for that.
pub trait Inspector: Send + Sync {
    /// Verifies the audit log, against a head that was kept elsewhere if there is one.
    fn verify(&self, head: Option<SignedHead>) -> Result<Verified>;
    /// Proves records, indexes and serial numbers consistent.
    fn check(&self) -> Result<Checked>;
    /// The last signed head. Errors: `not-found` before there is one.
    fn head(&self) -> Result<SignedHead>;
    /// Why the audit log is not the continuation of the last exported head, if it is not.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// Makes backups of everything. Blocking: called on threads for that.
pub trait Backups: Send + Sync {
    /// Writes one, as of one instant, into `out`; it returns once all was written. Errors: `storage`, `too-large`.
    fn write(&self, out: &mut dyn std::io::Write) -> Result<BackupMade>;
}

/// Makes what other policies need: the registration authority of a CA that a new SCEP profile names.
#[async_trait::async_trait]
pub trait AfterReload: Send + Sync {
    /// Returns when it is done, or failed and was logged.
    async fn after_reload(&self);
}

/// One of Signet's own certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// What it is for, as `tls` or `ra-rsa-issuing`.
    pub identity: String,
    /// The first moment of its validity.
    pub not_before: Timestamp,
    /// The last one.
    pub not_after: Timestamp,
    /// How it stands in phones' lists, if it is for those: then it is not renewed by itself.
    pub listing: Option<Listing>,
}

/// How a certificate of our own stands in phones' lists. Both are sentences for people that say what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Whose phones refuse it.
    pub fault: Option<String>,
    /// What an operator is waited for with.
    pub waits: Option<String>,
}

/// Who knows Signet's own certificates.
pub trait OwnCertificates: Send + Sync {
    /// Those that are held and renewed.
    fn own(&self) -> Vec<OwnCertificate>;
}

/// A listener that health tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerState {
    /// Its name, as `capf`.
    pub name: &'static str,
    /// Why it serves nobody, if it does not.
    pub fault: Option<String>,
    /// What an operator should know although it serves.
    pub warning: Option<&'static str>,
    /// Where it is, and how many are connected.
    pub detail: String,
}

/// Who knows the listeners that do not speak HTTP.
pub trait Listeners: Send + Sync {
    /// Those that are on.
    fn listeners(&self) -> Vec<ListenerState>;
}

/// How the configuration files of a cluster stand that are signed whenever they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderState {
    /// The cluster; empty where the folder as a whole cannot be read.
    pub cluster: String,
    /// Why nothing of it is signed, if nothing is.
    pub fault: Option<String>,
    /// How many files stand signed.
    pub signed: usize,
    /// How many are new or changed and not signed yet: somebody may still write them.
    pub unsettled: usize,
    /// How many cannot be signed.
    pub refused: usize,
    /// The first of these, and why.
    pub first: Option<String>,
}

/// Who signs configuration files whenever they change.
pub trait SignedFolders: Send + Sync {
    /// The folders of all clusters.
    fn folders(&self) -> Vec<FolderState>;
}

/// What the server gives.
pub struct Parts {
    /// Decides and issues.
    pub desk: Arc<Desk>,
    /// The policies folder.
    pub policies: PathBuf,
    /// Looks into the store.
    pub inspector: Arc<dyn Inspector>,
    /// Whether everything serves.
    pub ready: Arc<AtomicBool>,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Called when other policies are in force.
    pub after_reload: Arc<dyn AfterReload>,
}

/// What the API needs.
pub struct State {
    /// Decides and issues.
    pub desk: Arc<Desk>,
    /// The policies folder.
    pub policies: PathBuf,
    /// Looks into the store.
    pub inspector: Arc<dyn Inspector>,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Notices before certificates expire.
    pub notices: Arc<Notices>,
    /// The last report of all devices.
    pub(super) device_reports: Reports,
    pub(super) tokens: tokens::Cache,
    /// Which refusals are written to the audit log.
    pub(super) refusals: Refusals,
    /// Long looks into the store.
    pub(super) looks: Looks,
    /// One backup at a time.
    pub(super) backing_up: Arc<tokio::sync::Semaphore>,
    /// Makes backups, if anything does.
    pub(super) backups: Option<Arc<dyn Backups>>,
    /// One reload of the policies at a time.
    pub(super) reloading: tokio::sync::Mutex<()>,
    pub(super) after_reload: Arc<dyn AfterReload>,
    ready: Arc<AtomicBool>,
    roles: RwLock<Arc<Roles>>,
    ra: Option<Arc<dyn RaSource>>,
    own: Option<Arc<dyn OwnCertificates>>,
    listeners: Option<Arc<dyn Listeners>>,
    identities: Option<Arc<dyn OwnIdentities>>,
    depot: Option<Arc<Depot>>,
    folders: Option<Arc<dyn SignedFolders>>,
}

impl State {
    /// Puts the parts together and reads the roles and when notices are given. Errors: `bad-roles`, `bad-notices`.
    pub fn load(parts: Parts) -> Result<Self> {
        let roles = Roles::load(&parts.policies)?;
        let notices = NoticePolicy::load(&parts.policies).map_err(|faults| all(&faults))?;
        let notices = Arc::new(Notices::new(parts.desk.authority.clone(), notices));
        Ok(Self {
            tokens: tokens::Cache::new(&parts.desk.authority.db),
            device_reports: Reports::default(),
            desk: parts.desk,
            policies: parts.policies,
            inspector: parts.inspector,
            metrics: parts.metrics,
            notices,
            ready: parts.ready,
            refusals: Refusals::default(),
            looks: Looks::default(),
            backing_up: Arc::new(tokio::sync::Semaphore::new(1)),
            backups: None,
            reloading: tokio::sync::Mutex::default(),
            after_reload: parts.after_reload,
            roles: RwLock::new(Arc::new(roles)),
            ra: None,
            own: None,
            listeners: None,
            identities: None,
            depot: None,
            folders: None,
        })
    }

    /// The same, with what opens the SCEP messages that are tried again.
    #[must_use]
    pub fn with_ra(self, ra: Arc<dyn RaSource>) -> Self {
        Self { ra: Some(ra), ..self }
    }

    /// The same, with who knows Signet's own certificates.
    #[must_use]
    pub fn with_own(self, own: Arc<dyn OwnCertificates>) -> Self {
        Self { own: Some(own), ..self }
    }

    /// The same, with what devices fetch and tell.
    #[must_use]
    pub fn with_depot(self, depot: Arc<Depot>) -> Self {
        Self { depot: Some(depot), ..self }
    }

    /// What devices fetch and tell. Errors: `no-files-here` where nothing serves them.
    pub fn depot(&self) -> Result<&Depot> {
        let missing = || Error::conflict("no-files-here", "this service gives devices no lists or files");
        self.depot.as_deref().ok_or_else(missing)
    }

    /// The same, with who makes the identities that stand in phones' lists.
    #[must_use]
    pub fn with_identities(self, identities: Arc<dyn OwnIdentities>) -> Self {
        Self { identities: Some(identities), ..self }
    }

    /// Who makes the identities that stand in phones' lists. Errors: `identity-not-here` where nobody does.
    pub fn identities(&self) -> Result<&dyn OwnIdentities> {
        self.identities.as_deref().ok_or_else(|| {
            Error::conflict(
                "identity-not-here",
                "this service holds no identities of its own for phones' lists",
            )
        })
    }

    /// Signet's own certificates, as far as they are known.
    pub fn own_certificates(&self) -> Vec<OwnCertificate> {
        self.own.as_ref().map(|own| own.own()).unwrap_or_default()
    }

    /// The same, with who knows the listeners that do not speak HTTP.
    #[must_use]
    pub fn with_listeners(self, listeners: Arc<dyn Listeners>) -> Self {
        Self { listeners: Some(listeners), ..self }
    }

    /// The listeners that do not speak HTTP.
    pub fn listeners(&self) -> Vec<ListenerState> {
        self.listeners.as_ref().map(|all| all.listeners()).unwrap_or_default()
    }

    /// The same, with who signs configuration files whenever they change.
    #[must_use]
    pub fn with_folders(self, folders: Arc<dyn SignedFolders>) -> Self {
        Self { folders: Some(folders), ..self }
    }

    /// The folders of configuration files that are signed whenever they change.
    pub fn folders(&self) -> Vec<FolderState> {
        self.folders.as_ref().map(|all| all.folders()).unwrap_or_default()
    }

    /// The same, with what makes backups.
    #[must_use]
    pub fn with_backups(self, backups: Arc<dyn Backups>) -> Self {
        Self { backups: Some(backups), ..self }
    }

    /// What opens SCEP messages, if there is any.
    pub fn ra(&self) -> Option<&dyn RaSource> {
        self.ra.as_deref()
    }

    /// The roles in force.
    pub fn roles(&self) -> Arc<Roles> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other roles in force.
    pub fn swap_roles(&self, roles: Roles) {
        *self.roles.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roles);
    }

    /// Whether everything serves.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.desk.authority.clock.now()
    }
}

/// Every fault in one error, a line each.
fn all(faults: &[Error]) -> Error {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    Error::invalid("bad-notices", format!("the policy of notices has faults:{}", lines.concat()))
}
