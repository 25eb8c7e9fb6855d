//! A boot: lists, CAPF, TVS, signed configuration, and the alarm that tells how the lists went.

use super::accept::Alarm;
use super::capf::{self, Ended};
use super::configuration::{self, Configuration};
use super::keys::Keys;
use super::library::Library;
use super::state::Phone;
use super::tls::Tls;
use super::{Fault, Outcome, lists};
use crate::clock::Timestamp;

/// What a phone finds when it boots. An address that is not there is not gone to.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Where lists and files are (`HOST:PORT`, HTTP).
    pub lists: Option<String>,
    /// Where CAPF is (`HOST:PORT`).
    pub capf: Option<String>,
    /// Where TVS is (`HOST:PORT`): learned by this boot, used from the next on.
    pub tvs: Option<String>,
    /// Whether the phone's configuration must be there, and signed.
    pub configuration: bool,
}

/// What every boot needs.
#[derive(Clone, Copy)]
pub struct Kit<'a> {
    /// Connections.
    pub tls: &'a Tls,
    /// Keys for CAPF.
    pub keys: &'a Keys,
    /// Lists that other phones read before.
    pub library: &'a Library,
    /// The moment of the boot.
    pub now: Timestamp,
}

/// How a boot went.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// What the phone reports of its lists; none if nothing was new.
    pub alarm: Option<Alarm>,
    /// Why lists could not be fetched: the phone keeps what it has.
    pub unreachable: Option<Fault>,
    /// Why a list was refused.
    pub refused_list: Option<Fault>,
    /// How the session with CAPF ended.
    pub capf: Option<Outcome<Ended>>,
    /// How the configuration was taken.
    pub configuration: Option<Outcome<Configuration>>,
}

impl Boot {
    /// The first thing that went wrong.
    pub fn fault(&self) -> Option<String> {
        let missed = self.unreachable.as_ref().map(|fault| format!("lists: {fault}"));
        let refused = self.refused_list.as_ref().map(|fault| format!("list refused: {fault}"));
        missed.or(refused).or_else(|| self.capf_fault()).or_else(|| self.configuration_fault())
    }

    fn capf_fault(&self) -> Option<String> {
        match self.capf.as_ref()? {
            Err(fault) => Some(format!("CAPF: {fault}")),
            Ok(Ended::Refused(reason)) => Some(format!("CAPF refused, reason {reason}{}", meaning(*reason))),
            Ok(Ended::Done | Ended::Nothing) => None,
        }
    }

    fn configuration_fault(&self) -> Option<String> {
        match self.configuration.as_ref()? {
            Err(fault) => Some(format!("configuration: {fault}")),
            Ok(Configuration::ForAnother(why)) => Some(format!("configuration: {why}")),
            Ok(Configuration::Signed | Configuration::Encrypted) => None,
        }
    }
}

/// What a reason of CAPF tells its reader.
fn meaning(reason: u8) -> &'static str {
    match reason {
        7 => " (declined: the device's operation asks for another proof, or the proof is wrong)",
        9 => " (no such device in the inventory)",
        _ => "",
    }
}

/// Boots a phone: it changes by what it takes.
pub async fn boot(phone: &mut Phone, world: &World, kit: Kit<'_>) -> Boot {
    let mut boot = Boot::default();
    if let Some(from) = &world.lists {
        lists::take(phone, &kit, from, &mut boot).await;
    }
    if let Some(to) = &world.capf {
        boot.capf = Some(capf::session(phone, kit.tls, to, kit.keys).await);
    }
    if let Some(from) = world.lists.as_ref().filter(|_| world.configuration) {
        configured(phone, world, &kit, from, &mut boot).await;
    }
    // The address of TVS stands in the configuration: one that was refused tells nothing.
    if !matches!(boot.configuration, Some(Err(_) | Ok(Configuration::ForAnother(_)))) {
        phone.tvs = world.tvs.clone().or(phone.tvs.take());
    }
    boot
}

/// A configuration that is encrypted for another certificate sends the phone to CAPF, and it asks once more.
async fn configured(phone: &mut Phone, world: &World, kit: &Kit<'_>, from: &str, boot: &mut Boot) {
    let mut taken = configuration::take(phone, kit, from).await;
    if let (Ok(Configuration::ForAnother(_)), Some(to)) = (&taken, &world.capf) {
        let ended = capf::session(phone, kit.tls, to, kit.keys).await;
        if matches!(ended, Ok(Ended::Done)) {
            boot.capf = Some(ended);
            taken = configuration::take(phone, kit, from).await;
        }
    }
    boot.configuration = Some(taken);
}
