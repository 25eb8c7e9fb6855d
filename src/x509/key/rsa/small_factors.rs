//! Whether a modulus has a prime factor below 2^16 (CSR-10), by exact remainders of word-sized primorials.
//!
//! All 6,541 odd primes below 2^16 are packed into products below 2^64. One Montgomery step per word
//! and product costs two multiplications; eight products run side by side, because each alone
//! would wait for its own multiplier. About 35 us for 2048 bits.

use std::sync::OnceLock;

const LANES: usize = 8;

/// A product of odd primes and their inverses modulo 2^64.
#[derive(Clone, Copy, Default)]
struct Primorial {
    product: u64,
    inverse: u64,
}

/// An odd prime: `x` is a multiple exactly if `x * inverse <= limit`, modulo 2^64.
struct Divisor {
    inverse: u64,
    limit: u64,
}

/// Eight primorials and the primes of each.
struct Row {
    primorials: [Primorial; LANES],
    divisors: [Vec<Divisor>; LANES],
}

/// Whether an odd prime below 2^16 divides the number (words from the lowest).
pub(super) fn has_one(words: &[u64]) -> bool {
    rows().iter().any(|row| {
        let rests = rests(words, &row.primorials);
        rests
            .iter()
            .zip(&row.divisors)
            .any(|(rest, divisors)| divisors.iter().any(|d| rest.wrapping_mul(d.inverse) <= d.limit))
    })
}

/// For each product m, a number below or equal m that is a multiple of a factor of m exactly if the words
/// are (Montgomery 1985; the sign and the power of 2^64 do not matter for that).
fn rests(words: &[u64], row: &[Primorial; LANES]) -> [u64; LANES] {
    let mut carries = [0u64; LANES];
    for &word in words {
        for (carry, m) in carries.iter_mut().zip(row) {
            let (low, borrow) = word.overflowing_sub(*carry);
            let quotient = low.wrapping_mul(m.inverse);
            let high = (u128::from(quotient) * u128::from(m.product)) >> 64;
            *carry = high as u64 + u64::from(borrow);
        }
    }
    carries
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let groups = groups(&odd_primes());
        groups.chunks(LANES).map(row).collect()
    })
}

fn row(groups: &[Vec<u64>]) -> Row {
    let group = |lane: usize| groups.get(lane).map_or(&[][..], Vec::as_slice);
    Row {
        primorials: std::array::from_fn(|lane| {
            let product = group(lane).iter().product();
            Primorial { product, inverse: inverse(product) }
        }),
        divisors: std::array::from_fn(|lane| {
            group(lane).iter().map(|&p| Divisor { inverse: inverse(p), limit: u64::MAX / p }).collect()
        }),
    }
}

/// The primes in runs whose product fits 64 bits.
fn groups(primes: &[u64]) -> Vec<Vec<u64>> {
    let mut groups: Vec<Vec<u64>> = vec![Vec::new()];
    let mut product = 1u64;
    for &p in primes {
        product = product.checked_mul(p).unwrap_or_else(|| {
            groups.push(Vec::new());
            p
        });
        if let Some(group) = groups.last_mut() {
            group.push(p);
        }
    }
    groups
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
