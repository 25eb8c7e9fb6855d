//! Exported keys, opened by openssl and by ourselves.

use std::process::{Command, Stdio};

use super::*;

const PASSPHRASE: &str = "a passphrase of some length";

fn openssl(args: &[&str]) -> std::process::Output {
    Command::new("openssl").args(args).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn openssl_opens_an_exported_key_with_its_passphrase_only() {
    let (dir, vault) = vault();
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521] {
        let key = id(algorithm.as_str());
        let signer = vault.generate(&key, algorithm).unwrap();
        let pem = dir.path().join("exported.pem");
        fs::write(&pem, vault.export(&key, PASSPHRASE).unwrap().as_bytes()).unwrap();
        let pem = pem.to_str().unwrap();
        let public = ["pkey", "-in", pem, "-pubout", "-outform", "DER", "-passin"];
        let opened = openssl(&[&public[..], &[&format!("pass:{PASSPHRASE}")]].concat());
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        assert_eq!(opened.stdout, signer.public_key().spki());
        assert!(!openssl(&[&public[..], &["pass:something else"]].concat()).status.success());
    }
}

#[test]
fn an_exported_key_comes_back() {
    let (_dir, vault) = vault();
    let made = vault.generate(&id("root"), KeyAlgorithm::P384).unwrap();
    let pem = vault.export(&id("root"), PASSPHRASE).unwrap();
    vault.remove(&id("root")).unwrap();
    assert_eq!(decrypt_pem(&pem, "another passphrase").unwrap_err().code(), "wrong-passphrase");
    let back = vault.import(&id("root"), &decrypt_pem(&pem, PASSPHRASE).unwrap()).unwrap();
    assert_eq!(back.public_key().spki(), made.public_key().spki());
}

#[test]
fn keys_that_openssl_encrypted_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (plain, pem) = (dir.path().join("plain.pem"), dir.path().join("sealed.pem"));
    let (plain, pem) = (plain.to_str().unwrap(), pem.to_str().unwrap());
    let made =
        openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", plain]);
    assert!(made.status.success());
    let convert = |more: &[&str]| {
        let pass = format!("pass:{PASSPHRASE}");
        let args = ["pkcs8", "-topk8", "-in", plain, "-out", pem, "-passout", &pass];
        assert!(openssl(&[&args[..], more].concat()).status.success(), "{more:?}");
        decrypt_pem(&fs::read_to_string(pem).unwrap(), PASSPHRASE)
    };
    for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc"] {
        for prf in ["hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"] {
            let der = convert(&["-v2", cipher, "-v2prf", prf]).unwrap();
            let (_dir, vault) = vault();
            vault.import(&id("k"), &der).unwrap();
        }
    }
    for refused in [&["-scrypt"][..], &["-v2", "des3"], &["-v1", "PBE-SHA1-3DES"]] {
        assert_eq!(convert(refused).unwrap_err().code(), "bad-key");
    }
    // ADMINJSON-48: the cost is bounded before it is paid.
    let dear = convert(&["-v2", "aes-256-cbc", "-iter", "10000001"]).unwrap_err();
    assert!(dear.detail().contains("rounds"), "{dear}");
    let open = fs::read_to_string(plain).unwrap();
    assert_eq!(decrypt_pem(&open, PASSPHRASE).unwrap_err().code(), "bad-key");
}

#[test]
fn broken_pem_and_weak_passphrases_are_refused() {
    let (_dir, vault) = vault();
    vault.generate(&id("k"), KeyAlgorithm::P256).unwrap();
    let huge = "A".repeat(64 * 1024 + 1);
    for bad in ["", "hello", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END X-----", &huge] {
        assert_eq!(decrypt_pem(bad, PASSPHRASE).unwrap_err().code(), "bad-key");
    }
    for passphrase in ["", "1234567", &huge] {
        assert_eq!(vault.export(&id("k"), passphrase).unwrap_err().code(), "invalid-passphrase");
    }
}
