//! Whether a large number is a square.

use num_bigint::BigUint;

/// The modulus for [`may_be`]. Below 2^22, so that its square is no overflow.
pub(super) const SIEVE: u64 = FACTORS[0] * FACTORS[1] * FACTORS[2] * FACTORS[3];

/// Pairwise coprime numbers by which squares have few remainders.
const FACTORS: [u64; 4] = [64, 63, 65, 11];

/// Bit r is set when some square has the remainder r.
const SQUARES: [u128; 4] =
    [squares(FACTORS[0]), squares(FACTORS[1]), squares(FACTORS[2]), squares(FACTORS[3])];

/// Whether a number can be a square that is congruent to `residue` modulo [`SIEVE`]. Of the numbers
/// that are no squares, one in a hundred passes; the others need no square root of a large number.
pub(super) fn may_be(residue: u64) -> bool {
    FACTORS.iter().zip(SQUARES).all(|(factor, squares)| squares >> (residue % factor) & 1 == 1)
}

/// Whether the number is the square of an integer.
pub(super) fn is(number: &BigUint) -> bool {
    let root = number.sqrt();
    &root * &root == *number
}

const fn squares(modulus: u64) -> u128 {
    let (mut root, mut squares) = (0, 0);
    while root < modulus {
        squares |= 1 << (root * root % modulus);
        root += 1;
    }
    squares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_first_numbers_exactly_the_squares_are_squares() {
        let squares: Vec<u64> = (0..70_000).filter(|&number| is(&number.into())).collect();
        assert_eq!(squares, (0..265).map(|root| root * root).collect::<Vec<u64>>());
    }

    #[test]
    fn large_squares_are_squares_and_their_neighbours_are_not() {
        let root = (BigUint::from(1_u32) << 1030_u32) - 12_345_u32;
        let square = &root * &root;
        assert!(is(&square));
        assert!(!is(&(&square + 1_u32)));
        assert!(!is(&(&square - 1_u32)));
    }

    #[test]
    fn the_sieve_lets_every_square_pass_and_few_other_numbers() {
        assert!((0..SIEVE).all(|root| may_be(root * root)));
        let passed = (0..SIEVE).filter(|&residue| may_be(residue)).count();
        assert_eq!(passed, 12 * 16 * 21 * 6, "the product of the numbers of squares");
    }
}
