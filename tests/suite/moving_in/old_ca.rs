//! A CA as `openssl ca` runs it.

use std::path::{Path, PathBuf};

use super::{openssl, serial, text};

const CONFIG: &str = "
[ca]
default_ca = old
[old]
new_certs_dir = newcerts
database = index.txt
serial = serial
crlnumber = crlnumber
certificate = cacert.pem
private_key = private/cakey.pem
default_md = sha256
default_days = 365
default_crl_days = 30
unique_subject = no
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
";

/// A self-signed CA that signs devices, in a folder of its own.
pub(super) struct OldCa {
    folder: PathBuf,
}

impl OldCa {
    pub(super) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder.join("newcerts")).unwrap();
        std::fs::create_dir_all(folder.join("private")).unwrap();
        std::fs::create_dir_all(folder.join("requests")).unwrap();
        let write = |name: &str, content: &str| std::fs::write(folder.join(name), content).unwrap();
        write("openssl.cnf", CONFIG);
        write("index.txt", "");
        write("serial", "1000\n");
        write("crlnumber", "01\n");
        let subject = format!("/O=Example/CN=Old {}", folder.file_name().unwrap().to_str().unwrap());
        openssl(
            folder,
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "3650",
                "-config",
                "openssl.cnf",
                "-extensions",
                "root",
                "-subj",
                &subject,
                "-keyout",
                "private/cakey.pem",
                "-out",
                "cacert.pem",
            ],
        );
        Self { folder: folder.to_owned() }
    }

    /// A certificate, in `newcerts`.
    pub(super) fn issue(&self, name: &str) -> PathBuf {
        self.issue_with(name, &[])
    }

    pub(super) fn issue_with(&self, name: &str, more: &[&str]) -> PathBuf {
        let (key, csr) = (format!("requests/{name}.key"), format!("requests/{name}.csr"));
        let subject = format!("/CN={name}");
        openssl(
            &self.folder,
            &[
                "req",
                "-new",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-config",
                "openssl.cnf",
                "-subj",
                &subject,
                "-keyout",
                &key,
                "-out",
                &csr,
            ],
        );
        let signed = ["ca", "-batch", "-config", "openssl.cnf", "-notext", "-in", &csr, "-out", "last.pem"];
        openssl(&self.folder, &[&signed[..], more].concat());
        self.folder.join(format!("newcerts/{}.pem", serial(&self.folder.join("last.pem"))))
    }

    pub(super) fn revoke(&self, certificate: &Path, reason: &str) {
        let revoke = ["ca", "-config", "openssl.cnf", "-revoke", text(certificate), "-crl_reason", reason];
        openssl(&self.folder, &revoke);
    }

    pub(super) fn publish_crl(&self) -> PathBuf {
        openssl(&self.folder, &["ca", "-config", "openssl.cnf", "-gencrl", "-out", "crl.pem"]);
        self.folder.join("crl.pem")
    }

    /// Its own certificate ended years ago; gives the command that brings it in.
    pub(super) fn expire(&self) -> Vec<String> {
        let run = |line: &str| openssl(&self.folder, &line.split_whitespace().collect::<Vec<_>>());
        run("x509 -x509toreq -in cacert.pem -signkey private/cakey.pem -out own.csr");
        run(
            "ca -batch -config openssl.cnf -selfsign -notext -extensions root -in own.csr -startdate 20200101000000Z \
             -enddate 20210101000000Z -out cacert.pem",
        );
        self.arguments("past")
    }

    /// The command that brings it in, without what tells its CRL numbers.
    pub(super) fn arguments(&self, id: &str) -> Vec<String> {
        let file = |name: &str| text(&self.folder.join(name)).to_owned();
        let words = ["ca", "import", id, "--role", "issuing", "--key"].map(str::to_owned);
        let files = [
            file("private/cakey.pem"),
            "--chain".to_owned(),
            file("cacert.pem"),
            "--certificates".to_owned(),
            file("newcerts"),
            "--index".to_owned(),
            file("index.txt"),
        ];
        words.into_iter().chain(files).collect()
    }
}
