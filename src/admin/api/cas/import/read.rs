//! The bodies of an import, read.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::ImportActivation;
use crate::admin::api::json::{self, Fields};
use crate::admin::state::State as Service;
use crate::ca::import::{MOST_CERTIFICATES, MOST_REVOCATIONS, Material, NewImport, Revocation, serial};
use crate::ca::profile::Profile;
use crate::ca::records::Role;
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::ProfileId;
use crate::x509::crl::Reason;
use crate::x509::pem;

/// The highest CRLNumber that every JSON reader keeps exactly.
const MOST_NUMBER: u64 = (1 << 53) - 1;

/// A new import as it was read; its key is wiped after use.
pub(super) struct Draft {
    pub new: NewImport,
    pub dry_run: bool,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] =
        &["id", "key_pem", "pkcs12", "passphrase", "chain_pem", "role", "root_external", "dry_run"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let role = match fields.line("role")?.as_deref() {
            None => None,
            Some("root") => Some(Role::Root),
            Some("issuing") => Some(Role::Issuing),
            Some(_) => {
                return Err(fields.at("role", Error::invalid("invalid-role", "role is root or issuing")));
            }
        };
        let new = NewImport {
            id: fields.required_name("id")?,
            material: material(fields)?,
            passphrase: fields.secret("passphrase")?,
            role,
            root_external: fields.flag("root_external")?,
        };
        Ok(Self { new, dry_run: fields.flag("dry_run")? })
    }
}

fn material(fields: &mut Fields<'_>) -> Result<Material> {
    let (key, pkcs12) = (fields.secret("key_pem")?, fields.secret("pkcs12")?);
    match (key, pkcs12) {
        (Some(key), None) => Ok(Material::Pem { key, chain: fields.required_pem("chain_pem")?.into_bytes() }),
        (None, Some(base64)) => {
            let file = pem::decode_base64(base64.as_bytes());
            let file = file.map_err(|e| fields.at("pkcs12", Error::invalid(e.code(), e.detail())))?;
            let chain = fields.secret("chain_pem")?.map(|text| text.as_bytes().to_vec()).unwrap_or_default();
            Ok(Material::Pkcs12 { file: Zeroizing::new(file), chain })
        }
        (None, None) => Err(fields.missing("key_pem")),
        (Some(_), Some(_)) => {
            let error = Error::invalid("invalid-field", "the key comes as key_pem or in pkcs12, not as both");
            Err(fields.at("pkcs12", error))
        }
    }
}

/// A batch of certificates.
pub(super) struct Certificates {
    pub ders: Vec<Vec<u8>>,
    pub profile: Option<ProfileId>,
}

impl json::Body for Certificates {
    const FIELDS: &'static [&'static str] = &["certificates_pem", "profile"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let text = fields.required_pem("certificates_pem")?;
        let at = |e: Error| fields.at("certificates_pem", Error::invalid(e.code(), e.detail()));
        let blocks = pem::decode_all(text.as_bytes(), MOST_CERTIFICATES).map_err(at)?;
        if blocks.iter().any(|(label, _)| label != "CERTIFICATE") {
            return Err(at(Error::invalid("bad-pem", "only certificates are expected here")));
        }
        let ders = blocks.into_iter().map(|(_, der)| der).collect();
        Ok(Self { ders, profile: fields.name("profile")? })
    }
}

/// A batch of revocations.
pub(super) struct Revocations(pub Vec<Revocation>);

impl json::Body for Revocations {
    const FIELDS: &'static [&'static str] = &["revocations"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let known = ["serial", "at", "reason", "not_after"];
        let each = fields.objects("revocations", MOST_REVOCATIONS, &known)?;
        each.into_iter().map(revocation).collect::<Result<_>>().map(Self)
    }
}

fn revocation(mut fields: Fields<'_>) -> Result<Revocation> {
    let serial = fields.parsed("serial", serial::parse)?.ok_or_else(|| fields.missing("serial"))?;
    let at = fields.parsed("at", Timestamp::parse)?.ok_or_else(|| fields.missing("at"))?;
    let reason = fields.parsed("reason", |text| text.parse())?.unwrap_or(Reason::Unspecified);
    Ok(Revocation { serial, at, reason, not_after: fields.parsed("not_after", Timestamp::parse)? })
}

impl json::Body for ImportActivation {
    const FIELDS: &'static [&'static str] = &["last_crl_number"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { last_crl_number: fields.integer("last_crl_number", 0..=MOST_NUMBER)? })
    }
}

/// The profile that certificates are to count as. Errors: 422 at its field.
pub(super) fn profile(state: &Service, id: &ProfileId) -> Result<Arc<Profile>> {
    let set = state.desk.profiles.current();
    set.require(id).cloned().map_err(|e| Error::invalid("unknown-profile", e.detail()).at("/profile"))
}

/// The body was read; what stands in its key or chain was not.
pub(super) fn inner(e: Error) -> Error {
    if e.field().is_some() {
        return e;
    }
    let field = match e.code() {
        "bad-key" | "wrong-key" => "/key_pem",
        "bad-pkcs12" => "/pkcs12",
        "passphrase-needed" | "wrong-passphrase" => "/passphrase",
        "bad-chain" | "bad-pem" | "bad-certificate" => "/chain_pem",
        _ => return e,
    };
    match e.kind() {
        Kind::Malformed => Error::invalid(e.code(), e.detail()).at(field),
        _ => e.at(field),
    }
}

pub(crate) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
        || json::read::<Certificates>(body).is_ok()
        || json::read::<Revocations>(body).is_ok()
}
