//! The CRLs of a CA, and how it makes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Role;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::store::{IndexKey, KeyBuilder, Kind, Record, unknown_version};

/// How long the CRL of an issuing CA is good for, if nothing else was set.
const ISSUING_WINDOW: Duration = Duration::from_hours(7 * 24);
/// How long the CRL of a root is good for: its key may be far away.
const ROOT_WINDOW: Duration = Duration::from_hours(365 * 24);
/// The most shards of a CA.
pub const MOST_SHARDS: u32 = 4096;

/// The certificates that one CRL is about: those of a CA in one shard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// Who issued them.
    pub ca: CaId,
    /// Their shard; 0 is the one at `/crl/CA.crl`.
    pub shard: u32,
}

impl Scope {
    /// Shard 0 of a CA: all of its certificates, if it never had more shards.
    pub fn whole(ca: &CaId) -> Self {
        Self { ca: ca.clone(), shard: 0 }
    }

    /// The address of its complete CRL, as it stands in its certificates.
    pub fn url(&self, public_url: &str) -> String {
        match self.shard {
            0 => format!("{public_url}/crl/{}.crl", self.ca),
            shard => format!("{public_url}/crl/{}/{shard}.crl", self.ca),
        }
    }

    /// The address of its delta CRL.
    pub fn delta_url(&self, public_url: &str) -> String {
        match self.shard {
            0 => format!("{public_url}/crl/{}/delta.crl", self.ca),
            shard => format!("{public_url}/crl/{}/{shard}-delta.crl", self.ca),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.shard {
            0 => write!(f, "{}", self.ca),
            shard => write!(f, "{} shard {shard}", self.ca),
        }
    }
}

/// The last CRL of a scope, complete or delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlRecord {
    /// Whose.
    pub ca: CaId,
    /// CRLNumber: never goes back, and is shared by the complete and the delta CRLs of a scope.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next is there at the latest.
    pub next_update: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How many changes to the scope had been recorded when its entries were read (the counter of
    /// [`super::RevocationRecord::counter_key`]): a higher count means that another CRL is due.
    pub covers: i64,
    /// The CRL, DER. The store keeps it in pieces.
    pub der: Vec<u8>,
    /// Of which shard.
    pub shard: u32,
    /// BaseCRLNumber of a delta CRL; none of a complete one.
    pub base: Option<u64>,
    /// The revision of the CA's [`CrlSettingsRecord`] by which it was made; 0 before there was one.
    pub settings: u64,
}

impl CrlRecord {
    /// The key of a scope's complete CRL.
    pub fn key_of(scope: &Scope) -> Vec<u8> {
        Self::key_in(scope, false)
    }

    /// The key of a scope's delta CRL.
    pub fn delta_key_of(scope: &Scope) -> Vec<u8> {
        Self::key_in(scope, true)
    }

    /// Which certificates it is about.
    pub fn scope(&self) -> Scope {
        Scope { ca: self.ca.clone(), shard: self.shard }
    }

    /// The complete CRL of shard 0 has the key that it had before there were others.
    fn key_in(scope: &Scope, is_delta: bool) -> Vec<u8> {
        if scope.shard == 0 && !is_delta {
            return scope.ca.as_str().as_bytes().to_vec();
        }
        let key = KeyBuilder::new().text(scope.ca.as_str());
        key.bytes(&scope.shard.to_be_bytes()).bytes(&[u8::from(is_delta)]).build()
    }
}

impl Record for CrlRecord {
    const KIND: Kind = Kind { id: 13, name: "crl" };
    const VERSION: u8 = 2;

    /// Version 1 had no shard, no base and no settings, the last fields: zero, none and zero.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        match version {
            1 => postcard::from_bytes(&[body, &[0, 0, 0]].concat())
                .map_err(|e| Error::storage("a crl record is damaged").because(e)),
            _ => Err(unknown_version(Self::KIND, version)),
        }
    }

    fn key(&self) -> Vec<u8> {
        Self::key_in(&self.scope(), self.base.is_some())
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// The complete CRL that the delta CRLs of a scope start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseCrlRecord {
    /// Whose.
    pub ca: CaId,
    /// Of which shard.
    pub shard: u32,
    /// Its CRLNumber.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// The revision of the settings by which it was made.
    pub settings: u64,
    /// The CRL, DER.
    pub der: Vec<u8>,
}

impl BaseCrlRecord {
    /// The key of a scope's base.
    pub fn key_of(scope: &Scope) -> Vec<u8> {
        KeyBuilder::new().text(scope.ca.as_str()).bytes(&scope.shard.to_be_bytes()).build()
    }
}

