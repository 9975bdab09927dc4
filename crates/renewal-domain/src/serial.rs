//! Serial numbers of certificates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The serial number of a certificate: a positive integer of at most 20 octets
/// (RFC 5280, section 4.1.2.2). Shown as lowercase hexadecimal, two digits an octet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(Vec<u8>);

/// The value can't be a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSerial {
    /// It is zero or empty.
    #[error("a serial number is a positive integer")]
    Zero,
    /// It has more than 20 octets.
    #[error("a serial number has at most 20 octets, this one has {0}")]
    TooLong(usize),
    /// The text is not hexadecimal.
    #[error("a serial number is written in hexadecimal, two digits an octet, with or without colons")]
    NotHexadecimal,
}

impl Serial {
    /// Takes the octets of an unsigned big-endian integer; leading zero octets do not count.
    ///
    /// # Errors
    /// [`InvalidSerial`] when it is zero or longer than 20 octets.
    pub fn from_be_bytes(bytes: &[u8]) -> Result<Self, InvalidSerial> {
        let first = bytes.iter().position(|b| *b != 0).ok_or(InvalidSerial::Zero)?;
        let bytes = &bytes[first..];
        if bytes.len() > 20 {
            return Err(InvalidSerial::TooLong(bytes.len()));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The octets, most significant first, with no leading zero octet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl FromStr for Serial {
    type Err = InvalidSerial;

    /// Reads what tools print: either case, with or without colons, a leading zero dropped or not.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        if digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        let bytes = hex::decode(digits).map_err(|_| InvalidSerial::NotHexadecimal)?;
        Self::from_be_bytes(&bytes)
    }
}

impl TryFrom<String> for Serial {
    type Error = InvalidSerial;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_read_as_openssl_prints_it() {
        let serial: Serial = "0A:bc:01".parse().unwrap();
        assert_eq!(serial.to_string(), "0abc01");
        assert_eq!("ABC01".parse::<Serial>().unwrap(), serial);
        assert_eq!(Serial::from_be_bytes(&[0, 0x0a, 0xbc, 0x01]).unwrap(), serial);
    }

    #[test]
    fn what_is_no_serial_is_refused() {
        assert_eq!("".parse::<Serial>(), Err(InvalidSerial::Zero));
        assert_eq!("00".parse::<Serial>(), Err(InvalidSerial::Zero));
        assert_eq!("xyz".parse::<Serial>(), Err(InvalidSerial::NotHexadecimal));
        assert_eq!(Serial::from_be_bytes(&[1; 21]), Err(InvalidSerial::TooLong(21)));
        assert!(Serial::from_be_bytes(&[1; 20]).is_ok());
    }
}
