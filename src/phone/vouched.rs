//! Whom TVS vouches for: asked where the lists do not know a signer, and remembered for as long as TVS says.

use std::time::Duration;

use super::certificate::Certificate;
use super::signed_file::SignedFile;
use super::state::Phone;
use super::tls::Tls;
use super::{Fault, Outcome, tvs};
use crate::clock::Timestamp;

/// TVS's code of who signs lists.
const SIGNS_LISTS: [u8; 1] = [0];
/// TVS's codes of those who sign files: CCM+TFTP and TFTP.
const SIGNS_FILES: [u8; 2] = [2, 3];
/// So many certificates are remembered; the oldest make room.
const MOST: usize = 16;

/// Certificates that TVS vouched for.
#[derive(Clone, Debug, Default)]
pub struct Vouched(Vec<Remembered>);

#[derive(Clone, Debug)]
struct Remembered {
    certificate: Certificate,
    roles: Vec<u8>,
    until: Timestamp,
}

impl Vouched {
    /// The certificate that `is_it` finds, if TVS vouched for it in one of these roles and that still counts.
    fn find(
        &self,
        roles: &[u8],
        now: Timestamp,
        is_it: impl Fn(&Certificate) -> bool,
    ) -> Option<&Certificate> {
        let counts =
            |known: &&Remembered| known.until > now && known.roles.iter().any(|role| roles.contains(role));
        self.0.iter().rev().filter(counts).map(|known| &known.certificate).find(|found| is_it(found))
    }

    /// Remembers a certificate in its roles for `ttl` seconds from `now`.
    fn remember(&mut self, certificate: Certificate, roles: Vec<u8>, now: Timestamp, ttl: u32) {
        if ttl == 0 {
            return;
        }
        self.0.retain(|known| known.until > now && known.certificate.der() != certificate.der());
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        let until = now.plus(Duration::from_secs(ttl.into()));
        self.0.push(Remembered { certificate, roles, until });
    }
}

/// Whether TVS lets this certificate (DER) sign lists: by its word of before, or asked now. Faults: it does not, or cannot
/// be asked.
pub(super) async fn list_signer(phone: &mut Phone, tls: &Tls, now: Timestamp, der: &[u8]) -> Outcome<()> {
    if phone.vouched.find(&SIGNS_LISTS, now, |known| known.der() == der).is_some() {
        return Ok(());
    }
    let at = address(phone, "the signer is unknown, and no TVS can be asked")?;
    let answer = tvs::verify(phone, tls, &at, der).await?;
    if !answer.vouches(&SIGNS_LISTS) {
        return Err(Fault::new("the signer is unknown, and TVS does not vouch for it"));
    }
    phone.vouched.remember(Certificate::read(der)?, answer.roles, now, answer.ttl);
    Ok(())
}

/// Who signed a file and stands in no list of the phone, if TVS knows him as one who may. Faults: it does not, or cannot
/// be asked.
pub(super) async fn file_signer(
    phone: &mut Phone,
    tls: &Tls,
    now: Timestamp,
    file: &SignedFile<'_>,
) -> Outcome<Certificate> {
    let serial = file.signer_serial()?;
    if let Some(known) = phone.vouched.find(&SIGNS_FILES, now, |known| known.serial() == serial) {
        return Ok(known.clone());
    }
    let at = address(phone, "the file's signer is unknown, and no TVS can be asked")?;
    let (subject, issuer) = file.signer_names()?;
    let answer = tvs::query(phone, tls, &at, (&subject, &issuer, serial)).await?;
    let certificate = answer.certificate.as_deref().filter(|_| answer.vouches(&SIGNS_FILES));
    let certificate = certificate
        .ok_or_else(|| Fault::new("the file's signer is unknown, and TVS does not vouch for it"))?;
    let signer = Certificate::read(certificate)?;
    if signer.serial() != serial {
        return Err(Fault::new("TVS answered with another certificate than was asked for"));
    }
    phone.vouched.remember(signer.clone(), answer.roles, now, answer.ttl);
    Ok(signer)
}

fn address(phone: &Phone, unless: &str) -> Outcome<String> {
    phone.tvs.clone().ok_or_else(|| Fault::new(unless))
}
