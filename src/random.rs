//! Randomness, passed in so that tests and fuzzing can fix it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

/// A source of random bytes; cheap to clone.
#[derive(Clone)]
pub struct Random(Arc<dyn SecureRandom + Send + Sync>);

impl Random {
    /// The operating system's generator, by way of aws-lc.
    pub fn system() -> Self {
        Self(Arc::new(SystemRandom::new()))
    }

    /// `N` random bytes. Errors: `internal` if the generator fails.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut out = [0u8; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// Fills `out` with random bytes. Errors: `internal` if the generator fails.
    pub fn fill(&self, out: &mut [u8]) -> Result<()> {
        self.0.fill(out).map_err(|_| Error::internal("the random generator failed"))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
