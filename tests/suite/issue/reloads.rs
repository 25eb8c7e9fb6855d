//! Two readings of the CAs at the same time: the later one stays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use signet::ca::Authority;
use signet::ca::records::CaRecord;
use signet::error::Result;
use signet::id::KeyId;
use signet::keys::{Decrypter, KeyStore, Sealer, Signer};
use signet::store::Unit;
use signet::x509::key::KeyAlgorithm;
use zeroize::Zeroizing;

use super::fixture::{Fixture, ca};

/// A key store whose next reading of a signer can be held.
struct Held {
    keys: Arc<dyn KeyStore>,
    holds: AtomicBool,
    entered: Sender<()>,
    released: Mutex<Receiver<()>>,
}

impl KeyStore for Held {
    fn signer(&self, id: &KeyId) -> Result<Arc<dyn Signer>> {
        if self.holds.swap(false, Ordering::SeqCst) {
            self.entered.send(()).unwrap();
            self.released.lock().unwrap().recv().unwrap();
        }
        self.keys.signer(id)
    }
    fn generate(&self, id: &KeyId, algorithm: KeyAlgorithm) -> Result<Arc<dyn Signer>> {
        self.keys.generate(id, algorithm)
    }
    fn decrypter(&self, id: &KeyId) -> Result<Arc<dyn Decrypter>> {
        self.keys.decrypter(id)
    }
    fn export(&self, id: &KeyId, passphrase: &str) -> Result<Zeroizing<String>> {
        self.keys.export(id, passphrase)
    }
    fn import(&self, id: &KeyId, pkcs8: &[u8]) -> Result<Arc<dyn Signer>> {
        self.keys.import(id, pkcs8)
    }
    fn remove(&self, id: &KeyId) -> Result<()> {
        self.keys.remove(id)
    }
    fn list(&self) -> Result<Vec<KeyId>> {
        self.keys.list()
    }
    fn tls_key(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>> {
        self.keys.tls_key(id)
    }
    fn sealer(&self, purpose: &str) -> Result<Sealer> {
        self.keys.sealer(purpose)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_older_reading_never_replaces_a_newer_one() {
    let fixture = Fixture::ec().await;
    let shared = &fixture.authority;
    let ((entered, has_entered), (release, released)) = (channel(), channel());
    let keys = Arc::clone(&shared.keys);
    let keys =
        Arc::new(Held { keys, holds: AtomicBool::new(false), entered, released: Mutex::new(released) });
    let (db, clock, random) = (shared.db.clone(), shared.clock.clone(), shared.random.clone());
    let authority = Authority::load(
        db,
        clock,
        random,
        shared.pool.clone(),
        Arc::clone(&keys) as Arc<dyn KeyStore>,
        shared.public_url.clone(),
    );
    let authority = Arc::new(authority.await.unwrap());
    let reload = || {
        let authority = Arc::clone(&authority);
        tokio::spawn(async move { authority.reload().await })
    };
    keys.holds.store(true, Ordering::SeqCst);
    let older = reload();
    tokio::task::spawn_blocking(move || has_entered.recv().unwrap()).await.unwrap();

    let root = CaRecord::key_of(&ca("ec-root"));
    let stored = authority.db.require::<CaRecord>(&root, "ec-root").await.unwrap();
    let mut unit = Unit::new();
    let exported = CaRecord { key_exported: Some(fixture.now()), ..stored.value };
    unit.replace(&exported, stored.revision).unwrap();
    authority.db.commit(unit).await.unwrap();
    let mut newer = reload();
    // Without the lock the newer one ends here, and the older one overwrites it below.
    let _ = tokio::time::timeout(Duration::from_millis(300), &mut newer).await;
    release.send(()).unwrap();
    older.await.unwrap().unwrap();
    if !newer.is_finished() {
        newer.await.unwrap().unwrap();
    }
    let hierarchy = authority.hierarchy();
    assert!(hierarchy.require(&ca("ec-root")).unwrap().record.key_exported.is_some());
}
