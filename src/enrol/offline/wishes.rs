//! What a CA elsewhere is asked for, as a certificate request message.

use crate::ca::profile::Profile;
use crate::enrol::offline::records::OfflineRequestRecord;
use crate::error::Result;
use crate::x509::cert::{Extension, ext};
use crate::x509::crmf::{self, Wish};
use crate::x509::key::PublicKey;

/// CertReqMsg (RFC 4211, DER) for a request, with the extensions that the profile wants. Its number is the beginning of the
/// operation's identifier: time and chance. Errors: `internal`, and those of the key.
pub fn request_message(profile: &Profile, asked: &OfflineRequestRecord) -> Result<Vec<u8>> {
    let number =
        asked.operation.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    let extensions = extensions(profile, asked)?;
    crmf::request_message(&Wish {
        number,
        subject: &asked.subject,
        spki: &asked.spki,
        extensions: &extensions,
    })
}

fn extensions(profile: &Profile, asked: &OfflineRequestRecord) -> Result<Vec<Extension>> {
    let key = PublicKey::from_spki(&asked.spki)?;
    let mut all = vec![ext::basic_constraints(false, None)?, ext::key_usage(profile.key_usage(&key))?];
    if !profile.extended_key_usage().is_empty() {
        all.push(ext::extended_key_usage(profile.extended_key_usage())?);
    }
    if !asked.sans.is_empty() {
        all.push(ext::subject_alt_name(&asked.sans, asked.subject.is_empty())?);
    }
    Ok(all)
}
