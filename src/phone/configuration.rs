//! The configuration at a boot. A phone that has a certificate asks for the encrypted file first; where there is none, or none
//! that it can open, the plain file says what is: all of the configuration, or whose key the encrypted one needs.

use super::boot::Kit;
use super::keys::KeyPair;
use super::signed_file::SignedFile;
use super::state::{Identity, Phone};
use super::{Fault, Outcome, vouched, wire};

/// How a phone came to its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// It was signed.
    Signed,
    /// It was signed and encrypted to the phone.
    Encrypted,
    /// It is encrypted to another certificate than the phone's, as the plain file says: it must go to CAPF. Says what
    /// could help.
    ForAnother(&'static str),
}

/// Takes the configuration, which must be signed by who is listed for that, or whom TVS knows so. Faults: it is not
/// there, or not to be taken.
pub(super) async fn take(phone: &mut Phone, kit: &Kit<'_>, from: &str) -> Outcome<Configuration> {
    let mut not_opened = None;
    if let Some(own) = phone.opens_files().cloned() {
        match encrypted(phone, kit, from, &own.key).await? {
            Some(Ok(())) => return Ok(Configuration::Encrypted),
            Some(Err(fault)) => not_opened = Some(fault),
            None => {}
        }
    }
    let name = format!("{}.cnf.xml.sgn", phone.name);
    let file = wire::fetch(from, &name).await?.ok_or_else(|| Fault::new(format!("{name} is not there")))?;
    let content = checked(phone, kit, &SignedFile::read(&file, &name)?, None).await??;
    let Some(hash) = names_a_key(&content) else { return Ok(Configuration::Signed) };
    match phone.opens_files().map(Identity::hash) == Some(hash.clone()) {
        true => Err(not_opened.unwrap_or_else(|| Fault::new("the encrypted file is not there"))),
        false => Ok(Configuration::ForAnother(help(phone))),
    }
}

/// Why no file is encrypted to the phone, as far as it knows itself.
fn help(phone: &Phone) -> &'static str {
    match (phone.opens_files(), &phone.lsc) {
        (Some(_), _) => {
            "encrypted for another certificate: sign the files anew, for the one that the phone has now"
        }
        (None, Some(_)) => "the phone's certificate has an EC key, and files are encrypted to RSA keys alone",
        (None, None) => "encrypted, and the phone has no certificate",
    }
}

/// The encrypted file: none if there is none; inside, why it does not open. Faults: its signature does not hold.
async fn encrypted(
    phone: &mut Phone,
    kit: &Kit<'_>,
    from: &str,
    key: &KeyPair,
) -> Outcome<Option<Outcome<()>>> {
    let name = format!("{}.cnf.xml.enc.sgn", phone.name);
    let Some(file) = wire::fetch(from, &name).await? else { return Ok(None) };
    let opened = checked(phone, kit, &SignedFile::read(&file, &name)?, Some(key)).await?;
    Ok(Some(opened.map(drop)))
}

/// The content of a file whose signer the phone knows. Faults: outside, the signature; inside, what does not open.
async fn checked(
    phone: &mut Phone,
    kit: &Kit<'_>,
    file: &SignedFile<'_>,
    key: Option<&KeyPair>,
) -> Outcome<Outcome<Vec<u8>>> {
    let serial = file.signer_serial()?;
    let listed = phone.installed.lists().find_map(|list| list.file_signer(serial));
    let verified = match listed.map(|signer| file.verify(signer)).transpose()? {
        Some(verified) => verified,
        None => file.verify(vouched::file_signer(phone, kit.tls, kit.now, file).await?.key())?,
    };
    Ok(match key {
        Some(key) => verified.open(key),
        None => Ok(verified.body().to_vec()),
    })
}

/// The hash of the certificate that the full configuration is encrypted to, if this is not the full one.
fn names_a_key(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let of = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.trim().to_owned())
    };
    (of("encrConfig").as_deref() == Some("true")).then(|| of("certHash").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_file_says_whose_key_it_takes() {
        let named = |text: &str| names_a_key(text.as_bytes());
        assert_eq!(named("<device><loadInformation>x</loadInformation></device>"), None);
        assert_eq!(named("<device><encrConfig>false</encrConfig></device>"), None);
        let partial = "<device><certHash> 0a1b </certHash><encrConfig>true</encrConfig></device>";
        assert_eq!(named(partial), Some("0a1b".into()));
        assert_eq!(named("<device><encrConfig>true</encrConfig></device>"), Some(String::new()));
    }
}
