//! Moduli that can be factored are found; good ones are not taken for one.

use std::sync::LazyLock;

use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn judge(modulus: &BigUint) -> Option<Flaw> {
    flaw(&modulus.to_bytes_be())
}

fn power_of_two(exponent: u32) -> BigUint {
    BigUint::from(1_u32) << exponent
}

/// The first number from `start` on that no prime below [`SMALL`] divides: like a prime, as far as
/// this module can tell.
fn like_prime(start: BigUint) -> BigUint {
    let mut number = start | BigUint::from(1_u32);
    while PRIMES.iter().any(|&prime| remainder(&number, prime) == 0) {
        number += 2_u32;
    }
    number
}

/// Half of a modulus of `2 * octets` octets; its two highest bits are set.
fn half(octets: usize) -> impl Strategy<Value = BigUint> {
    vec(any::<u8>(), octets).prop_map(|mut octets| {
        octets[0] |= 0xc0;
        like_prime(BigUint::from_bytes_be(&octets))
    })
}

/// Two halves of a modulus of 2048, 3072 or 4096 bits.
fn halves() -> impl Strategy<Value = (BigUint, BigUint)> {
    prop_oneof![Just(128), Just(192), Just(256)].prop_flat_map(|octets| (half(octets), half(octets)))
}

/// The product of the primes below 702: what the faulty chips took for keys of 1984 to 3936 bits.
static CHIP_PRODUCT: LazyLock<BigUint> =
    LazyLock::new(|| PRIMES.iter().take_while(|&&prime| prime < 702).product());

/// A prime as the faulty chips made it, but not tested for primality.
fn chip_prime(factor: u64, exponent: u64) -> BigUint {
    let power = BigUint::from(65_537_u32).modpow(&exponent.into(), &CHIP_PRODUCT);
    let mut candidate = &*CHIP_PRODUCT * factor + power;
    while PRIMES.iter().any(|&prime| remainder(&candidate, prime) == 0) {
        candidate += &*CHIP_PRODUCT;
    }
    candidate
}

#[test]
fn every_prime_below_the_bound_is_found_as_a_factor() {
    assert_eq!((PRIMES.len(), PRIMES[0], PRIMES[171]), (172, 2, 1021));
    let good = like_prime(power_of_two(2040));
    assert_eq!(judge(&good), None);
    for prime in PRIMES {
        assert_eq!(judge(&(&good * prime)), Some(Flaw::SmallFactor(prime)));
    }
    assert_eq!(judge(&(&good * 1031_u32)), None, "the first prime above the bound");
}

#[test]
fn equal_primes_are_close() {
    let prime = like_prime(power_of_two(1023));
    assert_eq!(judge(&(&prime * &prime)), Some(Flaw::ClosePrimes));
}

#[test]
fn close_primes_are_found_in_as_many_steps_as_are_made_and_no_more() {
    // For the primes a + b and a - b, step n finds them when n - 1 < b² / 2a < n.
    for (half_steps, found) in [(2 * FERMAT_STEPS - 1, Some(Flaw::ClosePrimes)), (2 * FERMAT_STEPS + 1, None)]
    {
        let mut a = power_of_two(1024);
        let modulus = loop {
            a += 2_u32;
            let b = (&a * half_steps).sqrt() | BigUint::from(1_u32);
            let modulus = &a * &a - &b * &b;
            if PRIMES.iter().all(|&prime| remainder(&modulus, prime) != 0) {
                break modulus;
            }
        };
        assert_eq!(judge(&modulus), found, "{half_steps} half steps");
    }
}

#[test]
fn a_modulus_that_has_the_form_of_the_chips_modulo_each_prime_alone_is_good() {
    // A power of 65537 modulo each prime, but not of one exponent.
    let mut modulus = BigUint::from(1_u32);
    let mut product = BigUint::from(2_u32);
    for prime in PRIMES.into_iter().filter(|prime| (3..=167).contains(prime)) {
        let wanted = (0..prime % 4).fold(1, |power, _| power * 65_537 % prime);
        while remainder(&modulus, prime) != wanted {
            modulus += &product;
        }
        product *= prime;
    }
    modulus += &product << 1800_u32;
    while PRIMES.iter().any(|&prime| remainder(&modulus, prime) == 0) {
        modulus += &product;
    }
    let residues = residues(&modulus);
    assert!(!roca::has_form(&residues));
    assert_eq!(judge(&modulus), None);
    for marker in [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] {
        let remainder = residues.iter().find(|residue| residue.prime == marker).unwrap().remainder;
        let mut powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % marker));
        assert!(powers.by_ref().take(200).any(|power| power == remainder), "{marker}");
    }
}

#[test]
fn numbers_that_are_no_moduli_at_all_do_not_panic() {
    for octets in [&[][..], &[0], &[1], &[2], &[0xff]] {
        flaw(octets);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_modulus_of_two_random_primes_is_good((p, q) in halves()) {
        prop_assert_eq!(judge(&(p * q)), None);
    }

    #[test]
    fn primes_whose_upper_halves_are_equal_are_close(
        p in half(128), gap in vec(any::<u8>(), 0..64),
    ) {
        let q = like_prime(&p + BigUint::from_bytes_be(&gap));
        prop_assert_eq!(judge(&(p * q)), Some(Flaw::ClosePrimes));
    }

    /// FIPS 186-5, appendix A.1.3: the primes of 2048 bits differ by more than 2^924.
    #[test]
    fn primes_as_far_apart_as_they_must_be_are_not_close(p in half(128)) {
        let q = like_prime(&p + power_of_two(924));
        prop_assert_eq!(judge(&(p * q)), None);
    }
}

proptest! {
    #[test]
    fn every_modulus_of_the_faulty_chips_is_found(
        factors in (1_u64 << 50..1 << 51, 1_u64 << 51..1 << 52), exponents in any::<(u64, u64)>(),
    ) {
        let modulus = chip_prime(factors.0, exponents.0) * chip_prime(factors.1, exponents.1);
        prop_assert_eq!(judge(&modulus), Some(Flaw::Roca));
    }
}
