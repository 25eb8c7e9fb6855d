//! What is peculiar about devices, as data: `policies/devices/*.toml`. It helps to explain a refusal and loosens nothing.

use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::ca::profile::Pattern;
use crate::enrol::refused::record::RefusedRecord;
use crate::error::{Error, Result};

mod read;

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/policies/devices");

const MAX_FILES: usize = 200;
const MAX_FILE: u64 = 64 * 1024;

/// A device that is known to be peculiar.
#[derive(Debug)]
pub struct Device {
    /// Its name, for people.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// What it cannot do, a sentence each.
    pub cannot: Vec<String>,
    any: Vec<Condition>,
    hints: Vec<Hint>,
}

/// All of the lists that are not empty must fit.
#[derive(Debug, Default)]
struct Condition {
    profiles: Vec<Pattern>,
    user_agents: Vec<Pattern>,
    subjects: Vec<Pattern>,
    transactions: Vec<Pattern>,
    traits: Vec<String>,
}

#[derive(Debug)]
struct Hint {
    codes: Vec<String>,
    text: String,
}

impl Device {
    /// Its hints for a refusal, those for its very code first; `url` is the profile's SCEP address.
    pub fn hints(&self, refused: &RefusedRecord, url: &str) -> Vec<String> {
        let own = self.hints.iter().filter(|hint| hint.codes.contains(&refused.code));
        let general = self.hints.iter().filter(|hint| hint.codes.is_empty());
        let filled =
            |hint: &Hint| hint.text.replace("{url}", url).replace("{profile}", refused.profile.as_str());
        own.chain(general).map(filled).collect()
    }

    fn matches(&self, refused: &RefusedRecord) -> bool {
        self.any.iter().any(|condition| condition.holds(refused))
    }
}

impl Condition {
    fn holds(&self, refused: &RefusedRecord) -> bool {
        let fits = |patterns: &[Pattern], value: Option<&str>| {
            let value = value.map(str::to_lowercase);
            patterns.is_empty() || value.is_some_and(|v| patterns.iter().any(|p| p.matches(&v)))
        };
        let subject = refused.asked.subject.as_ref().map(ToString::to_string);
        fits(&self.profiles, Some(refused.profile.as_str()))
            && fits(&self.user_agents, refused.user_agent.as_deref())
            && fits(&self.subjects, subject.as_deref())
            && fits(&self.transactions, refused.asked.transaction.as_deref())
            && (self.traits.is_empty() || self.traits.iter().any(|t| refused.traits.contains(t)))
    }
}

/// The devices that are known, in force or refused as one.
#[derive(Debug, Default)]
pub struct DeviceSet(Vec<Device>);

impl DeviceSet {
    /// The set that is compiled in. Errors: `internal`.
    pub fn shipped() -> Result<Self> {
        let texts = SHIPPED.files().filter(|f| f.path().extension().is_some_and(|e| e == "toml"));
        let texts = texts.map(|f| (file_name(f.path()), f.contents_utf8().unwrap_or_default().to_owned()));
        Self::from_sources(&texts.collect::<Vec<_>>()).map_err(|faults| {
            let all: Vec<String> = faults.iter().map(Error::to_string).collect();
            Error::internal(format!("the shipped devices are faulty: {}", all.join("; ")))
        })
    }

    /// Reads and validates `policies/devices/*.toml` as a whole; the compiled-in set if there is no such folder.
    /// Errors: every fault found (`bad-device`), each with `file:line` as its field.
    pub fn load(policies: &Path) -> Result<Self, Vec<Error>> {
        let folder = policies.join("devices");
        if !folder.is_dir() {
            return Self::shipped().map_err(|e| vec![e]);
        }
        Self::from_sources(&read_texts(&folder)?)
    }

    /// Validates files given as (name, text). Errors: as [`DeviceSet::load`].
    pub fn from_sources(sources: &[(String, String)]) -> Result<Self, Vec<Error>> {
        let (mut devices, mut faults) = (Vec::new(), Vec::new());
        for (file, text) in sources {
            match read::device(file, text) {
                Ok(device) => devices.push(device),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self(devices)) } else { Err(faults) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The devices that a refused request looks like.
    pub fn like(&self, refused: &RefusedRecord) -> Vec<&Device> {
        self.0.iter().filter(|device| device.matches(refused)).collect()
    }
}

fn read_texts(folder: &Path) -> Result<Vec<(String, String)>, Vec<Error>> {
    let unreadable = |path: &Path, e: std::io::Error| {
        vec![Error::invalid("bad-device", format!("cannot be read: {e}")).at(path.display().to_string())]
    };
    let entries = fs::read_dir(folder).map_err(|e| unreadable(folder, e))?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let too_many = paths.len() > MAX_FILES;
    if too_many || paths.iter().any(|p| fs::metadata(p).is_ok_and(|m| m.len() > MAX_FILE)) {
        let text = format!("at most {MAX_FILES} files of {MAX_FILE} bytes stand here");
        return Err(vec![Error::invalid("bad-device", text).at(folder.display().to_string())]);
    }
    paths
        .iter()
        .map(|path| match fs::read_to_string(path) {
            Ok(text) => Ok((file_name(path), text)),
            Err(e) => Err(unreadable(path, e)),
        })
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
