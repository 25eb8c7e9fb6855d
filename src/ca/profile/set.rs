//! The whole set of profiles, in force or refused as one.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use include_dir::{Dir, include_dir};

use crate::ca::profile::{Profile, check};
use crate::ca::records::Role;
use crate::ca::rollover::Standing;
use crate::ca::{Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, ProfileId};
use crate::x509::cert::Certificate;
use crate::x509::key::{Digest, KeyAlgorithm};

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/policies");

const MAX_FILES: usize = 500;
/// Profiles that are named to who asks for one that there is not.
const MAX_NAMED: usize = 50;
const MAX_FILE: u64 = 64 * 1024;
const MAX_BLOCKLIST: u64 = 256 * 1024 * 1024;

/// A whole, validated set of profiles, with the keys that none of them may certify.
#[derive(Debug, Default)]
pub struct ProfileSet {
    profiles: Vec<Arc<Profile>>,
    blocked: HashSet<[u8; 32]>,
}

impl ProfileSet {
    /// The set that is compiled in.
    pub fn shipped() -> Result<Self> {
        let files = SHIPPED.get_dir("profiles").into_iter().flat_map(|d| d.files());
        let texts = files.map(|f| (file_name(f.path()), f.contents_utf8().unwrap_or_default().to_owned()));
        Self::from_sources(texts.collect()).map_err(|faults| {
            let all: Vec<String> = faults.iter().map(Error::to_string).collect();
            Error::internal(format!("the shipped profiles are faulty: {}", all.join("; ")))
        })
    }

    /// Writes the shipped files below `policies` (a folder), leaving existing files alone. Errors: `storage`.
    pub fn write_shipped(policies: &Path) -> Result<()> {
        write_dir(&SHIPPED, policies)
    }

