//! What a decryption that failed does more than one that did not, done after the other one instead.
//!
//! RSA decryption in aws-lc takes constant time up to its answer, but it records a failure in its error queue, which
//! shows in a million measurements (some 70 ns). A tag that does not hold records one too: so many are checked after
//! every decryption, and they hold if it failed.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use subtle::{Choice, ConditionallySelectable};

use crate::error::{Error, Result};

/// How many errors a failed decryption records.
const RECORDS: usize = 2;
const TAG: usize = 16;

/// Checks tags that hold or do not, as asked.
pub struct Evened {
    key: LessSafeKey,
    /// The tag of nothing at all.
    tag: [u8; TAG],
}

impl Evened {
    /// Errors: `internal`.
    pub fn new() -> Result<Self> {
        let failed = |_| Error::internal("AES-GCM could not be set up");
        // What it protects is nothing: it needs no secret.
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[0; 16]).map_err(failed)?);
        let sealed = key.seal_in_place_separate_tag(nonce(), Aad::empty(), &mut []).map_err(failed)?;
        let tag = sealed.as_ref().try_into().map_err(|_| Error::internal("a tag of 16 octets"))?;
        Ok(Self { key, tag })
    }

    /// Evens out the time of a decryption that `failed`, or did not.
    pub fn after(&self, failed: Choice) {
        let mut tag = self.tag;
        tag[0] ^= u8::conditional_select(&1, &0, failed);
        for _ in 0..RECORDS {
            let checked = self.key.open_in_place_separate_tag(nonce(), Aad::empty(), &tag, &mut []);
            let _ = std::hint::black_box(checked.is_ok());
        }
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
