//! One secret for all devices of a profile: compared, and nothing more.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::ca::profile::SecretFile;
use crate::enrol::source::{Verdict, secret_file};
use crate::error::Result;

/// Whoever guesses has the throttle against him, and all the time of the secret's life.
const SHORTEST: usize = 12;

/// The secret, and another one while it is being changed; only their hashes stay in memory.
pub struct SharedSecret(Vec<Zeroizing<[u8; 32]>>);

impl SharedSecret {
    /// Reads the file: the secret on a line, a second line for the one that was or will be. Errors: `secret-file`.
    pub fn open(file: &SecretFile) -> Result<Self> {
        let lines = secret_file::lines(file, SHORTEST, 2)?;
        Ok(Self(lines.iter().map(|line| hash(line)).collect()))
    }

    /// Compares without telling by time how much of it was right.
    pub fn judge(&self, challenge: &str) -> Verdict {
        let given = hash(challenge);
        let right = self.0.iter().fold(Choice::from(0), |any, ours| any | ours[..].ct_eq(&given[..]));
        if bool::from(right) { Verdict::Accepted } else { Verdict::Refused(None) }
    }
}

fn hash(secret: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(Sha256::digest(secret.as_bytes()).into())
}