    /// Reads and validates `policies/profiles/*.toml` and `policies/blocked-keys/*.txt` as a whole.
    /// Errors: every fault found, each with `file:line` as its field and the reason.
    pub fn load(policies: &Path) -> Result<Self, Vec<Error>> {
        let folder = policies.join("profiles");
        let sources = read_texts(&folder, "toml", MAX_FILE)?;
        if sources.is_empty() {
            return Err(vec![
                Error::invalid("bad-profile", "no profile stands here").at(folder.display().to_string()),
            ]);
        }
        let blocked = read_blocked(&policies.join("blocked-keys"));
        match (Self::from_sources(sources), blocked) {
            (Ok(set), Ok(blocked)) => Ok(Self { blocked, ..set }),
            (Ok(_), Err(faults)) | (Err(faults), Ok(_)) => Err(faults),
            (Err(mut faults), Err(more)) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }

    /// Validates files given as (name, text). Errors: as [`ProfileSet::load`].
    pub fn from_sources(sources: Vec<(String, String)>) -> Result<Self, Vec<Error>> {
        let (mut profiles, mut faults): (Vec<Arc<Profile>>, Vec<Error>) = (Vec::new(), Vec::new());
        for (file, text) in &sources {
            match read_one(file, text) {
                Ok(profile) if profiles.iter().any(|p| p.id() == profile.id()) => {
                    let reason = format!("there are two profiles named {}", profile.id());
                    faults.push(Error::invalid("bad-profile", reason).at(format!("{file}:1")));
                }
                Ok(profile) => profiles.push(Arc::new(profile)),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        profiles.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(Self { profiles, blocked: HashSet::new() })
    }

    /// Holds the set against the CAs that exist. Errors: each profile that names another.
    pub fn validate_against(&self, cas: &[CaId]) -> Result<(), Vec<Error>> {
        let unknown = self.profiles.iter().filter(|p| !cas.contains(p.ca()));
        let faults: Vec<Error> = unknown.map(|p| unknown_ca(p)).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Holds the set against the CAs as they are: each profile names one that issues, its digest is one that the CA's
    /// key signs with, and its validity fits into what remains of the CA's at `now`.
    /// Errors: every fault, with `file:line` as its field: `unknown-ca`, `not-issuing`, `digest-not-supported`,
    /// `out-of-range` (ADMINJSON-39).
    pub fn validate_under(&self, hierarchy: &Hierarchy, now: Timestamp) -> Result<(), Vec<Error>> {
        self.hold(hierarchy, |certificate| certificate.not_after().since(now))
    }

    /// As [`ProfileSet::validate_under`], but the validity is held against the whole life of the CA: a set that was
    /// in force must not keep the service from starting because the CA grew older meanwhile.
    pub fn validate_at_start(&self, hierarchy: &Hierarchy) -> Result<(), Vec<Error>> {
        self.hold(hierarchy, |certificate| certificate.not_after().since(certificate.not_before()))
    }

    fn hold(&self, hierarchy: &Hierarchy, life: impl Fn(&Certificate) -> Duration) -> Result<(), Vec<Error>> {
        let names: Vec<CaId> = hierarchy.all().iter().map(|ca| ca.record.id.clone()).collect();
        let mut found = self.validate_against(&names).err().unwrap_or_default();
        for profile in &self.profiles {
            found.extend(
                hierarchy.in_force(profile.ca()).map_or_else(|_| Vec::new(), |ca| fits(profile, ca, &life)),
            );
            found.extend(names_one_in_force(profile, hierarchy));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Holds that what the profiles of a CA want can be signed with another sort of key, before its successor gets it.
    /// Errors: `digest-not-supported` for each that it cannot.
    pub fn validate_key(
        &self,
        hierarchy: &Hierarchy,
        ca: &CaId,
        key: KeyAlgorithm,
    ) -> Result<(), Vec<Error>> {
        let of_it =
            |p: &&Arc<Profile>| hierarchy.in_force(p.ca()).is_ok_and(|in_force| in_force.record.id == *ca);
        let unfit = |p: &&Arc<Profile>| p.digest().is_some_and(|digest| !signs_with(key, digest));
        let found: Vec<Error> = self
            .profiles
            .iter()
            .filter(of_it)
            .filter(unfit)
            .map(|profile| {
                let text = format!("a {key} key does not sign with this digest");
                profile.fault(&["digest"], Error::invalid("digest-not-supported", text))
            })
            .collect();
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// All profiles by name.
    pub fn all(&self) -> &[Arc<Profile>] {
        &self.profiles
    }

    /// The profile of that name, if there is one.
    pub fn find(&self, id: &ProfileId) -> Option<&Arc<Profile>> {
        let found = self.profiles.binary_search_by(|p| p.id().cmp(id));
        found.ok().and_then(|place| self.profiles.get(place))
    }

    /// The profile of that name, enabled or not. Errors: `not-found`, naming those that there are.
    pub fn require(&self, id: &ProfileId) -> Result<&Arc<Profile>> {
        self.find(id).ok_or_else(|| {
            let usable = self.profiles.iter().filter(|p| p.is_enabled() && !p.is_internal());
            let known: Vec<&str> = usable.map(|p| p.id().as_str()).take(MAX_NAMED).collect();
            Error::not_found("profile", id).saying(&format!("; there are: {}", known.join(", ")))
        })
    }

    /// Whether a key (SHA-256 of its SubjectPublicKeyInfo) is on a blocklist (CSR-13).
    pub fn is_blocked(&self, key: &[u8; 32]) -> bool {
        self.blocked.contains(key)
    }

    /// Whether an internal profile keeps this common name for itself (CSR-54).
    pub fn reserves(&self, common_name: &str) -> bool {
        self.profiles.iter().any(|p| p.reserved_names.iter().any(|r| r.matches(common_name)))
    }
}

fn read_one(file: &str, text: &str) -> Result<Profile, Vec<Error>> {
    let id: Result<ProfileId> = file.strip_suffix(".toml").unwrap_or(file).parse();
    match id {
        Ok(id) => check::profile(id, file, text),
        Err(e) => Err(vec![e.at(format!("{file}:1"))]),
    }
}

fn unknown_ca(profile: &Profile) -> Error {
    let unknown = Error::invalid("unknown-ca", format!("there is no CA named {}", profile.ca()));
    profile.fault(&["ca"], unknown)
}

/// A profile names a CA by the name that it issues under: one that is yet to take over, or was called off, does not.
fn names_one_in_force(profile: &Profile, hierarchy: &Hierarchy) -> Option<Error> {
    let in_force = hierarchy.in_force(profile.ca()).ok()?;
    let id = &in_force.record.id;
    let text = match hierarchy.standing(id) {
        Standing::InForce => return None,
        Standing::Next => format!("{id} has yet to take over: name the CA that it follows"),
        Standing::Retiring | Standing::Retired => {
            format!("{id} was called off: name the CA that it was to follow")
        }
    };
    Some(profile.fault(&["ca"], Error::invalid("not-issuing", text)))
}

/// What a profile wants that its CA cannot give.
fn fits(profile: &Profile, ca: &LoadedCa, life: impl Fn(&Certificate) -> Duration) -> Vec<Error> {
    let mut found = Vec::new();
    let id = &ca.record.id;
    if ca.record.role != Role::Issuing {
        let text = format!("{id} is a root, which signs CAs only: name an issuing CA");
        found.push(profile.fault(&["ca"], Error::invalid("not-issuing", text)));
    }
    if profile.digest().is_some_and(|digest| !signs_with(ca.record.algorithm, digest)) {
        let text = format!("the {} key of the CA {id} does not sign with this digest", ca.record.algorithm);
        found.push(profile.fault(&["digest"], Error::invalid("digest-not-supported", text)));
    }
    if let Some(certificate) = &ca.certificate
        && profile.validity() > life(certificate)
    {
        let text = format!("validity is longer than the CA {id} lives (until {})", certificate.not_after());
        found.push(profile.fault(&["validity"], Error::invalid("out-of-range", text)));
    }
    found
}

/// P-256 and P-384 keys take their curve's digest only.
fn signs_with(key: KeyAlgorithm, digest: Digest) -> bool {
    match key {
        KeyAlgorithm::P256 => digest == Digest::Sha256,
        KeyAlgorithm::P384 => digest == Digest::Sha384,
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 | KeyAlgorithm::P521 => true,
    }
}

fn read_texts(folder: &Path, extension: &str, most: u64) -> Result<Vec<(String, String)>, Vec<Error>> {
    let unreadable = |path: &Path, e: std::io::Error| {
        Error::invalid("bad-profile", format!("cannot be read: {e}")).at(path.display().to_string())
    };
    let entries = fs::read_dir(folder).map_err(|e| vec![unreadable(folder, e)])?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == extension));
    paths.sort();
    if paths.len() > MAX_FILES {
        return Err(vec![
            Error::invalid("bad-profile", "more than 500 files").at(folder.display().to_string()),
        ]);
    }
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let size = fs::metadata(&path).map_or(0, |m| m.len());
        if size > most {
            let reason = format!("larger than {most} bytes");
            faults.push(Error::invalid("bad-profile", reason).at(format!("{}:1", file_name(&path))));
            continue;
        }
        match fs::read_to_string(&path) {
            Ok(text) => texts.push((file_name(&path), text)),
            Err(e) => faults.push(unreadable(&path, e)),
        }
    }
    if faults.is_empty() { Ok(texts) } else { Err(faults) }
}

/// Lines of 64 hexadecimal digits, SHA-256 of the SubjectPublicKeyInfo; `#` begins a comment.
fn read_blocked(folder: &Path) -> Result<HashSet<[u8; 32]>, Vec<Error>> {
    let (mut keys, mut faults) = (HashSet::new(), Vec::new());
    if !folder.is_dir() {
        return Ok(keys);
    }
    for (file, text) in read_texts(folder, "txt", MAX_BLOCKLIST)? {
        for (place, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            match (entry.is_empty(), fingerprint(entry)) {
                (true, _) => {}
                (false, Some(key)) => {
                    keys.insert(key);
                }
                (false, None) if faults.len() < 20 => {
                    let reason =
                        "a blocked key is the SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal digits";
                    faults.push(Error::invalid("bad-blocklist", reason).at(format!("{file}:{}", place + 1)));
                }
                (false, None) => {}
            }
        }
    }
    if faults.is_empty() { Ok(keys) } else { Err(faults) }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(out)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn write_dir(dir: &Dir<'_>, to: &Path) -> Result<()> {
    let failed = |path: &Path, e: std::io::Error| {
        Error::storage(format!("cannot write {}", path.display())).because(e)
    };
    fs::create_dir_all(to).map_err(|e| failed(to, e))?;
    for file in dir.files() {
        let path = to.join(file_name(file.path()));
        match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut out) => std::io::Write::write_all(&mut out, file.contents())
                .and_then(|()| out.sync_all())
                .map_err(|e| failed(&path, e))?,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed(&path, e)),
        }
    }
    dir.dirs().try_for_each(|d| write_dir(d, &to.join(file_name(d.path()))))
}
