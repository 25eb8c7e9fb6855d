//! Where what was read goes: to the server in batches, or, in a dry run, past the same judgement here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::revoked::Index;
use super::sources::{Place, Sources};
use super::tally::{Finding, Sort, Tally};
use crate::ca::import::judge::{Judged, judge};
use crate::ca::import::{MOST_CERTIFICATES, MOST_REVOCATIONS, Revocation, serial};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, ProfileId};
use crate::outbound::Api;
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;
use crate::x509::pem;

/// The most characters of certificates in a batch, as JSON has them: a body has at most 64 KiB.
const MOST_CHARACTERS: usize = 60_000;
/// How often a batch is sent again; it changes nothing twice.
const ATTEMPTS: u32 = 5;

/// Where it goes.
pub(super) enum Door<'a> {
    Server { api: &'a Api, id: &'a CaId, profile: Option<&'a ProfileId>, clock: &'a Clock },
    Dry { ca: &'a Certificate },
}

impl<'a> Door<'a> {
    pub(super) fn dry(ca: &'a Certificate) -> Self {
        Self::Dry { ca }
    }

    pub(super) fn server(
        api: &'a Api,
        id: &'a CaId,
        profile: Option<&'a ProfileId>,
        clock: &'a Clock,
    ) -> Self {
        Self::Server { api, id, profile, clock }
    }

    /// All certificates of these folders and files.
    pub(super) async fn bring_certificates(&self, paths: &[PathBuf], tally: &mut Tally) -> Result<()> {
        let mut sources = Sources::new(paths);
        let mut batch = Certificates::default();
        while let Some((place, found)) = sources.next()? {
            tally.read(Sort::Certificate);
            match found.map_or_else(Prepared::Refused, |der| self.prepared(&der)) {
                Prepared::ToSend(pem) => {
                    if !batch.has_room_for(&pem) {
                        self.send_certificates(&mut batch, tally).await?;
                    }
                    batch.add(place, pem);
                }
                Prepared::Fit => tally.imported(Sort::Certificate, 1),
                Prepared::Skipped(reason) => {
                    tally.find(Sort::Certificate, Finding::skipped(&place, &reason))?;
                }
                Prepared::Refused(error) => {
                    tally.find(Sort::Certificate, Finding::refused(&place, &error))?;
                }
            }
        }
        self.send_certificates(&mut batch, tally).await
    }

    /// All revocations of an index and of CRLs.
    pub(super) async fn bring_revocations(
        &self,
        index: Option<&Path>,
        crls: &[(PathBuf, Crl)],
        tally: &mut Tally,
    ) -> Result<()> {
        let mut batch = Vec::new();
        if let Some(file) = index {
            let mut lines = Index::open(file)?;
            while let Some((number, revocation)) = lines.next_revoked()? {
                let place = Place { file: file.into(), number };
                self.add_revocation(&mut batch, (place, revocation), tally).await?;
            }
        }
        for (file, crl) in crls {
            for (at, entry) in crl.entries().iter().enumerate() {
                let place = Place { file: file.as_path().into(), number: at + 1 };
                let (serial, at, reason) = (entry.serial.clone(), entry.at, entry.reason);
                let revocation = Revocation { serial, at, reason, not_after: None };
                self.add_revocation(&mut batch, (place, revocation), tally).await?;
            }
        }
        self.send_revocations(&mut batch, tally).await
    }

    async fn add_revocation(
        &self,
        batch: &mut Vec<(Place, Revocation)>,
        one: (Place, Revocation),
        tally: &mut Tally,
    ) -> Result<()> {
        tally.read(Sort::Revocation);
        batch.push(one);
        if batch.len() == MOST_REVOCATIONS { self.send_revocations(batch, tally).await } else { Ok(()) }
    }

    fn prepared(&self, der: &[u8]) -> Prepared {
        match self {
            Self::Server { .. } => {
                let pem = pem::encode("CERTIFICATE", der);
                if in_json(&pem) <= MOST_CHARACTERS {
                    return Prepared::ToSend(pem);
                }
                Prepared::Refused(Error::invalid("too-large", "it is too large to be sent to the server"))
            }
            Self::Dry { ca } => match judge(der, ca) {
                Ok(Judged::Issued(_)) => Prepared::Fit,
                Ok(Judged::Skipped(reason)) => Prepared::Skipped(reason),
                Err(error) => Prepared::Refused(error),
            },
        }
    }

    async fn send_certificates(&self, batch: &mut Certificates, tally: &mut Tally) -> Result<()> {
        let Certificates { places, text } = std::mem::take(batch);
        if places.is_empty() {
            return Ok(());
        }
        let mut body = json!({"certificates_pem": text});
        if let Self::Server { profile: Some(profile), .. } = self {
            body["profile"] = profile.as_str().into();
        }
        let answer = self.post("certificates", &body).await?;
        tally.take(Sort::Certificate, &answer, &places)
    }

    async fn send_revocations(&self, batch: &mut Vec<(Place, Revocation)>, tally: &mut Tally) -> Result<()> {
        let (places, revocations): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        if places.is_empty() {
            return Ok(());
        }
        if let Self::Dry { .. } = self {
            tally.imported(Sort::Revocation, places.len() as u64);
            return Ok(());
        }
        let each: Vec<Value> = revocations.iter().map(revocation).collect();
        let answer = self.post("revocations", &json!({"revocations": each})).await?;
        tally.take(Sort::Revocation, &answer, &places)
    }

    /// A batch that met a full queue or a connection that ended is sent again.
    async fn post(&self, what: &str, body: &Value) -> Result<Value> {
        let Self::Server { api, id, clock, .. } = self else { return Ok(json!({})) };
        let path = format!("/cas/import/{id}/{what}");
        let mut attempt = 1;
        loop {
            match api.post(&path, body).await {
                Err(e) if attempt < ATTEMPTS && matches!(e.kind(), Kind::Busy | Kind::Unreachable) => {
                    clock.sleep(Duration::from_millis(200) * attempt).await;
                    attempt += 1;
                }
                answer => return answer?.json(),
            }
        }
    }
}

/// What is to be done with a certificate that was read.
enum Prepared {
    /// This PEM goes to the server, which judges it.
    ToSend(String),
    /// In a dry run: it would be taken in.
    Fit,
    Skipped(String),
    Refused(Error),
}

/// Certificates that are to be sent together.
#[derive(Default)]
struct Certificates {
    places: Vec<Place>,
    text: String,
}

impl Certificates {
    fn has_room_for(&self, pem: &str) -> bool {
        self.places.len() < MOST_CERTIFICATES && in_json(&self.text) + in_json(pem) <= MOST_CHARACTERS
    }

    fn add(&mut self, place: Place, pem: String) {
        self.places.push(place);
        self.text.push_str(&pem);
    }
}

/// A line's end takes two characters in JSON.
fn in_json(pem: &str) -> usize {
    pem.len() + pem.len() / 64 + 8
}

fn revocation(one: &Revocation) -> Value {
    let mut value = json!({
        "serial": serial::text(&one.serial), "at": one.at.to_string(), "reason": one.reason.as_str(),
    });
    if let Some(end) = one.not_after {
        value["not_after"] = end.to_string().into();
    }
    value
}
