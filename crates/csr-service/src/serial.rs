//! Random serial numbers.

use renewal_domain::Serial;

/// The system's generator gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers: {0}")]
pub struct RandomError(#[from] getrandom::Error);

/// A new serial number from the system's generator: always 20 octets and positive, 158 bits of
/// them random (RFC 5280, section 4.1.2.2 allows 20 octets).
///
/// # Errors
/// [`RandomError`] when the generator fails.
pub fn random_serial() -> Result<Serial, RandomError> {
    let mut octets = [0; 20];
    getrandom::fill(&mut octets).map_err(RandomError)?;
    // The top bit is the sign; the next is set so that the number is never shorter.
    octets[0] = octets[0] & 0x7f | 0x40;
    Serial::from_be_bytes(&octets).map_err(|_| RandomError(getrandom::Error::UNEXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_positive_of_full_length_and_new_each_time() {
        let serials: std::collections::HashSet<_> = (0..1000).map(|_| random_serial().unwrap()).collect();
        assert_eq!(serials.len(), 1000);
        for serial in serials {
            assert_eq!(serial.as_bytes().len(), 20);
            assert_eq!(serial.as_bytes()[0] & 0xc0, 0x40);
        }
    }
}
