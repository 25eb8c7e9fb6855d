//! Trust bundles in the formats that servers take.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA512, digest};

use crate::ca::{Hierarchy, LoadedCa};
use crate::error::Result;
use crate::x509::cert::Certificate;
use crate::x509::pem;

/// The store that holds all of our CAs.
const ALL: &str = "signet";

/// How a bundle is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PEM, each certificate under a comment that names it.
    Pem,
    /// A degenerate PKCS#7 SignedData, DER.
    Pkcs7,
}

impl Format {
    /// Splits `signet.pem` into its store and format.
    pub fn split(file: &str) -> Option<(&str, Self)> {
        let (store, extension) = file.rsplit_once('.')?;
        match extension {
            "pem" => Some((store, Self::Pem)),
            "p7b" => Some((store, Self::Pkcs7)),
            _ => None,
        }
    }
}

/// The CAs of a store that were not revoked: all of ours in `signet`, roots first, or the one CA that the store is named
/// after. A CA under an external root brings that root and what stands between: without it a verifier has no anchor for
/// the chain. In `signet` stand also the next CAs, and the certificates by which one generation certifies the other's
/// key, unless that was revoked; a CA that retired does not: nothing that it signed is valid any more. None if there is no such store or nothing
/// in it yet.
pub fn anchors(hierarchy: &Hierarchy, store: &str) -> Option<Vec<Arc<Certificate>>> {
    let is_in =
        |ca: &&Arc<LoadedCa>| (store == ALL && ca.retired.is_none()) || ca.record.id.as_str() == store;
    // Who takes a bundle takes all in it for anchors, which nobody holds against a CRL.
    let is_trusted = |ca: &&Arc<LoadedCa>| ca.revoked.is_none();
    let wanted = || hierarchy.all().iter().rev().filter(is_in).filter(is_trusted);
    let external = wanted().flat_map(|ca| external(ca).iter().rev());
    let mut found: Vec<Arc<Certificate>> = Vec::new();
    let between = hierarchy.cross_certificates().filter(|cross| store == ALL && cross.is_trusted(hierarchy));
    let between = between.map(|cross| &cross.certificate);
    for certificate in external.chain(wanted().filter_map(|ca| ca.certificate.as_ref())).chain(between) {
        if !found.contains(certificate) {
            found.push(Arc::clone(certificate));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The certificates above a CA that are no CAs of ours, issuer first.
fn external(ca: &LoadedCa) -> &[Arc<Certificate>] {
    ca.chain.get(1..=ca.record.external_chain.len()).unwrap_or_default()
}

/// The bundle's bytes. Errors: `internal`.
pub fn write(anchors: &[Arc<Certificate>], format: Format) -> Result<Vec<u8>> {
    match format {
        Format::Pem => Ok(write_pem(anchors).into_bytes()),
        Format::Pkcs7 => {
            let ders: Vec<&[u8]> = anchors.iter().map(|c| c.der()).collect();
            pem::pkcs7_certs_only(&ders)
        }
    }
}

/// A line that `sha512sum --check` reads, for the bundle of that file name.
pub fn checksum(bundle: &[u8], file: &str) -> String {
    let mut line = String::with_capacity(140 + file.len());
    for byte in digest(&SHA512, bundle).as_ref() {
        let _ = write!(line, "{byte:02x}");
    }
    let _ = writeln!(line, "  {file}");
    line
}

fn write_pem(anchors: &[Arc<Certificate>]) -> String {
    let mut text = String::new();
    for anchor in anchors {
        let _ = writeln!(text, "# {}, expires {}", anchor.subject(), anchor.not_after());
        text.push_str(&anchor.pem());
    }
    text
}