impl Record for BaseCrlRecord {
    const KIND: Kind = Kind { id: 17, name: "base-crl" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&Scope { ca: self.ca.clone(), shard: self.shard })
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// How a CA makes its CRLs; without one it makes a single complete CRL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlSettingsRecord {
    /// Whose.
    pub ca: CaId,
    /// Over how many shards the certificates issued from now on are spread; 1 to [`MOST_SHARDS`].
    pub shards: u32,
    /// The highest shard that has a CRL: not below `shards` while certificates point there; 0 if the CA has no shard
    /// but the first.
    pub used: u32,
    /// How long a complete CRL is good for, in seconds.
    pub window: Option<u64>,
    /// How long a delta CRL is good for, in seconds; none: there are no delta CRLs.
    pub delta: Option<u64>,
    /// CRLNumbers go on above this: what was published before a backup was brought back.
    pub floor: u64,
    /// Where the CRLs were published when certificates began to point to shards: each of these stands in the CRLs.
    pub places: Vec<String>,
    /// Until when a certificate points to a shard above `shards`, as far as it was looked at.
    pub retire_after: Option<Timestamp>,
}

impl CrlSettingsRecord {
    /// The key of a CA's settings.
    pub fn key_of(ca: &CaId) -> Vec<u8> {
        ca.as_str().as_bytes().to_vec()
    }

    /// What holds when nothing was set.
    pub fn default_of(ca: &CaId) -> Self {
        let ca = ca.clone();
        Self {
            ca,
            shards: 1,
            used: 0,
            window: None,
            delta: None,
            floor: 0,
            places: Vec::new(),
            retire_after: None,
        }
    }

    /// All scopes that have a CRL, the first shard first.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> + use<> {
        let ca = self.ca.clone();
        (0..=self.used).map(move |shard| Scope { ca: ca.clone(), shard })
    }

    /// The shard of a certificate that is issued now. Our serial numbers end in random octets.
    pub fn shard_of(&self, serial: &Serial) -> u32 {
        if self.shards <= 1 {
            return 0;
        }
        let tail =
            serial.content().iter().rev().take(8).fold(0, |n: u64, octet| (n << 8) | u64::from(*octet));
        u32::try_from(tail % u64::from(self.shards)).unwrap_or(0) + 1
    }

    /// How long a complete CRL is good for.
    pub fn window(&self, role: Role) -> Duration {
        let usual = match role {
            Role::Root => ROOT_WINDOW,
            Role::Issuing => ISSUING_WINDOW,
        };
        self.window.map_or(usual, Duration::from_secs)
    }

    /// The names of a scope's distribution point: none while the CA has but one CRL, which is about all it issued.
    pub fn points(&self, scope: &Scope, public_url: &str) -> Vec<String> {
        if self.used == 0 {
            return Vec::new();
        }
        let mut places: Vec<&str> = self.places.iter().map(String::as_str).collect();
        if !places.contains(&public_url) {
            places.push(public_url);
        }
        places.into_iter().map(|place| scope.url(place)).collect()
    }
}

impl Record for CrlSettingsRecord {
    const KIND: Kind = Kind { id: 16, name: "crl-settings" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.ca)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::store::{Envelope, Stored};

    fn ca() -> CaId {
        "ec-issuing".parse().unwrap()
    }

    #[test]
    fn serial_numbers_spread_evenly_over_the_shards() {
        let settings = CrlSettingsRecord { shards: 8, ..CrlSettingsRecord::default_of(&ca()) };
        let (random, mut seen) = (Random::system(), [0u32; 10]);
        for _ in 0..8_000 {
            let serial = Serial::new(Timestamp::from_millis(1_790_000_000_000), &random).unwrap();
            seen[settings.shard_of(&serial) as usize] += 1;
            assert_eq!(CrlSettingsRecord::default_of(&ca()).shard_of(&serial), 0);
        }
        assert_eq!((seen[0], seen[9]), (0, 0));
        assert!(seen[1..9].iter().all(|n| (800..1_200).contains(n)), "{seen:?}");
    }

    #[test]
    fn a_crl_from_before_shards_is_that_of_shard_0() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let record = CrlRecord {
            ca: ca(),
            number: 7,
            this_update: now,
            next_update: now,
            entries: 1,
            covers: 2,
            der: vec![3; 9],
            shard: 0,
            base: None,
            settings: 0,
        };
        let body = postcard::to_allocvec(&record).unwrap();
        let key = b"ec-issuing".to_vec();
        assert_eq!(record.key(), key);
        let old = Envelope { key, revision: 1, version: 1, body: body[..body.len() - 3].to_vec() };
        assert_eq!(Stored::<CrlRecord>::open(&old).unwrap().value, record);
    }

    #[test]
    fn no_two_crls_share_a_key_or_an_address() {
        let (mut keys, mut urls) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        for ca in ["ec", "ec-issuing"] {
            for shard in [0, 1, 255, 256, 4096] {
                let scope = Scope { ca: ca.parse().unwrap(), shard };
                assert!(
                    keys.insert(CrlRecord::key_of(&scope)) && keys.insert(CrlRecord::delta_key_of(&scope))
                );
                assert!(urls.insert(scope.url("http://a")) && urls.insert(scope.delta_url("http://a")));
            }
        }
    }
}
