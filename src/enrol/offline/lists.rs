//! What CAs elsewhere revoked, as far as it was brought here: their CRLs in `policies/offline-crls/`.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ca::import::foreign_crl;
use crate::ca::profile::ProfileSet;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;

const MAX_FILES: usize = 50;
const MAX_FILE: u64 = 16 * 1024 * 1024;
const PART: &str = "its issuing distribution point names a place (distributionPoint), so it may be a part of the list \
                    alone: have the CA write one list of all certificates, without that";

/// The newest list of each CA elsewhere.
#[derive(Debug, Default)]
pub struct OfflineLists(Vec<List>);

#[derive(Debug)]
struct List {
    /// SHA-256 of the CA's public key.
    issuer_key: [u8; 32],
    this_update: Timestamp,
    /// Its number, most significant octet first, without leading zeros.
    number: Vec<u8>,
    revoked: HashSet<Serial>,
}

impl List {
    /// What rises from one list of a CA to its next.
    fn rank(&self) -> (Timestamp, usize, &[u8]) {
        (self.this_update, self.number.len(), &self.number)
    }
}

impl OfflineLists {
    /// Reads `policies/offline-crls/*.crl` (PEM or DER); none if there is no such folder. Each is signed by a CA that a
    /// profile of `set` names under `[offline]`. A list past its next update counts all the same. Errors: every fault
    /// found (`bad-offline-crl`), each with the file as its field.
    pub fn load(policies: &Path, set: &ProfileSet) -> Result<Self, Vec<Error>> {
        let folder = policies.join("offline-crls");
        if !folder.is_dir() {
            return Ok(Self::default());
        }
        let issuers: Vec<&Certificate> =
            set.all().iter().flat_map(|profile| profile.offline_issuers()).collect();
        let (mut lists, mut faults) = (Self::default(), Vec::new());
        for path in files(&folder).map_err(|fault| vec![fault])? {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            match read(&path, &issuers) {
                Ok(list) => lists.take(list),
                Err(fault) => faults.push(fault.at(name)),
            }
        }
        if faults.is_empty() { Ok(lists) } else { Err(faults) }
    }

    /// Whether the newest list of the CA `issuer` has this serial number.
    pub fn is_revoked(&self, issuer: &Certificate, serial: &Serial) -> bool {
        let Ok(key) = issuer.public_key() else { return false };
        let key = key.fingerprint();
        self.0.iter().any(|list| list.issuer_key == key && list.revoked.contains(serial))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Of several lists of one CA the newest stands; where none is, what either has is revoked.
    fn take(&mut self, list: List) {
        let Some(known) = self.0.iter_mut().find(|known| known.issuer_key == list.issuer_key) else {
            self.0.push(list);
            return;
        };
        match known.rank().cmp(&list.rank()) {
            Ordering::Less => *known = list,
            Ordering::Equal => known.revoked.extend(list.revoked),
            Ordering::Greater => {}
        }
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let at = |fault: Error| fault.at(folder.display().to_string());
    let entries = fs::read_dir(folder).map_err(|e| at(bad(format!("cannot be read: {e}"))))?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("crl")));
    paths.sort();
    let too_large = paths.iter().any(|p| fs::metadata(p).is_ok_and(|m| m.len() > MAX_FILE));
    if paths.len() > MAX_FILES || too_large {
        return Err(at(bad(format!("at most {MAX_FILES} files of {MAX_FILE} bytes stand here"))));
    }
    Ok(paths)
}

fn read(path: &Path, issuers: &[&Certificate]) -> Result<List> {
    let bytes = fs::read(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let crl = Crl::read(&bytes).map_err(|e| bad(e.detail()))?;
    let mut named = issuers.iter().filter(|ca| ca.subject().matches(crl.issuer())).peekable();
    if named.peek().is_none() {
        let rule = format!("is a list of {}, which no profile names under [offline]", crl.issuer());
        return Err(bad(rule));
    }
    let mut fault = bad("is signed by no CA that a profile names under [offline]");
    for issuer in named {
        match foreign_crl::whole(&bytes, issuer) {
            Ok(crl) if foreign_crl::names_a_place(&crl) => return Err(bad(PART)),
            Ok(crl) => return list(&crl, issuer),
            Err(e) => fault = bad(e.detail()),
        }
    }
    Err(fault)
}

fn list(crl: &Crl, issuer: &Certificate) -> Result<List> {
    Ok(List {
        issuer_key: issuer.public_key()?.fingerprint(),
        this_update: crl.this_update(),
        number: crl.number_octets().unwrap_or_default().to_vec(),
        revoked: crl.entries().iter().map(|entry| entry.serial.clone()).collect(),
    })
}

fn bad(detail: impl Into<String>) -> Error {
    Error::invalid("bad-offline-crl", detail)
}
