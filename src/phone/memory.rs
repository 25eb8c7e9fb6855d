//! What phones keep when the program ends, as one JSON document. Lists and keys that many phones share stand there once. What
//! TVS vouched for is forgotten: it was in a phone's working memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::keys::KeyPair;
use super::library::Library;
use super::list::TrustList;
use super::state::{Identity, Phone};
use super::{Fault, Outcome};

const VERSION: u32 = 1;

/// Phones as they were.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    /// What several phones may have, base64, by a digest of it: lists, and private keys.
    shared: BTreeMap<String, String>,
    phones: BTreeMap<String, Kept>,
}

/// One phone: its name is the key it is found by.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    ctl: Option<String>,
    itl: Option<String>,
    tvs: Option<String>,
    lsc: Option<KeptIdentity>,
    mic: Option<KeptIdentity>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptIdentity {
    certificate: String,
    key: String,
}

impl Default for Memory {
    fn default() -> Self {
        Self { version: VERSION, shared: BTreeMap::new(), phones: BTreeMap::new() }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("phones", &self.phones.len()).finish_non_exhaustive()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.shared.values_mut().for_each(Zeroize::zeroize);
    }
}

impl Memory {
    /// Reads what [`Memory::bytes`] gave. Faults: it is something else.
    pub fn read(bytes: &[u8]) -> Outcome<Self> {
        let memory: Self = serde_json::from_slice(bytes)
            .map_err(|e| Fault::new(format!("the phones that were kept cannot be read: {e}")))?;
        match memory.version {
            VERSION => Ok(memory),
            other => Err(Fault::new(format!("the phones were kept by another program: version {other}"))),
        }
    }

    /// The document; private keys of phones stand in it. Faults: none.
    pub fn bytes(&self) -> Outcome<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(self).map(Zeroizing::new).map_err(|e| Fault::new(e.to_string()))
    }

    /// Keeps phones as they are now, in place of what was kept of those of the same names.
    pub fn keep(&mut self, phones: &[Phone]) {
        for phone in phones {
            let kept = Kept {
                ctl: phone.installed.ctl.as_ref().map(|list| self.share(list.file())),
                itl: phone.installed.itl.as_ref().map(|list| self.share(list.file())),
                tvs: phone.tvs.clone(),
                lsc: phone.lsc.as_ref().map(|own| self.identity(own)),
                mic: phone.mic.as_ref().map(|own| self.identity(own)),
            };
            self.phones.insert(phone.name.clone(), kept);
        }
        self.drop_unused();
    }

    /// Makes each phone what it was; one that is not known stays as it is. Faults: what was kept cannot be read.
    pub fn recall(&self, phones: &mut [Phone]) -> Outcome<()> {
        let (mut keys, library) = (BTreeMap::new(), Library::default());
        for phone in phones {
            let Some(kept) = self.phones.get(&phone.name) else { continue };
            phone.installed.ctl = self.list(kept.ctl.as_deref(), "CTL", &library)?;
            phone.installed.itl = self.list(kept.itl.as_deref(), "ITL", &library)?;
            phone.tvs.clone_from(&kept.tvs);
            phone.lsc = self.own(kept.lsc.as_ref(), &mut keys)?;
            phone.mic = self.own(kept.mic.as_ref(), &mut keys)?;
        }
        Ok(())
    }

    fn share(&mut self, bytes: &[u8]) -> String {
        let name: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        self.shared.entry(name.clone()).or_insert_with(|| STANDARD.encode(bytes));
        name
    }

    fn identity(&mut self, own: &Identity) -> KeptIdentity {
        KeptIdentity { certificate: STANDARD.encode(&own.certificate), key: self.share(own.key.pkcs8()) }
    }

    fn drop_unused(&mut self) {
        let identities =
            |kept: &'_ Kept| [&kept.lsc, &kept.mic].map(|own| own.as_ref().map(|own| own.key.clone()));
        let used: std::collections::BTreeSet<String> = self
            .phones
            .values()
            .flat_map(|kept| [kept.ctl.clone(), kept.itl.clone()].into_iter().chain(identities(kept)))
            .flatten()
            .collect();
        self.shared.retain(|name, text| {
            let stays = used.contains(name);
            if !stays {
                text.zeroize();
            }
            stays
        });
    }

    fn bytes_of(&self, name: &str) -> Outcome<Zeroizing<Vec<u8>>> {
        let text = self.shared.get(name).ok_or_else(|| Fault::new("a part of what was kept is missing"))?;
        decoded(text).map(Zeroizing::new)
    }

    fn list(&self, name: Option<&str>, kind: &str, library: &Library) -> Outcome<Option<Arc<TrustList>>> {
        name.map(|name| library.read(&self.bytes_of(name)?, kind)).transpose()
    }

    fn own(
        &self,
        kept: Option<&KeptIdentity>,
        keys: &mut BTreeMap<String, Arc<KeyPair>>,
    ) -> Outcome<Option<Identity>> {
        let Some(kept) = kept else { return Ok(None) };
        let key = match keys.get(&kept.key) {
            Some(key) => Arc::clone(key),
            None => {
                let key = Arc::new(KeyPair::read(&self.bytes_of(&kept.key)?)?);
                keys.insert(kept.key.clone(), Arc::clone(&key));
                key
            }
        };
        Ok(Some(Identity { certificate: decoded(&kept.certificate)?, key }))
    }
}

