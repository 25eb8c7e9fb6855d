//! A manufacturer's CA, run by OpenSSL.

use std::path::PathBuf;

use signet::x509::cert::Certificate;

use super::keys::Key;
use crate::openssl::openssl;

/// The CA with its key.
pub struct Manufacturer {
    folder: tempfile::TempDir,
    key: Key,
}

/// A MIC to be made.
pub struct Mic<'a> {
    pub common_name: &'a str,
    pub is_ca: bool,
    /// As `openssl x509` takes it, `-days N` or dates.
    pub not_before: &'a str,
    pub not_after: &'a str,
    pub digest: &'a str,
}

impl Default for Mic<'_> {
    fn default() -> Self {
        Self {
            common_name: "CP-8841-SEP001122334455",
            is_ca: false,
            not_before: "20200101000000Z",
            not_after: "20450101000000Z",
            digest: "-sha256",
        }
    }
}

impl Manufacturer {
    /// Of that name, for ten years.
    pub fn new(name: &str) -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), Key::rsa(2048));
        let subject = format!("/O=Maker/CN={name}");
        let pem = openssl(
            &[
                &["req", "-x509", "-key", key.path(), "-subj", &subject][..],
                &["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-days", "3650"],
            ]
            .concat(),
            b"",
        );
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        Self { folder, key }
    }

    pub fn pem(&self) -> Vec<u8> {
        std::fs::read(self.file()).unwrap()
    }

    pub fn certificate(&self) -> Certificate {
        Certificate::read(&self.pem()).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A MIC for a phone's key, DER. OpenSSL's `ca` command alone sets both dates.
    pub fn certify(&self, key: &Key, mic: &Mic<'_>) -> Vec<u8> {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let constraints = if mic.is_ca { "critical,CA:TRUE" } else { "critical,CA:FALSE" };
        let config = format!(
            "[ca]\ndefault_ca=m\n[m]\nnew_certs_dir={}\ndatabase={}\nrand_serial=yes\nunique_subject=no\n\
             policy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nbasicConstraints={constraints}\n\
             keyUsage=critical,digitalSignature,keyEncipherment\n",
            self.folder.path().display(),
            at("index"),
        );
        std::fs::write(at("config"), config).unwrap();
        std::fs::write(at("index"), "").unwrap();
        let request = key.request(mic.common_name);
        let pem = openssl(&["req", "-inform", "DER"], &request);
        std::fs::write(at("csr"), pem).unwrap();
        openssl(
            &[
                &["ca", "-batch", "-notext", "-config", &at("config"), "-in", &at("csr")][..],
                &["-cert", &at("ca.pem"), "-keyfile", self.key.path(), "-out", &at("mic.pem")],
                &["-md", mic.digest.trim_start_matches('-')],
                &["-startdate", mic.not_before, "-enddate", mic.not_after],
            ]
            .concat(),
            b"",
        );
        openssl(&["x509", "-in", &at("mic.pem"), "-outform", "DER"], b"")
    }
}
