//! A profile's SCEP service: what it allows, in the words of CMS.

use std::sync::Arc;

use crate::ca::profile::{Cipher, Profile, ScepDigest, ScepOptions};
use crate::enrol::Desk;
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::x509::cms::{ContentCipher, DigestAlgorithm};
use crate::x509::csr::Leniency;

/// What clients append to any URL that they are given, whatever the case: without a profile's name before it, it stands
/// for the default profile. Anything else there may be a profile's name misspelt.
const PROGRAMS: [&str; 8] = [
    "",
    "pkiclient.exe",
    "cgi-bin/pkiclient.exe",
    "mscep.dll",
    "mscep/mscep.dll",
    "certsrv/mscep",
    "certsrv/mscep/mscep.dll",
    "certsrv/mscep/mscep.dll/pkiclient.exe",
];

/// The profile behind the bare `/scep`.
pub const DEFAULT_PROFILE: &str = "scep-device";

/// The SCEP service of one profile.
#[derive(Clone, Debug)]
pub struct Service {
    /// The profile.
    pub profile: Arc<Profile>,
    /// Its options.
    pub options: ScepOptions,
}

impl Service {
    /// The service that the path below `/scep/` names: a profile, and after it whatever a client appends; or nothing,
    /// or the name of a program that clients append, for the default. Errors: `not-found` for anything else.
    pub fn find(desk: &Desk, below: Option<&str>) -> Result<Self> {
        let below = below.unwrap_or_default().trim_end_matches('/');
        let first = below.split('/').next().unwrap_or_default();
        let id: ProfileId = if is_program(below) {
            DEFAULT_PROFILE.parse()?
        } else {
            first.parse().map_err(|_| Error::not_found("SCEP service", "by that name"))?
        };
        let profiles = desk.profiles.current();
        let missing = || Error::not_found("SCEP service", &id);
        let profile = profiles.require(&id).map_err(|_| missing())?;
        let options = profile.scep().filter(|_| profile.is_enabled()).cloned().ok_or_else(missing)?;
        Ok(Self { profile: Arc::clone(profile), options })
    }

    /// Errors: `cms-algorithm` naming the digest.
    pub fn allow_digest(&self, digest: DigestAlgorithm) -> Result<()> {
        if self.digests().any(|d| d == digest) {
            return Ok(());
        }
        Err(Error::invalid("cms-algorithm", format!("digest {digest} not allowed")))
    }

    /// Errors: `cms-algorithm` naming the cipher.
    pub fn allow_cipher(&self, cipher: ContentCipher) -> Result<()> {
        if self.ciphers().any(|c| c == cipher) {
            return Ok(());
        }
        Err(Error::invalid("cms-algorithm", format!("cipher {cipher} not allowed")))
    }

    /// How requests inside an envelope are read: with the old digests that messages may have, and the profile's keys.
    pub fn leniency(&self) -> Leniency {
        let allows = |digest| self.allow_digest(digest).is_ok();
        let md5 = allows(DigestAlgorithm::Md5);
        let sha1 = md5 || allows(DigestAlgorithm::Sha1);
        let rsa_1024 = self.profile.allows_rsa_1024();
        if sha1 || rsa_1024 { Leniency::OldDevice { sha1, md5, rsa_1024 } } else { Leniency::Device }
    }

    /// The digest of a reply: the request's, or SHA-256, which every client of today knows, or the strongest. SHA-1
    /// only for a client that sent it (or MD5), and where the profile wants that.
    pub fn reply_digest(&self, asked: Option<DigestAlgorithm>) -> DigestAlgorithm {
        let signs = |d: &DigestAlgorithm| d.signing().is_some();
        let old = asked.is_some_and(|d| !signs(&d));
        if old && self.options.sha1_replies && self.allow_digest(DigestAlgorithm::Sha1).is_ok() {
            return DigestAlgorithm::Sha1;
        }
        let allowed = |wanted: DigestAlgorithm| self.digests().find(|d| *d == wanted).filter(signs);
        asked
            .and_then(allowed)
            .or_else(|| allowed(DigestAlgorithm::Sha256))
            .or_else(|| self.digests().find(signs))
            .unwrap_or(DigestAlgorithm::Sha256)
    }

    /// The cipher of a reply: the request's, or the strongest. To single DES the answer is triple DES where that is
    /// allowed: whoever has the one has the other, and not always AES.
    pub fn reply_cipher(&self, asked: Option<ContentCipher>) -> ContentCipher {
        let writes = |cipher: &ContentCipher| *cipher != ContentCipher::Des;
        asked
            .map(|cipher| if writes(&cipher) { cipher } else { ContentCipher::TripleDes })
            .filter(|cipher| self.allow_cipher(*cipher).is_ok())
            .or_else(|| self.ciphers().find(writes))
            .unwrap_or(ContentCipher::Aes256)
    }

    /// The digests that it allows, strongest first.
    pub fn digests(&self) -> impl Iterator<Item = DigestAlgorithm> {
        self.options.digests.iter().map(|digest| match digest {
            ScepDigest::Md5 => DigestAlgorithm::Md5,
            ScepDigest::Sha1 => DigestAlgorithm::Sha1,
            ScepDigest::Sha256 => DigestAlgorithm::Sha256,
            ScepDigest::Sha384 => DigestAlgorithm::Sha384,
            ScepDigest::Sha512 => DigestAlgorithm::Sha512,
        })
    }

    /// The ciphers that it allows, strongest first.
    pub fn ciphers(&self) -> impl Iterator<Item = ContentCipher> {
        self.options.ciphers.iter().map(|cipher| match cipher {
            Cipher::Aes128 => ContentCipher::Aes128,
            Cipher::Aes192 => ContentCipher::Aes192,
            Cipher::Aes256 => ContentCipher::Aes256,
            Cipher::TripleDes => ContentCipher::TripleDes,
            Cipher::Des => ContentCipher::Des,
        })
    }
}

fn is_program(path: &str) -> bool {
    PROGRAMS.iter().any(|program| program.eq_ignore_ascii_case(path))
}
