//! Fermat's factorisation: primes that lie close together are found in a few rounds (CSR-14, CVE-2022-26320).

use crypto_bigint::{BoxedUint, ConcatenatingSquare, NonZero};

/// How many rounds are tried.
const ROUNDS: u64 = 100;

/// The small moduli by which most numbers are seen not to be squares; their product fits 64 bits.
const SIEVE: [u64; 8] = [63, 65, 11, 17, 19, 23, 29, 31];
const SIEVE_PRODUCT: u64 = 63 * 65 * 11 * 17 * 19 * 23 * 29 * 31;

/// Whether one of the first rounds finds n = a² - b² = (a - b)(a + b), beginning at a = ⌈√n⌉.
pub(super) fn primes_are_close(n: &BoxedUint) -> bool {
    let root = n.floor_sqrt_vartime();
    if root.concatenating_square() == *n {
        return true;
    }
    let mut candidate = Candidate::new(&root, n);
    (1..=ROUNDS).any(|round| {
        candidate.advance();
        candidate.may_be_square() && is_square(&root, round, n)
    })
}

/// a² - n modulo 2^64 and modulo the sieve's product, kept from round to round without big numbers.
struct Candidate {
    a: u64,
    a_sieve: u64,
    rest: u64,
    rest_sieve: u64,
}

impl Candidate {
    fn new(root: &BoxedUint, n: &BoxedUint) -> Self {
        let (a, n_low) = (low(root), low(n));
        let (a_sieve, n_sieve) = (sieve_rest(root), sieve_rest(n));
        let square = (u128::from(a_sieve) * u128::from(a_sieve)) % u128::from(SIEVE_PRODUCT);
        Self {
            a,
            a_sieve,
            rest: a.wrapping_mul(a).wrapping_sub(n_low),
            rest_sieve: (square as u64 + SIEVE_PRODUCT - n_sieve) % SIEVE_PRODUCT,
        }
    }

    /// (a + 1)² - n = a² - n + 2a + 1.
    fn advance(&mut self) {
        self.rest = self.rest.wrapping_add(self.a.wrapping_mul(2)).wrapping_add(1);
        let step =
            (u128::from(self.rest_sieve) + 2 * u128::from(self.a_sieve) + 1) % u128::from(SIEVE_PRODUCT);
        self.rest_sieve = step as u64;
        self.a = self.a.wrapping_add(1);
        self.a_sieve = (self.a_sieve + 1) % SIEVE_PRODUCT;
    }

    /// False for all but about one number in two thousand that are not squares.
    fn may_be_square(&self) -> bool {
        // 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49, 57: the squares modulo 64.
        const SQUARES_64: u64 = 0x0202_0212_0203_0213;
        SQUARES_64 >> (self.rest % 64) & 1 == 1
            && SIEVE.iter().all(|&m| {
                let rest = self.rest_sieve % m;
                (0..=m / 2).any(|x| x * x % m == rest)
            })
    }
}

fn is_square(root: &BoxedUint, round: u64, n: &BoxedUint) -> bool {
    let a = root.wrapping_add(BoxedUint::from(round));
    let rest = a.concatenating_square().wrapping_sub(n);
    rest.checked_sqrt_vartime().is_some()
}

fn low(n: &BoxedUint) -> u64 {
    n.as_words().first().copied().unwrap_or(0)
}

fn sieve_rest(n: &BoxedUint) -> u64 {
    match Option::from(NonZero::new(BoxedUint::from(SIEVE_PRODUCT))) {
        Some(product) => low(&n.rem_vartime::<BoxedUint>(&product)),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_bigint::Resize;

    fn product(p: u64, q: u64) -> BoxedUint {
        BoxedUint::from(p).resize(128).wrapping_mul(BoxedUint::from(q).resize(128))
    }

    #[test]
    fn close_factors_are_found_and_distant_ones_not() {
        // primes around 2^62
        let p = 4_611_686_018_427_387_847;
        assert!(primes_are_close(&product(p, p)));
        assert!(primes_are_close(&product(p, p - 60)));
        assert!(primes_are_close(&product(p, p - (1 << 30) * 6)));
        assert!(!primes_are_close(&product(p, p / 5 * 4 + 1)));
    }

    #[test]
    fn the_sieve_never_hides_a_square() {
        for b in 0..2000u64 {
            let squared = Candidate { a: 0, a_sieve: 0, rest: b * b, rest_sieve: b * b % SIEVE_PRODUCT };
            assert!(squared.may_be_square(), "{b}");
        }
    }
}
