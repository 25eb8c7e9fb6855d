//! Whether a modulus has a prime factor below 2^16 (CSR-10), by exact remainders of word-sized primorials.
//!
//! The 6,541 odd primes below 2^16 are packed by fours into products below 2^64. One Montgomery step per
//! word and product costs two multiplications; eight products run side by side, because each alone
//! would wait for its own multiplier, and without a branch. About 40 us for 2048 bits.

use std::sync::OnceLock;

/// Products that run side by side.
const LANES: usize = 8;
/// Primes in a product: four of 16 bits fit 64.
const PRIMES: usize = 4;

/// Eight products of four odd primes. `x` is a multiple of a prime exactly if `x * inverse <= limit`,
/// modulo 2^64.
struct Row {
    products: [u64; LANES],
    inverses: [u64; LANES],
    prime_inverses: [[u64; LANES]; PRIMES],
    prime_limits: [[u64; LANES]; PRIMES],
}

/// Whether an odd prime below 2^16 divides the number (words from the lowest).
pub(super) fn has_one(words: &[u64]) -> bool {
    rows().iter().any(|row| row.divides(&row.rests(words)))
}

impl Row {
    /// For each product m, a number not above m that is a multiple of a factor of m exactly if the words
    /// are (Montgomery 1985; the sign and the power of 2^64 do not matter for that).
    fn rests(&self, words: &[u64]) -> [u64; LANES] {
        let mut carries = [0u64; LANES];
        for &word in words {
            for (lane, carry) in carries.iter_mut().enumerate() {
                let (low, borrow) = word.overflowing_sub(*carry);
                let quotient = low.wrapping_mul(self.inverses[lane]);
                let high = (u128::from(quotient) * u128::from(self.products[lane])) >> 64;
                *carry = high as u64 + u64::from(borrow);
            }
        }
        carries
    }

    fn divides(&self, rests: &[u64; LANES]) -> bool {
        let mut found = false;
        for (inverses, limits) in self.prime_inverses.iter().zip(&self.prime_limits) {
            for lane in 0..LANES {
                found |= rests[lane].wrapping_mul(inverses[lane]) <= limits[lane];
            }
        }
        found
    }

    /// From 32 primes.
    fn new(primes: &[u64]) -> Self {
        let prime = |k: usize, lane: usize| primes.get(lane * PRIMES + k).copied().unwrap_or(3);
        let products: [u64; LANES] =
            std::array::from_fn(|lane| (0..PRIMES).map(|k| prime(k, lane)).product());
        let each = |f: fn(u64) -> u64| std::array::from_fn(|k| std::array::from_fn(|lane| f(prime(k, lane))));
        Self {
            products,
            inverses: products.map(inverse),
            prime_inverses: each(inverse),
            prime_limits: each(|p| u64::MAX / p),
        }
    }
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| odd_primes().chunks(LANES * PRIMES).map(Row::new).collect())
}

fn odd_primes() -> Vec<u64> {
    let mut composite = vec![false; 1 << 16];
    let mut primes = Vec::with_capacity(6541);
    for n in (3..1usize << 16).step_by(2) {
        if !composite[n] {
            primes.push(n as u64);
            (n * n..1 << 16).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    primes
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |x, _| x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prime_below_65536_is_found_and_nothing_else() {
        let primes = odd_primes();
        assert_eq!((primes.len(), primes.last()), (6541, Some(&65_521)));
        // 2^127 - 1 and 2^89 - 1 are primes (Mersenne).
        let mersenne = [u64::MAX, u64::MAX >> 1];
        assert!(!has_one(&mersenne));
        assert!(!has_one(&[u64::MAX, (1 << 25) - 1]));
        for p in primes {
            let wide = mersenne.map(u128::from).map(|w| w * u128::from(p));
            let middle = (wide[0] >> 64) + (wide[1] & u128::from(u64::MAX));
            let product = [wide[0] as u64, middle as u64, ((wide[1] >> 64) + (middle >> 64)) as u64];
            assert!(has_one(&product), "{p}");
        }
    }

    #[test]
    fn agrees_with_plain_division() {
        let mut x = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..300 {
            x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let n = x >> 24 | 1;
            let expected = odd_primes().iter().any(|p| n.is_multiple_of(*p));
            assert_eq!(has_one(&[n]), expected, "{n}");
        }
    }
}
