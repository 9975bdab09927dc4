//! The form of RSA moduli whose primes a faulty chip made: ROCA, CVE-2017-15361.
//!
//! Chips with Infineon's `RSALib` made primes k·M + (65537^a mod M), where M is the product
//! of the first primes; Coppersmith's method factors a product of two of them. Nemec, Sýs, Švenda,
//! Klinec and Matyáš found this (*The Return of Coppersmith's Attack*, ACM CCS 2017), and how to
//! recognise such a modulus: modulo M, it is a power of 65537 as well.
//!
//! The chips took the larger an M the longer the key, but each such M is a multiple of the one that is
//! used here. So a modulus of theirs is always recognised. A good modulus of any size is taken for one
//! with a probability of 2^-154.9: of the 2^216.0 residues modulo M that are coprime to it, 2^61.1 are
//! powers of 65537. Quicker tests look at each prime by itself ("marker moduli": 11, 13, 17, 19, 37,
//! 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157) and are wrong about one good modulus in
//! 2^27.8. That is too often for large fleets, so here the exponents must fit together, too.

use super::factorable::Residue;

/// The largest prime in M, as it is for the shortest keys, of 512 to 960 bits.
const LAST_PRIME: u64 = 167;

/// The base of the powers.
const GENERATOR: u64 = 65_537;

/// The exponents with which 65537 has a certain remainder: all that are congruent to `exponent`
/// modulo `order`.
#[derive(Clone, Copy)]
struct Logarithm {
    exponent: u64,
    order: u64,
}

/// Whether a modulus with these remainders, by all primes up to 167 at least, is a power of 65537
/// modulo their product.
pub(super) fn has_form(residues: &[Residue]) -> bool {
    let mut logarithms: Vec<Logarithm> = Vec::new();
    for residue in residues.iter().take_while(|residue| residue.prime <= LAST_PRIME) {
        let Some(logarithm) = logarithm(*residue) else { return false };
        // One exponent serves for all primes if it does for any two (Chinese remainder theorem).
        if !logarithms.iter().all(|earlier| have_common_exponent(*earlier, logarithm)) {
            return false;
        }
        logarithms.push(logarithm);
    }
    true
}

/// The logarithm to the base 65537; `None` when the remainder is no power of it.
fn logarithm(residue: Residue) -> Option<Logarithm> {
    let (mut power, mut order, mut exponent) = (1, 0, None);
    loop {
        if power == residue.remainder {
            exponent = Some(order);
        }
        power = power * GENERATOR % residue.prime;
        order += 1;
        if power == 1 {
            return exponent.map(|exponent| Logarithm { exponent, order });
        }
    }
}

fn have_common_exponent(one: Logarithm, other: Logarithm) -> bool {
    one.exponent.abs_diff(other.exponent).is_multiple_of(greatest_common_divisor(one.order, other.order))
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}
