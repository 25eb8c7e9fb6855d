//! What lies where in the data folder: names that scripts rely on.

use std::path::{Path, PathBuf};

/// A data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(PathBuf);

impl Layout {
    /// The layout of the data folder `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The data folder itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Settings, written by `init`.
    pub fn settings(&self) -> PathBuf {
        self.0.join("signet.toml")
    }

    /// The security password that `up` wrote.
    pub fn security_password(&self) -> PathBuf {
        self.0.join("security-password")
    }

    /// The administrator's API token.
    pub fn admin_token(&self) -> PathBuf {
        self.0.join("admin.token")
    }

    /// The root of the HTTPS listener's certificate, PEM.
    pub fn tls_ca(&self) -> PathBuf {
        self.0.join("tls-ca.pem")
    }

    /// The real addresses while the server runs.
    pub fn listeners(&self) -> PathBuf {
        self.0.join("listeners.json")
    }

    /// The durable store.
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The key store's folder.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Profiles and roles, unless the settings name another folder.
    pub fn policies(&self) -> PathBuf {
        self.0.join("policies")
    }

    /// Signed files for devices, a folder for each cluster.
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// The exported audit head and its public key.
    pub fn audit(&self) -> PathBuf {
        self.0.join("audit")
    }

    /// Held while a server or an `init` works on the folder.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Where `init` builds before anything shows.
    pub fn building(&self) -> PathBuf {
        self.0.join(".init")
    }

    /// Whether there is a CA: the key store is the last thing that `init` puts in place.
    pub fn is_initialised(&self) -> bool {
        self.keys().exists()
    }
}
