//! The manufacturers' CAs whose MICs and SUDI certificates are believed: PEM files in `policies/manufacturing-roots/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::pem;

const MAX_FILES: usize = 200;
const MAX_FILE: u64 = 256 * 1024;
/// Certificates in one file.
const MAX_IN_FILE: usize = 50;
const KEY_CERT_SIGN: u16 = 1 << 5;

/// The CAs that sign MICs and SUDI certificates. Each is believed as it stands; no path is built above it.
#[derive(Clone, Debug, Default)]
pub struct ManufacturingRoots(Vec<Certificate>);

impl ManufacturingRoots {
    /// Reads `policies/manufacturing-roots/*.pem`; none if there is no such folder. Expired ones are read: they prove
    /// nothing any more. Errors: every fault found (`bad-manufacturing-root`), each with the file as its field.
    pub fn load(policies: &Path) -> Result<Self, Vec<Error>> {
        let folder = policies.join("manufacturing-roots");
        if !folder.is_dir() {
            return Ok(Self::default());
        }
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        for path in files(&folder).map_err(|fault| vec![fault])? {
            match read(&path) {
                Ok(certificates) => found.extend(certificates),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self(found)) } else { Err(faults) }
    }

    /// From certificates that were read already. Errors: `bad-manufacturing-root`.
    pub fn of(certificates: Vec<Certificate>) -> Result<Self> {
        certificates.iter().try_for_each(may_sign)?;
        Ok(Self(certificates))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let at = |fault: Error| fault.at(folder.display().to_string());
    let entries = fs::read_dir(folder).map_err(|e| at(bad(format!("cannot be read: {e}"))))?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("pem")));
    paths.sort();
    let too_large = paths.iter().any(|p| fs::metadata(p).is_ok_and(|m| m.len() > MAX_FILE));
    if paths.len() > MAX_FILES || too_large {
        return Err(at(bad(format!("at most {MAX_FILES} files of {MAX_FILE} bytes stand here"))));
    }
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<Certificate>> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let read = || {
        let text = fs::read(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
        let blocks = pem::decode_all(&text, MAX_IN_FILE).map_err(|e| bad(e.detail()))?;
        if blocks.is_empty() {
            return Err(bad("holds no certificate (PEM)"));
        }
        blocks.iter().map(|(label, der)| certificate(label, der)).collect()
    };
    read().map_err(|fault| fault.at(name))
}

fn certificate(label: &str, der: &[u8]) -> Result<Certificate> {
    if label != "CERTIFICATE" {
        return Err(bad(format!("holds a {label}: certificates alone stand here")));
    }
    let certificate = Certificate::from_der(der).map_err(|e| bad(e.detail()))?;
    may_sign(&certificate)?;
    Ok(certificate)
}

/// Whether what it signed can be believed.
fn may_sign(certificate: &Certificate) -> Result<()> {
    let subject = certificate.subject();
    if !certificate.is_ca() {
        return Err(bad(format!("{subject} is no CA's certificate (CA:TRUE)")));
    }
    if certificate.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN == 0) {
        return Err(bad(format!("{subject} may not sign certificates (keyCertSign)")));
    }
    certificate.public_key().map(drop).map_err(|e| {
        bad(format!(
            "the key of {subject} is not accepted ({}): list the CA that signs the MICs itself, not one above it",
            e.detail()
        ))
    })
}

fn bad(detail: impl Into<String>) -> Error {
    Error::invalid("bad-manufacturing-root", detail)
}
