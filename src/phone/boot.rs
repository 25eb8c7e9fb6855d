//! A boot: lists, CAPF, TVS, signed configuration, and the alarm that tells how the lists went.

use super::accept::{Alarm, Vouched, judge};
use super::capf::Ended;
use super::certificate::Certificate;
use super::keys::Keys;
use super::list::TrustList;
use super::signed_file::SignedFile;
use super::state::{Installed, Phone};
use super::tls::Tls;
use super::{Fault, Outcome, capf, tvs, wire};

/// TVS's code of who signs lists.
const SIGNS_LISTS: u8 = 0;
/// TVS's codes of those who sign files: CCM+TFTP and TFTP.
const SIGNS_FILES: [u8; 2] = [2, 3];

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

/// How a boot went.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// What the phone reports of its lists; none if nothing was new.
    pub alarm: Option<Alarm>,
    /// Why a list was refused.
    pub refused_list: Option<Fault>,
    /// How the session with CAPF ended.
    pub capf: Option<Outcome<Ended>>,
    /// Whether the configuration was taken.
    pub configuration: Option<Outcome<()>>,
}

impl Boot {
    /// The first thing that went wrong.
    pub fn fault(&self) -> Option<String> {
        let capf = match &self.capf {
            Some(Err(fault)) => Some(format!("CAPF: {fault}")),
            Some(Ok(Ended::Refused(reason))) => Some(format!("CAPF refused, reason {reason}")),
            Some(Ok(Ended::Done | Ended::Nothing)) | None => None,
        };
        let list = self.refused_list.as_ref().map(|fault| format!("list: {fault}"));
        let file = self.configuration.as_ref().and_then(|taken| taken.as_ref().err());
        list.or(capf).or_else(|| file.map(|fault| format!("configuration: {fault}")))
    }
}

/// Boots a phone: it changes by what it takes.
pub async fn boot(phone: &mut Phone, world: &World, tls: &Tls, keys: &Keys) -> Boot {
    let mut boot = Boot::default();
    if let Some(from) = &world.lists {
        lists(phone, tls, from, &mut boot).await;
    }
    if let Some(to) = &world.capf {
        boot.capf = Some(capf::session(phone, tls, to, keys).await);
    }
    if let Some(from) = world.lists.as_ref().filter(|_| world.configuration) {
        boot.configuration = Some(configuration(phone, tls, from).await);
    }
    // The address of TVS stands in the configuration: one that was refused tells nothing.
    if !matches!(boot.configuration, Some(Err(_))) {
        phone.tvs = world.tvs.clone().or(phone.tvs.take());
    }
    boot
}

/// The CTL first, then the ITL.
async fn lists(phone: &mut Phone, tls: &Tls, from: &str, boot: &mut Boot) {
    let before = phone.installed.clone();
    match both(phone, tls, from).await {
        Ok(after) => {
            let changed = |old: &Option<TrustList>, new: &Option<TrustList>| {
                new.as_ref().map(TrustList::file) != old.as_ref().map(TrustList::file)
            };
            if changed(&before.ctl, &after.ctl) || changed(&before.itl, &after.itl) {
                boot.alarm = Some(Alarm::of_success(&before, &after));
            }
            phone.installed = after;
        }
        Err(fault) => {
            boot.alarm = Some(Alarm::of_failure(&phone.installed));
            boot.refused_list = Some(fault);
        }
    }
}

/// What the phone holds after looking at both files. An accepted CTL stays also if the ITL is refused then.
async fn both(phone: &mut Phone, tls: &Tls, from: &str) -> Outcome<Installed> {
    let before = phone.installed.clone();
    let ctl = offered(phone, from, "CTL").await?;
    if let Some(ctl) = ctl.filter(|new| !is_same(new, before.ctl.as_ref())) {
        take(phone, tls, &before, &ctl).await?;
        phone.installed.ctl = Some(ctl);
    }
    let itl = offered(phone, from, "ITL").await?;
    if let Some(itl) = itl.filter(|new| !is_same(new, before.itl.as_ref())) {
        let with_ctl = Installed { ctl: phone.installed.ctl.clone(), itl: before.itl };
        take(phone, tls, &with_ctl, &itl).await?;
        phone.installed.itl = Some(itl);
    }
    Ok(phone.installed.clone())
}

async fn offered(phone: &Phone, from: &str, kind: &str) -> Outcome<Option<TrustList>> {
    let own = wire::fetch(from, &format!("{kind}{}.tlv", phone.name)).await?;
    let file = match own {
        Some(file) => Some(file),
        None => wire::fetch(from, &format!("{kind}File.tlv")).await?,
    };
    file.map(|file| TrustList::read(&file, kind)).transpose()
}

fn is_same(new: &TrustList, installed: Option<&TrustList>) -> bool {
    installed.is_some_and(|installed| installed.file() == new.file())
}

async fn take(phone: &Phone, tls: &Tls, installed: &Installed, new: &TrustList) -> Outcome<()> {
    match judge(installed, new)? {
        Vouched::Taken => Ok(()),
        Vouched::Unknown => {
            let tvs = phone.tvs.as_deref();
            let tvs = tvs.ok_or_else(|| Fault::new("the signer is unknown, and no TVS can be asked"))?;
            let answer = tvs::verify(phone, tls, tvs, new.signer()?.der()).await?;
            match answer.valid && answer.roles.contains(&SIGNS_LISTS) {
                true => Ok(()),
                false => Err(Fault::new("the signer is unknown, and TVS does not vouch for it")),
            }
        }
    }
}

/// The configuration must be signed by who is listed for that, or whom TVS knows so.
async fn configuration(phone: &Phone, tls: &Tls, from: &str) -> Outcome<()> {
    let name = format!("{}.cnf.xml.sgn", phone.name);
    let file = wire::fetch(from, &name).await?.ok_or_else(|| Fault::new(format!("{name} is not there")))?;
    let signed = SignedFile::read(&file, &name)?;
    let serial = signed.signer_serial()?;
    if let Some(signer) = phone.installed.lists().find_map(|list| list.file_signer(serial)) {
        return signed.content(signer).map(drop);
    }
    let tvs = phone.tvs.as_deref();
    let tvs = tvs.ok_or_else(|| Fault::new("the file's signer is unknown, and no TVS can be asked"))?;
    let (subject, issuer) = signed.signer_names()?;
    let answer = tvs::query(phone, tls, tvs, (&subject, &issuer, serial)).await?;
    match answer.certificate {
        Some(der) if answer.valid && answer.roles.iter().any(|role| SIGNS_FILES.contains(role)) => {
            let signer = Certificate::read(&der)?;
            if signer.serial() != serial {
                return Err(Fault::new("TVS answered with another certificate than was asked for"));
            }
            signed.content(&signer).map(drop)
        }
        Some(_) | None => Err(Fault::new("the file's signer is unknown, and TVS does not vouch for it")),
    }
}
