//! One phone in its world.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use signet::clock::Timestamp;
use signet::phone::keys::{KeyPair, Keys};
use signet::phone::{Boot, Identity, Kit, Library, Phone, Tls, World, boot};

use super::key::{Key, key};
use super::world::Files;
use super::writer::{CAPF, CCM_TFTP, Draft, SAST, TFTP, TVS};

pub const NAME: &str = "SEP0123456789AB";
const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A phone, and where it goes.
pub struct Stand {
    pub phone: Phone,
    pub files: Files,
    pub world: World,
    pub now: Timestamp,
}

impl Stand {
    /// A phone fresh from the box.
    pub async fn fresh() -> Self {
        let files = Files::serve().await;
        let world = World { lists: Some(files.at.to_string()), ..World::default() };
        Self { phone: Phone::new(NAME, "8845"), files, world, now: BEGINNING }
    }

    /// A phone that holds the lists as far as they are given.
    pub async fn holding(ctl: Option<Vec<u8>>, itl: Option<Vec<u8>>) -> Self {
        let mut stand = Self::fresh().await;
        stand.offer(ctl, itl);
        let boot = stand.boot().await;
        assert_eq!(boot.fault(), None);
        stand
    }

    /// A phone that holds the usual ITL.
    pub async fn usual() -> Self {
        Self::holding(None, Some(itl().bytes())).await
    }

    /// Puts these lists there, and takes others away.
    pub fn offer(&self, ctl: Option<Vec<u8>>, itl: Option<Vec<u8>>) {
        for (kind, list) in [("CTL", ctl), ("ITL", itl)] {
            let name = format!("{kind}{NAME}.tlv");
            match list {
                Some(list) => self.files.put(&name, list),
                None => self.files.remove(&name),
            }
        }
    }

    pub async fn boot(&mut self) -> Boot {
        static SHARED: OnceLock<(Tls, Keys, Library)> = OnceLock::new();
        let shared = || (Tls::new().unwrap(), Keys::with(1).unwrap(), Library::default());
        let (tls, keys, library) = SHARED.get_or_init(shared);
        boot(&mut self.phone, &self.world, Kit { tls, keys, library, now: self.now }).await
    }

    pub fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }
}

/// The usual ITL: its recovery signer signs it.
pub fn itl() -> Draft {
    let (signer, tftp) = (key("recovery"), key("tftp"));
    let entries = [
        (SAST, &signer),
        (CCM_TFTP, &key("callmanager")),
        (TFTP, &tftp),
        (CAPF, &key("capf")),
        (TVS, &key("tvs")),
    ];
    Draft::list("ITLFile.tlv", &signer, &entries)
}

/// An ITL of another signer than the usual one's.
pub fn foreign_itl() -> Draft {
    let other = key("other");
    Draft::list("ITLFile.tlv", &other, &[(SAST, &other), (TVS, &key("tvs")), (TFTP, &key("tftp"))])
}

/// What a phone has that has this key.
pub fn own(key: &Key) -> Option<Identity> {
    let pair = Arc::new(KeyPair::read(&key.pkcs8).unwrap());
    Some(Identity { certificate: key.der.clone(), key: pair })
}