fn decoded(text: &str) -> Outcome<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| Fault::new("what was kept is not base64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::keys::{Keys, Kind};

    fn phone(name: &str, keys: &Keys) -> Phone {
        let own =
            Identity { certificate: name.as_bytes().to_vec(), key: keys.pair(Kind::Rsa(2048)).unwrap() };
        Phone { tvs: Some("tvs:2445".into()), lsc: Some(own), ..Phone::new(name, "8845") }
    }

    #[test]
    fn phones_are_what_they_were_and_share_what_they_shared() {
        let keys = Keys::with(1).unwrap();
        let before = ["SEP000000000001", "SEP000000000002"].map(|name| phone(name, &keys));
        let mut memory = Memory::default();
        memory.keep(&before);
        assert_eq!(memory.shared.len(), 1, "one key, kept once");
        let memory = Memory::read(&memory.bytes().unwrap()).unwrap();
        let mut after =
            [&before[0].name, &before[1].name, "SEP000000000003"].map(|name| Phone::new(name, "8845"));
        memory.recall(&mut after).unwrap();
        for (before, after) in before.iter().zip(&after) {
            let (own, kept) = (before.lsc.as_ref().unwrap(), after.lsc.as_ref().unwrap());
            assert_eq!(own.certificate, kept.certificate);
            assert_eq!(own.key.pkcs8(), kept.key.pkcs8());
            assert_eq!(before.tvs, after.tvs);
        }
        assert!(after[2].lsc.is_none());
    }

    #[test]
    fn what_no_phone_has_any_more_goes() {
        let keys = Keys::with(1).unwrap();
        let mut memory = Memory::default();
        memory.keep(&[phone("SEP000000000001", &keys)]);
        memory.keep(&[Phone::new("SEP000000000001", "8845")]);
        assert!(memory.shared.is_empty());
    }

    #[test]
    fn what_is_no_memory_is_refused() {
        for bad in [&b""[..], b"{}", b"[]", br#"{"version": 2, "shared": {}, "phones": {}}"#] {
            assert!(Memory::read(bad).is_err());
        }
        let missing = br#"{"version": 1, "shared": {}, "phones": {"SEP000000000001": {"ctl": "00"}}}"#;
        let memory = Memory::read(missing).unwrap();
        assert!(memory.recall(&mut [Phone::new("SEP000000000001", "8845")]).is_err());
    }
}
