//! The two hierarchies that a new installation gets, and the subjects of CAs.

use std::time::Duration;

use const_oid::db::rfc4519;

use super::{NewCa, Parent};
use crate::ca::records::Role;
use crate::error::Result;
use crate::id::CaId;
use crate::keys::Place;
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::{Attribute, Name};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 20 years.
const ROOT_LIFETIME: Duration = Duration::from_secs(DAY.as_secs() * 7305);
/// 10 years.
const ISSUING_LIFETIME: Duration = Duration::from_secs(DAY.as_secs() * 3652);

/// `rsa-root` (4096) over `rsa-issuing` (2048) for phones, SCEP and 802.1X, because many devices cannot
/// validate an EC chain, `capf` (2048) under the same root for the LSCs of phones, and `ec-root` over `ec-issuing`
/// (P-384) for servers.
/// Errors: `bad-name` if the organization is no valid attribute.
pub fn default_plan(organization: Option<&str>) -> Result<Vec<NewCa>> {
    let ca = |id: &str, algorithm, parent: Option<&str>| -> Result<NewCa> {
        let id: CaId = id.parse()?;
        Ok(NewCa {
            subject: default_subject(&id, organization)?,
            id,
            algorithm,
            lifetime: if parent.is_some() { ISSUING_LIFETIME } else { ROOT_LIFETIME },
            place: Place::Software,
            serves_tls: false,
            parent: parent.map_or(Ok(Parent::Itself), |p| p.parse().map(Parent::Ours))?,
        })
    };
    Ok(vec![
        ca("rsa-root", KeyAlgorithm::Rsa4096, None)?,
        ca("rsa-issuing", KeyAlgorithm::Rsa2048, Some("rsa-root"))?,
        NewCa { serves_tls: true, ..ca("capf", KeyAlgorithm::Rsa2048, Some("rsa-root"))? },
        ca("ec-root", KeyAlgorithm::P384, None)?,
        ca("ec-issuing", KeyAlgorithm::P384, Some("ec-root"))?,
    ])
}

/// How long a CA lives for which nobody says it.
pub(in crate::ca) fn lifetime_of(role: Role) -> Duration {
    match role {
        Role::Root => ROOT_LIFETIME,
        Role::Issuing => ISSUING_LIFETIME,
    }
}

/// The subject of a CA for which none is given: `rsa-issuing` becomes `CN=Signet RSA Issuing CA`, with the
/// organization before it. Errors: `bad-name`.
pub fn default_subject(id: &CaId, organization: Option<&str>) -> Result<Name> {
    let words: Vec<String> = id.as_str().split('-').filter(|w| !w.is_empty()).map(title).collect();
    let common_name = format!("Signet {} CA", words.join(" "));
    let organization = organization.map(|value| Attribute { oid: rfc4519::O, value: value.to_owned() });
    let common_name = Attribute { oid: rfc4519::CN, value: common_name };
    Name::from_attributes(&organization.into_iter().chain([common_name]).collect::<Vec<_>>())
}

fn title(word: &str) -> String {
    if matches!(word, "rsa" | "ec" | "ecdsa" | "ca" | "tls" | "ip" | "capf") {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
