//! Keys as openssl writes them, in each of its forms.

use std::path::Path;
use std::process::Command;

use super::*;

const PASSPHRASE: &str = "a passphrase of some length";

fn openssl(dir: &Path, line: &str) -> Vec<u8> {
    let made = Command::new("openssl").args(line.split_whitespace()).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "{line}: {}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

/// A folder with `rsa.key`, `ec.key` and their public halves.
fn keys() -> (tempfile::TempDir, Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key");
    openssl(dir.path(), "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ec.key");
    let public = |name| openssl(dir.path(), &format!("pkey -in {name}.key -pubout -outform DER"));
    let (rsa, ec) = (public("rsa"), public("ec"));
    (dir, rsa, ec)
}

fn read(dir: &Path, name: &str, passphrase: Option<&str>) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(dir.join(name)).unwrap();
    let key = ForeignKey::from_pem(&text, passphrase)?;
    Ok(key.signer(&Random::system())?.public_key().spki().to_vec())
}

#[test]
fn every_form_that_openssl_writes_is_read() {
    let (dir, rsa, ec) = keys();
    let dir = dir.path();
    std::fs::write(dir.join("pass"), PASSPHRASE).unwrap();
    let forms = [
        ("plain PKCS#8", "rsa.key", "", &rsa),
        ("PKCS#1", "p1.key", "rsa -in rsa.key -traditional -out p1.key", &rsa),
        ("SEC 1", "s1.key", "ec -in ec.key -out s1.key", &ec),
        ("PBES2", "p8.key", "pkcs8 -topk8 -in ec.key -out p8.key -v2 aes-256-cbc -passout file:pass", &ec),
        ("old AES", "a.key", "ec -in ec.key -aes256 -out a.key -passout file:pass", &ec),
        ("old AES-128", "b.key", "rsa -in rsa.key -traditional -aes128 -out b.key -passout file:pass", &rsa),
        ("old 3DES", "c.key", "rsa -in rsa.key -traditional -des3 -out c.key -passout file:pass", &rsa),
    ];
    for (form, file, command, public) in forms {
        if !command.is_empty() {
            openssl(dir, command);
        }
        assert_eq!(&read(dir, file, Some(PASSPHRASE)).unwrap(), public, "{form}");
        if command.contains("-passout") {
            assert_eq!(read(dir, file, Some("another")).unwrap_err().code(), "wrong-passphrase", "{form}");
            assert_eq!(read(dir, file, None).unwrap_err().code(), "passphrase-needed", "{form}");
        }
    }
    // What stands around a key, as EC parameters and bag attributes, does not matter.
    let around = format!(
        "Bag Attributes\n    localKeyID: 01\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n\
         -----END EC PARAMETERS-----\n{}",
        std::fs::read_to_string(dir.join("s1.key")).unwrap()
    );
    std::fs::write(dir.join("around.key"), around).unwrap();
    assert_eq!(read(dir, "around.key", None).unwrap(), ec);
}

#[test]
fn what_is_no_key_of_ours_is_refused_with_the_reason() {
    let refused = |text: &str| ForeignKey::from_pem(text, Some("x")).unwrap_err();
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    for (text, part) in [
        (String::new(), "no PEM block"),
        (block("CERTIFICATE", "AAAA"), "no PEM block"),
        (block("PRIVATE KEY", "A*AA"), "not base64"),
        (block("PRIVATE KEY", "AAAA").repeat(2), "more than one"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n".to_owned(), "END line"),
        (block("DSA PRIVATE KEY", "AAAA"), "neither RSA nor EC"),
        (block("EC PRIVATE KEY", "AAAA"), "names its curve"),
        (block("RSA PRIVATE KEY", "DEK-Info: DES-CBC,0011223344556677\n\nAAAA"), "cipher is not read"),
        (block("RSA PRIVATE KEY", "DEK-Info: AES-128-CBC,zz\n\nAAAA"), "DEK-Info"),
        ("x".repeat(MAX_FILE + 1), "64 KiB"),
    ] {
        let error = refused(&text);
        assert_eq!(error.code(), "bad-key");
        assert!(error.detail().contains(part), "{part}: {error}");
    }
    let (dir, ..) = keys();
    openssl(dir.path(), "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.key");
    let error = read(dir.path(), "small.key", None).unwrap_err();
    assert!(error.code() == "bad-key" && error.detail().contains("2048"), "{error}");
}

#[test]
fn pkcs12_is_opened_with_its_password_only() {
    let (dir, _, ec) = keys();
    let dir = dir.path();
    openssl(dir, "req -x509 -key ec.key -subj /CN=Old -days 30 -out ca.pem");
    for form in ["", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"] {
        openssl(
            dir,
            &format!("pkcs12 -export -inkey ec.key -in ca.pem -out ca.p12 -passout pass:secret {form}"),
        );
        let der = std::fs::read(dir.join("ca.p12")).unwrap();
        let opened = Pkcs12::open(&der, "secret").unwrap();
        assert_eq!((opened.keys.len(), opened.certificates.len()), (1, 1));
        assert_eq!(opened.keys[0].signer(&Random::system()).unwrap().public_key().spki(), ec);
        assert_eq!(Pkcs12::open(&der, "guess").unwrap_err().code(), "wrong-passphrase");
        for cut in [0, 1, 40, der.len() / 2, der.len() - 1] {
            let error = Pkcs12::open(&der[..cut], "secret").unwrap_err();
            assert!(error.code() == "bad-pkcs12" && error.detail().contains("cut short"), "{error}");
        }
    }
}
