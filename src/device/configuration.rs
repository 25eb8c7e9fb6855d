//! By which certificate a device's configuration file is encrypted: the one that it confirmed to hold.

use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::device::{DeviceName, inventory};
use crate::error::{Error, Result};
use crate::store::{Db, Scan};
use crate::trust::tlv::FileName;
use crate::x509::cert::Certificate;

/// What follows the device's name in the name of its file.
const SUFFIX: &str = ".cnf.xml";

/// The certificate of the device whose configuration this file is, if it is live at `now`.
/// Errors: `no-device-certificate` if the name tells no device, or it is not known to hold a certificate of ours;
/// `storage`.
pub async fn certificate(db: &Db, now: Timestamp, file: &FileName) -> Result<Certificate> {
    let lacking = |why: &str| {
        let text =
            format!("{file} cannot be encrypted: {why}; sign it plain, or give the device's certificate");
        Error::conflict("no-device-certificate", text)
    };
    let name = file.as_str().strip_suffix(SUFFIX).and_then(|name| name.parse::<DeviceName>().ok());
    let name = name.ok_or_else(|| lacking("its name is not that of a device followed by .cnf.xml"))?;
    let device =
        inventory::find(db, &name).await?.ok_or_else(|| lacking("the device is not in the inventory"))?;
    let lsc = device.value.lsc.ok_or_else(|| lacking("the device has confirmed no certificate yet"))?;
    let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_FINGERPRINT);
    let found = db.all::<CertificateRecord>(scan.prefix(lsc.fingerprint[..16].to_vec())).await?;
    let same = found.into_iter().find(|stored| stored.value.fingerprint == lsc.fingerprint);
    let record = same.ok_or_else(|| lacking("its certificate is not one of ours"))?.value;
    if !record.is_live(now) {
        return Err(lacking("its certificate was revoked or has expired"));
    }
    Certificate::from_der(&record.der)
}
