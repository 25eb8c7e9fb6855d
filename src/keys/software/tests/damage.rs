//! Damage is told apart from a wrong password, and its file is named.

use super::*;

/// Calls `look` after each single-byte change of the file.
fn with_each_byte_changed(path: &Path, mut look: impl FnMut(usize)) {
    let good = fs::read(path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(path, &bad).unwrap();
        look(at);
    }
    for len in 0..good.len() {
        fs::write(path, &good[..len]).unwrap();
        look(len);
    }
    fs::write(path, [good.as_slice(), b"x"].concat()).unwrap();
    look(good.len());
    fs::write(path, &good).unwrap();
}

#[test]
fn every_changed_byte_of_the_vault_is_damage_and_no_wrong_password() {
    let (dir, vault) = vault();
    drop(vault);
    with_each_byte_changed(&dir.path().join("keys/vault"), |at| {
        let error = open(dir.path(), PASSWORD).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Storage, "damaged-file"), "byte {at}");
        assert!(error.detail().contains("keys/vault"), "{error}");
    });
    assert_eq!(open(dir.path(), "wrong").unwrap_err().code(), "wrong-password");
    open(dir.path(), PASSWORD).unwrap();
}

#[test]
fn every_changed_byte_of_a_key_is_damage_and_names_its_file() {
    let (dir, vault) = vault();
    vault.generate(&id("ca-ec"), KeyAlgorithm::P256).unwrap();
    drop(vault);
    with_each_byte_changed(&dir.path().join("keys/ca-ec.key"), |at| {
        let error = open(dir.path(), PASSWORD).unwrap().signer(&id("ca-ec")).unwrap_err();
        assert_eq!(error.code(), "damaged-file", "byte {at}");
        assert!(error.detail().contains("keys/ca-ec.key"), "{error}");
    });
    open(dir.path(), PASSWORD).unwrap().signer(&id("ca-ec")).unwrap();
}

/// What one gets who changes a file and knows to repair its digest.
fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut file = fs::read(path).unwrap();
    file.truncate(file.len() - 32);
    change(&mut file);
    let digest = Sha256::digest(&file);
    file.extend_from_slice(&digest);
    fs::write(path, file).unwrap();
}

#[test]
fn a_vault_cannot_ask_for_endless_memory_or_time() {
    let (dir, vault) = vault();
    drop(vault);
    let path = dir.path().join("keys/vault");
    let good = fs::read(&path).unwrap();
    for (at, number) in [(9, 1024 * 1024 + 1), (9, u32::MAX), (13, 21), (17, 17), (9, 0), (13, 0), (17, 0)] {
        rewrite(&path, |file| file[at..at + 4].copy_from_slice(&number.to_be_bytes()));
        let error = open(dir.path(), PASSWORD).unwrap_err();
        assert_eq!(error.code(), "damaged-file");
        assert!(error.detail().contains("argon2"), "{error}");
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn a_key_opens_under_its_own_name_and_type_and_vault_only() {
    let (dir, vault) = vault();
    vault.generate(&id("one"), KeyAlgorithm::P256).unwrap();
    drop(vault);
    let folder = dir.path().join("keys");
    fs::copy(folder.join("one.key"), folder.join("two.key")).unwrap();
    let refused = |name: &str| {
        let error = open(dir.path(), PASSWORD).unwrap().signer(&id(name)).unwrap_err();
        assert_eq!(error.code(), "damaged-file");
    };
    refused("two");
    rewrite(&folder.join("two.key"), |file| file[9..12].copy_from_slice(b"two"));
    refused("two");
    rewrite(&folder.join("one.key"), |file| file[7] = 5);
    refused("one");

    let (other_dir, other) = super::vault();
    other.generate(&id("three"), KeyAlgorithm::P256).unwrap();
    fs::copy(other_dir.path().join("keys/three.key"), folder.join("three.key")).unwrap();
    refused("three");
}
