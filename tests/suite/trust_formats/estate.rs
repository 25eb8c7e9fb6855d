//! Keys and certificates that Python made, and Python to judge what is written with them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use signet::clock::Timestamp;
use signet::keys::software::Vault;
use signet::keys::{Decrypter, KeyStore, Signer};
use signet::random::Random;
use signet::trust::list::{Contents, Entry, HashAlgorithm, Heading, List};
use signet::trust::role::Role;
use signet::trust::sign::SignatureDigest;
use signet::trust::signed::By;
use signet::trust::tlv::{FileName, SignerVersion};
use signet::x509::cert::Certificate;
use tempfile::TempDir;

/// The moment of every list and file here.
pub const AT: Timestamp = Timestamp::from_secs(1_800_000_000);

/// What can be signed with in this build.
pub const DIGESTS: &[SignatureDigest] = if cfg!(feature = "legacy") {
    &[SignatureDigest::Sha1, SignatureDigest::Sha512]
} else {
    &[SignatureDigest::Sha512]
};

/// The certificates and keys of `estate.py`.
pub struct Estate {
    folder: TempDir,
    vault: Vault,
}

/// The one estate of all these tests.
pub fn estate() -> &'static Estate {
    static ESTATE: OnceLock<Estate> = OnceLock::new();
    ESTATE.get_or_init(Estate::make)
}

impl Estate {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        python("estate.py", &[folder.path().to_str().unwrap()]);
        let vault = Vault::create(folder.path(), "correct horse", &Random::system()).unwrap();
        for name in
            ["recovery", "recovery-4096", "odd-size", "callmanager", "tvs", "impostor", "device", "odd-names"]
        {
            let pkcs8 = std::fs::read(folder.path().join(format!("{name}.p8"))).unwrap();
            vault.import(&name.parse().unwrap(), &pkcs8).unwrap();
        }
        Self { folder, vault }
    }

    /// A file of the estate, as `recovery.der`.
    pub fn path(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().unwrap().to_owned()
    }

    pub fn certificate(&self, name: &str) -> Arc<Certificate> {
        let der = std::fs::read(self.path(&format!("{name}.der"))).unwrap();
        Arc::new(Certificate::from_der(&der).unwrap())
    }

    pub fn signer(&self, name: &str) -> Arc<dyn Signer> {
        self.vault.signer(&name.parse().unwrap()).unwrap()
    }

    pub fn decrypter(&self, name: &str) -> Arc<dyn Decrypter> {
        self.vault.decrypter(&name.parse().unwrap()).unwrap()
    }

    pub fn entry(&self, role: Role, name: &str) -> Entry {
        Entry::new(role, self.certificate(name))
    }

    /// Everything that an entry can have, behind its signer.
    pub fn entries(&self, signer: &str) -> Vec<Entry> {
        let hashed = |name, algorithm| Entry::hashed(Role::Capf, &self.certificate(name), algorithm).unwrap();
        vec![
            self.entry(Role::Sast, signer),
            self.entry(Role::CcmTftp, "callmanager").with_dns_name("cucm-pub.example.org").unwrap(),
            self.entry(Role::Tftp, "odd-names").with_dns_name("").unwrap(),
            self.entry(Role::Tvs, "tvs").with_address("10.1.2.3".parse().unwrap()),
            self.entry(Role::Ccm, "https"),
            self.entry(Role::AppServer, "old"),
            hashed("callmanager", HashAlgorithm::Sha1).with_address("10.1.2.4".parse().unwrap()),
            hashed("tvs", HashAlgorithm::Sha256),
            hashed("odd-names", HashAlgorithm::Sha512).with_dns_name("odd").unwrap(),
        ]
    }

    /// The list by which bad ones are made: three entries, SHA-512, signed by `recovery`.
    pub fn list(&self) -> Vec<u8> {
        let entries = vec![
            self.entry(Role::Sast, "recovery"),
            self.entry(Role::CcmTftp, "callmanager").with_dns_name("cucm-pub").unwrap(),
            self.entry(Role::Tvs, "tvs").with_address("10.1.2.3".parse().unwrap()),
        ];
        let heading = heading("ITLFile.tlv", SignatureDigest::Sha512, Some(SignerVersion::V1_0));
        let contents = Contents::new(heading, self.certificate("recovery"), entries).unwrap();
        contents.to_be_signed().unwrap().sign(&*self.signer("recovery")).unwrap()
    }
}

pub fn heading(file_name: &str, digest: SignatureDigest, signer_version: Option<SignerVersion>) -> Heading {
    Heading { file_name: FileName::parse(file_name).unwrap(), timestamp: AT, digest, signer_version }
}

pub fn by(signer: &Certificate, digest: SignatureDigest) -> By<'_> {
    By { signer, digest, at: AT }
}

/// A list that parses and whose signature holds.
pub fn verified(file: &[u8]) -> List {
    let list = List::parse(file).unwrap();
    list.verify().unwrap();
    list
}

/// What a script of this folder prints; fails the test with its standard error if it refuses.
pub fn python(script: &str, arguments: &[&str]) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script: PathBuf = root.join("tests/suite/trust_formats").join(script);
    let output = Command::new(root.join("target/test-tools/bin/python"))
        .args(["-B".as_ref(), script.as_os_str()])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder for what Python and we write for each other.
pub struct Exchange(TempDir);

impl Exchange {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn put(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn take(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}
