//! Keys made by aws-lc, encrypted at rest (argon2id, AES-256-GCM).
//!
//! `DIR/keys` (0700) holds the file `vault`, a random master key under the security password, and for each key a
//! file `<id>.key` (0600) under the master key. See `docs/decisions/keys.md`.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use self::frame::{KEY_LEN, SealingKey};
use self::key::SoftwareKey;
use self::password::Cost;
use super::sealer::{Sealer, SealingRoot};
use super::token::Note;
use super::{Decrypter, KeyStore, Signer};
use crate::error::{Error, Kind, Result};
use crate::id::KeyId;
use crate::random::Random;
use crate::x509::key::KeyAlgorithm;

pub mod archive;
mod decrypt;
mod evened;
pub(super) mod files;
mod foreign;
mod frame;
mod key;
mod key_file;
mod password;
mod pbes2;
pub mod pkcs12;
mod vault_file;

pub use self::foreign::{ForeignKey, Pkcs12};
pub(super) use self::frame::damaged;
pub use self::password::generate_password;
pub use self::pbes2::decrypt_pem;

/// A key that [`KeyStore::export`] wrote, opened into memory alone.
/// Errors: as [`decrypt_pem`]; `bad-key` for a key of a type that we do not sign with.
pub fn open_exported(pem: &str, passphrase: &str, random: &Random) -> Result<Arc<dyn Signer>> {
    Ok(Arc::new(SoftwareKey::from_pkcs8(&decrypt_pem(pem, passphrase)?, random)?))
}

/// The key store in a data folder, opened with its security password.
pub struct Vault {
    folder: PathBuf,
    random: Random,
    master: SealingKey,
    sealing: SealingRoot,
    /// Keys that were read already; held for a look only, so that a signer is found while a file is written.
    loaded: Mutex<HashMap<KeyId, Arc<SoftwareKey>>>,
    /// Held while files are read, written or removed.
    files: Mutex<()>,
}

impl Vault {
    /// Makes the key store of the data folder `dir`, which exists, under `password`.
    /// Errors: `vault-exists`; `damaged-file` if there are keys without a vault; `invalid-password`; `storage`.
    pub fn create(dir: &Path, password: &str, random: &Random) -> Result<Self> {
        Self::create_at_cost(dir, password, random, Cost::DEFAULT)
    }

    fn create_at_cost(dir: &Path, password: &str, random: &Random, cost: Cost) -> Result<Self> {
        let folder = dir.join(FOLDER);
        files::make_folder(&folder)?;
        if files::read(&folder.join(vault_file::NAME))?.is_some() {
            return Err(Error::conflict("vault-exists", "this data folder has a key store already"));
        }
        refuse_orphans(&folder)?;
        let master = Zeroizing::new(random.bytes::<KEY_LEN>()?);
        let file = vault_file::encode(&master, password, cost, random)?;
        files::write(&folder, vault_file::NAME, &file)?;
        Self::new(folder, &master, random)
    }

    /// Opens the key store of the data folder `dir`.
    /// Errors: `vault-missing`, `wrong-password`, `damaged-file` naming the file, `storage`.
    pub fn open(dir: &Path, password: &str, random: &Random) -> Result<Self> {
        let folder = dir.join(FOLDER);
        let file = read_vault(&folder)?;
        files::close_to_others(&folder)?;
        let (master, _) = vault_file::decode(&file, password)?;
        Self::new(folder, &master, random)
    }

    /// Wraps the master key under another password, atomically and at no less than today's cost; the keys' files
    /// stay as they are.
    /// Errors: `wrong-password` if `old` is not the present one; `invalid-password`; `storage`.
    pub fn change_password(&self, old: &str, new: &str) -> Result<()> {
        let _held = lock(&self.files);
        let (master, cost) = vault_file::decode(&read_vault(&self.folder)?, old)?;
        let file = vault_file::encode(&master, new, cost.at_least(Cost::DEFAULT), &self.random)?;
        files::write(&self.folder, vault_file::NAME, &file)
    }

    fn new(folder: PathBuf, master: &[u8; KEY_LEN], random: &Random) -> Result<Self> {
        let (sealing, master) = (SealingRoot::new(master), SealingKey::new(master)?);
        let (loaded, files) = (Mutex::default(), Mutex::default());
        Ok(Self { folder, random: random.clone(), master, sealing, loaded, files })
    }

    fn key(&self, id: &KeyId) -> Result<Arc<SoftwareKey>> {
        if let Some(key) = self.cached(id) {
            return Ok(key);
        }
        let _held = lock(&self.files);
        if let Some(key) = self.cached(id) {
            return Ok(key);
        }
        let key = Arc::new(self.load(id)?);
        lock(&self.loaded).insert(id.clone(), Arc::clone(&key));
        Ok(key)
    }

