//! RSA moduli that anybody can factor.

use std::fmt;

use num_bigint::BigUint;

use super::{roca, square};

/// Primes below this are tried as factors.
///
/// A modulus has a small factor when its factors were not tested for primality, or when one of its bits
/// was flipped. A random odd number has a prime factor below 2^10 with a probability of 84 %, and one
/// below 2^16 with 90 %, at more than fifty times the cost.
const SMALL: u64 = 1 << 10;

/// How many steps of Fermat's method are made. A public authority must make 100 (Baseline Requirements
/// of the CA/Browser Forum, section 6.1.1.3).
///
/// Software that took a random prime and the next one was found in use (CVE-2022-26320); the first step
/// finds those. `k` steps find the primes p and q of a modulus n when (p - q)² < 8k · √n: of 2048 bits,
/// when they differ by less than 2^516. Random primes are never that close.
const FERMAT_STEPS: u64 = 110;

/// A small prime, and the remainder of the modulus by it.
#[derive(Clone, Copy)]
pub(super) struct Residue {
    pub(super) prime: u64,
    pub(super) remainder: u64,
}

/// Why a modulus can be factored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is divisible by this prime.
    SmallFactor(u64),
    /// Its two primes are close to each other.
    ClosePrimes,
    /// Its primes have the form of CVE-2017-15361.
    Roca,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallFactor(prime) => write!(f, "its modulus is divisible by {prime}"),
            Self::ClosePrimes => f.write_str("its two primes are too close to each other"),
            Self::Roca => f.write_str("its primes have the form of CVE-2017-15361, ROCA"),
        }
    }
}

/// Why this modulus, big-endian, can be factored; `None` for a good one.
///
/// The time grows with the square of the modulus's length; it is for moduli of a bounded length.
pub(super) fn flaw(modulus: &[u8]) -> Option<Flaw> {
    let modulus = BigUint::from_bytes_be(modulus);
    let residues = residues(&modulus);
    if let Some(residue) = residues.iter().find(|residue| residue.remainder == 0) {
        return Some(Flaw::SmallFactor(residue.prime));
    }
    if roca::has_form(&residues) {
        return Some(Flaw::Roca);
    }
    has_close_primes(&modulus).then_some(Flaw::ClosePrimes)
}

/// The remainders of the modulus by all primes below [`SMALL`], in ascending order.
fn residues(modulus: &BigUint) -> Vec<Residue> {
    let mut residues = Vec::with_capacity(PRIMES.len());
    let mut rest = &PRIMES[..];
    while !rest.is_empty() {
        // As many primes as have a product that fits share one long division.
        let mut product = 1_u64;
        let count =
            rest.iter().map_while(|&prime| product.checked_mul(prime).map(|larger| product = larger)).count();
        let (primes, others) = rest.split_at(count);
        let common = remainder(modulus, product);
        residues.extend(primes.iter().map(|&prime| Residue { prime, remainder: common % prime }));
        rest = others;
    }
    residues
}

/// The remainder of a number by a small one.
fn remainder(number: &BigUint, divisor: u64) -> u64 {
    (number % divisor).iter_u64_digits().next().unwrap_or(0)
}

/// Whether Fermat's method finds the primes: a modulus is a² - b² = (a + b)(a - b), and when its
/// primes are close to each other, a is the square root of the modulus or a little more.
fn has_close_primes(modulus: &BigUint) -> bool {
    let mut first = modulus.sqrt();
    if &first * &first < *modulus {
        first += 1_u32;
    }
    let (small_first, small_modulus) = (remainder(&first, square::SIEVE), remainder(modulus, square::SIEVE));
    (0..FERMAT_STEPS).any(|step| {
        let small_a = small_first + step;
        square::may_be(small_a * small_a + square::SIEVE - small_modulus) && {
            let a = &first + step;
            square::is(&(&a * &a - modulus))
        }
    })
}

/// All primes below [`SMALL`].
const PRIMES: [u64; prime_count()] = {
    let mut primes = [0; prime_count()];
    let (mut candidate, mut found) = (2, 0);
    while candidate < SMALL {
        if is_prime(candidate) {
            primes[found] = candidate;
            found += 1;
        }
        candidate += 1;
    }
    primes
};

const fn prime_count() -> usize {
    let (mut candidate, mut count) = (2, 0);
    while candidate < SMALL {
        count += is_prime(candidate) as usize;
        candidate += 1;
    }
    count
}

const fn is_prime(number: u64) -> bool {
    let mut divisor = 2;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 1;
    }
    true
}

#[cfg(test)]
mod tests;
