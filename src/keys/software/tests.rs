//! The vault as its users see it: files, passwords, damage, signatures judged by others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::keys::generate_on_thread;

mod damage;
mod envelopes;
mod export;
mod signatures;

const PASSWORD: &str = "correct horse battery staple";
const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

fn vault() -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create_at_cost(dir.path(), PASSWORD, &Random::system(), CHEAP).unwrap();
    (dir, vault)
}

fn open(dir: &Path, password: &str) -> Result<Vault> {
    Vault::open(dir, password, &Random::system())
}

fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_key_is_the_same_after_reopening() {
    let (dir, vault) = vault();
    let made = vault.generate(&id("ca-ec"), KeyAlgorithm::P384).unwrap();
    drop(vault);
    let vault = open(dir.path(), PASSWORD).unwrap();
    fs::write(dir.path().join("keys/Not A Name.key"), "stray").unwrap();
    assert_eq!(vault.list().unwrap(), [id("ca-ec")]);
    let found = vault.signer(&id("ca-ec")).unwrap();
    assert_eq!(found.public_key().spki(), made.public_key().spki());
    assert!(Arc::ptr_eq(&found, &vault.signer(&id("ca-ec")).unwrap()), "loaded once");
}

#[test]
fn folder_and_files_are_for_their_owner_alone() {
    let (dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    vault.change_password(PASSWORD, "another").unwrap();
    let folder = dir.path().join("keys");
    assert_eq!(mode(&folder), 0o700);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
    for path in names {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn a_folder_that_was_opened_to_others_is_closed_again() {
    let (dir, vault) = vault();
    drop(vault);
    let folder = dir.path().join("keys");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    open(dir.path(), PASSWORD).unwrap();
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn a_vault_is_never_made_over_another_nor_over_keys_without_one() {
    let (dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    let again = || Vault::create_at_cost(dir.path(), "other", &Random::system(), CHEAP).unwrap_err();
    assert_eq!(again().code(), "vault-exists");
    fs::remove_file(dir.path().join("keys/vault")).unwrap();
    assert_eq!(again().code(), "damaged-file");
    assert_eq!(open(dir.path(), PASSWORD).unwrap_err().code(), "damaged-file");
    fs::remove_file(dir.path().join("keys/k.key")).unwrap();
    assert_eq!(open(dir.path(), PASSWORD).unwrap_err().code(), "vault-missing");
}

#[test]
fn a_password_is_changed_by_who_knows_the_old_one() {
    let (dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    assert_eq!(vault.change_password("guess", "new").unwrap_err().code(), "wrong-password");
    assert_eq!(vault.change_password(PASSWORD, "").unwrap_err().code(), "invalid-password");
    vault.change_password(PASSWORD, "new password").unwrap();
    let file = fs::read(dir.path().join("keys/vault")).unwrap();
    assert_eq!(
        vault_file::decode(&file, "new password").unwrap().1,
        Cost::DEFAULT,
        "cost rises with the times"
    );
    let error = open(dir.path(), PASSWORD).unwrap_err();
    assert_eq!(error.code(), "wrong-password");
    assert_eq!(error.detail(), "the security password is not the one that this data folder was made with");
    open(dir.path(), "new password").unwrap().signer(&id("k")).unwrap();
}

#[test]
fn a_name_is_given_once() {
    let (_dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    let other = vault.generate(&id("other"), KeyAlgorithm::P256).unwrap();
    let der = vault.tls_key(&id("other")).unwrap();
    assert_eq!(vault.generate(&id("k"), KeyAlgorithm::P256).unwrap_err().code(), "key-exists");
    assert_eq!(vault.import(&id("k"), &der).unwrap_err().code(), "key-exists");
    assert_ne!(vault.signer(&id("k")).unwrap().public_key().spki(), other.public_key().spki());
}

#[test]
fn a_removed_key_is_gone_from_memory_and_disk_and_may_come_back() {
    let (dir, vault) = vault();
    let key = id("root");
    vault.generate(&key, KeyAlgorithm::P256).unwrap();
    let der = vault.tls_key(&key).unwrap();
    let file = dir.path().join("keys/root.key");
    // A second name for the same bytes on the disk: shows what becomes of them.
    let witness = dir.path().join("witness");
    fs::hard_link(&file, &witness).unwrap();

    vault.remove(&key).unwrap();
    assert!(!file.exists());
    assert!(fs::read(&witness).unwrap().iter().all(|b| *b == 0), "overwritten before it was unlinked");
    for gone in [
        vault.signer(&key).map(drop),
        vault.decrypter(&key).map(drop),
        vault.export(&key, "a passphrase").map(drop),
        vault.tls_key(&key).map(drop),
        vault.remove(&key),
    ] {
        assert_eq!(gone.unwrap_err().code(), "key-not-present");
    }
    assert!(vault.list().unwrap().is_empty());
    vault.import(&key, &der).unwrap();
    assert_eq!(*vault.tls_key(&key).unwrap(), *der);
}

#[test]
fn what_is_no_key_is_not_imported() {
    let (_dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    let good = vault.tls_key(&id("k")).unwrap();
    let ed25519 =
        [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[7; 32]].concat();
    let mut foreign = good.to_vec();
    // prime239v3 (X9.62) for P-256.
    let at = foreign.windows(8).position(|w| w == [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]).unwrap();
    foreign[at + 7] = 6;
    for bad in [&[][..], b"-----BEGIN PRIVATE KEY-----", &good[..good.len() - 1], &ed25519, &foreign] {
        assert_eq!(vault.import(&id("bad"), bad).unwrap_err().code(), "bad-key");
    }
    assert_eq!(vault.list().unwrap(), [id("k")]);
}

#[test]
fn nothing_secret_is_printed() {
    let (_dir, vault) = vault();
    let signer = vault.generate(&id("k"), KeyAlgorithm::Rsa2048).unwrap();
    let decrypter = vault.decrypter(&id("k")).unwrap();
    assert_eq!(format!("{signer:?}"), "SoftwareKey(rsa-2048)");
    assert_eq!(format!("{decrypter:?}"), "RsaDecrypter");
    let text = format!("{vault:?}");
    assert!(text.starts_with("Vault { folder: ") && text.ends_with("keys\", .. }"), "{text}");
}

#[test]
fn the_private_key_does_not_stand_readable_in_its_file() {
    let (dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    let der = vault.tls_key(&id("k")).unwrap();
    let file = fs::read(dir.path().join("keys/k.key")).unwrap();
    assert!(der.windows(8).all(|secret| !file.windows(8).any(|w| w == secret)));
}

#[tokio::test]
async fn a_key_is_made_while_the_service_goes_on() {
    let (_dir, vault) = vault();
    let store: Arc<dyn KeyStore> = Arc::new(vault);
    let making = generate_on_thread(Arc::clone(&store), id("slow"), KeyAlgorithm::Rsa3072);
    // On this single-threaded runtime the other branch runs only if making the key does not hold it.
    let (made, others) = tokio::join!(making, async {
        tokio::task::yield_now().await;
        store.list().unwrap().len()
    });
    assert_eq!(others, 0);
    assert_eq!(made.unwrap().default_digest(), crate::x509::key::Digest::Sha256);
    let again = generate_on_thread(store, id("slow"), KeyAlgorithm::P256).await;
    assert_eq!(again.unwrap_err().code(), "key-exists");
}
