//! The chain of a CA that moves in: found among the certificates that came with its key, and checked.

use std::sync::Arc;

use super::old_signature::is_signed_by;
use crate::ca::create::may_be_ca;
use crate::ca::{Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::keys::Signer;
use crate::x509::cert::Certificate;

/// A chain in order.
#[derive(Debug)]
pub(super) struct Chain {
    /// The CA's own certificate.
    pub own: Certificate,
    /// Those above it that are none of our CAs, issuer first.
    pub above: Vec<Certificate>,
    /// Our CA that signed the last of these.
    pub parent: Option<CaId>,
}

impl Chain {
    /// The chain of the certificate that has the signer's key, up to a root, to one of our CAs, or, with
    /// `root_external`, as far as the certificates go. Others among `given` do not matter.
    /// Errors: `wrong-key`, `bad-chain`.
    pub fn build(
        mut given: Vec<Certificate>,
        signer: &dyn Signer,
        ours: &Hierarchy,
        root_external: bool,
    ) -> Result<Self> {
        let key = signer.public_key().spki();
        let own = given.iter().position(|c| c.spki() == key).ok_or_else(wrong_key)?;
        let own = given.swap_remove(own);
        let (mut above, mut parent) = (Vec::<Certificate>::new(), None);
        loop {
            let last = above.last().unwrap_or(&own);
            if is_root(last) {
                break;
            }
            if let Some(ca) = ours.all().iter().find(|ca| signed(last, ca)) {
                parent = Some(ca.record.id.clone());
                break;
            }
            match given.iter().position(|c| c.subject().matches(last.issuer()) && is_signed_by(last, c)) {
                Some(place) => above.push(given.swap_remove(place)),
                None if root_external => break,
                None => return Err(missing(last)),
            }
        }
        Ok(Self { own, above, parent })
    }

    /// Whether the CA signed itself.
    pub fn is_self_signed(&self) -> bool {
        self.parent.is_none() && self.above.is_empty() && self.own.issuer() == self.own.subject()
    }

    /// Holds that each of them is a CA, in date, and may stand where it stands. Errors: `bad-chain` with the rule.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        for (below, certificate) in std::iter::once(&self.own).chain(&self.above).enumerate() {
            may_be_ca(certificate, below, now)?;
        }
        if self.own.subject_key_id().is_none() {
            return Err(bad(
                "the CA's certificate has no SubjectKeyIdentifier, by which its certificates name it",
            ));
        }
        Ok(())
    }
}

/// A root's signature over itself proves nothing, so its algorithm may be one of old.
fn is_root(certificate: &Certificate) -> bool {
    certificate.issuer() == certificate.subject() && is_signed_by(certificate, certificate)
}

fn signed(certificate: &Certificate, ca: &Arc<LoadedCa>) -> bool {
    let issuer = ca.certificate.as_ref();
    issuer.is_some_and(|c| c.subject().matches(certificate.issuer()) && is_signed_by(certificate, c))
}

fn wrong_key() -> Error {
    Error::invalid("wrong-key", "none of the certificates has this key: is it the key of another CA?")
}

fn missing(last: &Certificate) -> Error {
    bad(format!(
        "the certificate that signed {} is missing: {}. Give it too, or say that the root is external and not to be had",
        last.subject(),
        last.issuer()
    ))
}

fn bad(rule: impl std::fmt::Display) -> Error {
    Error::invalid("bad-chain", format!("chain: {rule}"))
}