    fn cached(&self, id: &KeyId) -> Option<Arc<SoftwareKey>> {
        lock(&self.loaded).get(id).cloned()
    }

    fn load(&self, id: &KeyId) -> Result<SoftwareKey> {
        let Some(file) = self.read_key(id)? else { return Err(self.lacking(id)) };
        let (algorithm, pkcs8) = key_file::decode(&self.master, id, &file)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8, &self.random)?;
        if key.algorithm() != algorithm {
            return Err(damaged(&key_file::name(id), "its key is of another type than it says"));
        }
        Ok(key)
    }

    fn read_key(&self, id: &KeyId) -> Result<Option<Vec<u8>>> {
        files::read(&self.folder.join(key_file::name(id)))
    }

    fn absent(&self, id: &KeyId) -> Result<()> {
        if self.read_key(id)?.is_none() && Note::read(&self.folder, id)?.is_none() {
            return Ok(());
        }
        Err(key_exists(id))
    }

    /// Why there is no such key here: it may lie in a token that the settings do not name.
    fn lacking(&self, id: &KeyId) -> Error {
        match Note::read(&self.folder, id) {
            Ok(None) => not_present(id),
            Ok(Some(note)) => note.needs_settings(id),
            Err(error) => error,
        }
    }

    /// The folder of the keys.
    #[cfg(feature = "pkcs11")]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn store(&self, id: &KeyId, pkcs8: &[u8]) -> Result<Arc<dyn Signer>> {
        let key = Arc::new(SoftwareKey::from_pkcs8(pkcs8, &self.random)?);
        // In our own encoding, whatever came in.
        let pkcs8 = key.to_pkcs8()?;
        let file = key_file::encode(&self.master, id, key.algorithm(), &pkcs8, &self.random)?;
        let _held = lock(&self.files);
        self.absent(id)?;
        files::write(&self.folder, &key_file::name(id), &file)?;
        lock(&self.loaded).insert(id.clone(), Arc::clone(&key));
        Ok(key)
    }
}

impl KeyStore for Vault {
    fn generate(&self, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        self.absent(id)?;
        self.store(id, &key::generate(algorithm)?)
    }

    fn signer(&self, id: &KeyId) -> Result<Arc<dyn Signer>> {
        Ok(self.key(id)?)
    }

    fn decrypter(&self, id: &KeyId) -> Result<Arc<dyn Decrypter>> {
        match self.key(id)?.decrypter() {
            Some(decrypter) => Ok(decrypter),
            None => Err(Error::invalid("key-not-rsa", format!("the key {id} is not RSA: it cannot decrypt"))),
        }
    }

    fn export(&self, id: &KeyId, passphrase: &str) -> Result<Zeroizing<String>> {
        pbes2::encrypt_pem(&self.key(id)?.to_pkcs8()?, passphrase, &self.random)
    }

    fn import(&self, id: &KeyId, pkcs8: &[u8]) -> Result<Arc<dyn Signer>> {
        self.absent(id)?;
        self.store(id, pkcs8)
    }

    fn remove(&self, id: &KeyId) -> Result<()> {
        let _held = lock(&self.files);
        if self.read_key(id)?.is_none() {
            return Err(not_present(id));
        }
        lock(&self.loaded).remove(id);
        files::erase(&self.folder, &key_file::name(id))
    }

    fn list(&self) -> Result<Vec<KeyId>> {
        // A file whose name is no key's was not written by us.
        let names = files::names(&self.folder, key_file::SUFFIX)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn tls_key(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>> {
        self.key(id)?.to_pkcs8()
    }

    fn sealer(&self, purpose: &str) -> Result<Sealer> {
        self.sealing.sealer(purpose, &self.random)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The folder of the keys within the data folder.
const FOLDER: &str = "keys";

fn read_vault(folder: &Path) -> Result<Vec<u8>> {
    if let Some(file) = files::read(&folder.join(vault_file::NAME))? {
        return Ok(file);
    }
    if folder.is_dir() {
        refuse_orphans(folder)?;
    }
    Err(Error::new(Kind::NotFound, "vault-missing", "this data folder has no key store"))
}

/// Keys without a vault cannot be opened: a new vault would only hide that.
fn refuse_orphans(folder: &Path) -> Result<()> {
    if files::names(folder, key_file::SUFFIX)?.is_empty() {
        return Ok(());
    }
    Err(damaged(vault_file::NAME, "it is missing while there are keys"))
}

/// A name is given once.
pub(super) fn key_exists(id: &KeyId) -> Error {
    Error::conflict("key-exists", format!("there is a key {id} already"))
}

fn not_present(id: &KeyId) -> Error {
    Error::new(Kind::NotFound, "key-not-present", format!("the private key {id} is not present"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
