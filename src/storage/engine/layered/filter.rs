//! A Bloom filter: says of most keys that a run does not have them, without looking into it.

/// Bits for each key; with four probes about one miss in 80 is looked up for nothing.
const BITS: usize = 10;
const PROBES: u32 = 4;

/// Which keys a run may have.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter for so many keys.
    pub(super) fn with_capacity(keys: usize) -> Self {
        Self { words: vec![0; (keys * BITS).div_ceil(64).max(1).next_power_of_two()] }
    }

    /// Takes in a key by its hash.
    pub(super) fn add(&mut self, hash: u64) {
        for probe in 0..PROBES {
            let (word, bit) = self.place(hash, probe);
            self.words[word] |= bit;
        }
    }

    /// Whether a key of this hash may be there; no is certain.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        (0..PROBES).all(|probe| {
            let (word, bit) = self.place(hash, probe);
            self.words[word] & bit != 0
        })
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    fn place(&self, hash: u64, probe: u32) -> (usize, u64) {
        let step = (hash >> 32) | 1;
        let at = hash.wrapping_add(step.wrapping_mul(u64::from(probe)));
        let word = (at >> 6) as usize & (self.words.len() - 1);
        (word, 1 << (at & 63))
    }
}

/// A key's hash. It guards nothing: whoever finds colliding keys makes lookups slower, never wrong.
pub(super) fn hash(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (eights, rest) = key.as_chunks::<8>();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    let mut state = key.len() as u64;
    for eight in eights.iter().chain([&tail]) {
        state = (state.rotate_left(5) ^ u64::from_le_bytes(*eight)).wrapping_mul(FACTOR);
    }
    state ^= state >> 32;
    state = state.wrapping_mul(FACTOR);
    state ^ (state >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_always_found_and_others_seldom() {
        let key = |n: u32| format!("\u{2}host-{n}.example.com").into_bytes();
        let mut filter = Filter::with_capacity(5_000);
        (0..5_000).for_each(|n| filter.add(hash(&key(n))));
        assert!((0..5_000).all(|n| filter.may_have(hash(&key(n)))));
        let wrong = (5_000..25_000).filter(|n| filter.may_have(hash(&key(*n)))).count();
        assert!(wrong < 1_000, "{wrong} of 20,000");
    }
}
