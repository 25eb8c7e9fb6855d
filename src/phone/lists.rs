//! The lists at a boot: the CTL first, then the ITL, each held against those that the phone has.

use std::sync::Arc;

use super::accept::{Alarm, Vouched, judge};
use super::boot::{Boot, Kit};
use super::list::TrustList;
use super::state::{Installed, Phone};
use super::{Fault, Outcome, vouched, wire};

/// Why a phone did not come to new lists.
enum Missed {
    /// Nobody gave it any.
    Unreachable(Fault),
    /// It did not take what it was given.
    Refused(Fault),
}

/// Takes new lists, or keeps the old ones; the boot says which. A list that cannot be fetched is no reason for an alarm.
pub(super) async fn take(phone: &mut Phone, kit: &Kit<'_>, from: &str, boot: &mut Boot) {
    let before = phone.installed.clone();
    match both(phone, kit, from).await {
        Ok(()) => {
            let changed = |old: &Option<Arc<TrustList>>, new: &Option<Arc<TrustList>>| {
                new.as_ref().map(|list| list.file()) != old.as_ref().map(|list| list.file())
            };
            let after = &phone.installed;
            if changed(&before.ctl, &after.ctl) || changed(&before.itl, &after.itl) {
                boot.alarm = Some(Alarm::of_success(&before, after));
            }
        }
        Err(Missed::Unreachable(fault)) => boot.unreachable = Some(fault),
        Err(Missed::Refused(fault)) => {
            boot.alarm = Some(Alarm::of_failure(&phone.installed));
            boot.refused_list = Some(fault);
        }
    }
}

/// Both files. An accepted CTL stays also if the ITL is refused then.
async fn both(phone: &mut Phone, kit: &Kit<'_>, from: &str) -> Result<(), Missed> {
    let before = phone.installed.clone();
    let ctl = offered(phone, kit, from, "CTL").await?;
    if let Some(ctl) = ctl.filter(|new| !is_same(new, before.ctl.as_deref())) {
        accept(phone, kit, &before, &ctl).await.map_err(Missed::Refused)?;
        phone.installed.ctl = Some(ctl);
    }
    let itl = offered(phone, kit, from, "ITL").await?;
    if let Some(itl) = itl.filter(|new| !is_same(new, before.itl.as_deref())) {
        let with_ctl = Installed { ctl: phone.installed.ctl.clone(), itl: before.itl };
        accept(phone, kit, &with_ctl, &itl).await.map_err(Missed::Refused)?;
        phone.installed.itl = Some(itl);
    }
    Ok(())
}

async fn offered(
    phone: &Phone,
    kit: &Kit<'_>,
    from: &str,
    kind: &str,
) -> Result<Option<Arc<TrustList>>, Missed> {
    let own = fetch(from, &format!("{kind}{}.tlv", phone.name)).await?;
    let file = match own {
        Some(file) => Some(file),
        None => fetch(from, &format!("{kind}File.tlv")).await?,
    };
    file.map(|file| kit.library.read(&file, kind)).transpose().map_err(Missed::Refused)
}

async fn fetch(from: &str, name: &str) -> Result<Option<Vec<u8>>, Missed> {
    wire::fetch(from, name).await.map_err(Missed::Unreachable)
}

fn is_same(new: &TrustList, installed: Option<&TrustList>) -> bool {
    installed.is_some_and(|installed| installed.file() == new.file())
}

async fn accept(phone: &mut Phone, kit: &Kit<'_>, installed: &Installed, new: &TrustList) -> Outcome<()> {
    match judge(installed, new)? {
        Vouched::Taken => Ok(()),
        Vouched::Unknown => {
            let signer = new.signer()?.certificate();
            let signer = signer
                .ok_or_else(|| Fault::new("the signer is unknown, and his certificate is not there"))?;
            vouched::list_signer(phone, kit.tls, kit.now, signer.der()).await
        }
    }
}
