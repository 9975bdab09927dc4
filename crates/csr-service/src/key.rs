//! Which keys a request may have.

use std::fmt;
use std::ops::RangeInclusive;

use der::asn1::UintRef;
use der::{Decode, Sequence};
use rustls_pki_types::alg_id;

use crate::algorithm::describe;
use crate::encoding::PublicKeyInfo;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The shortest RSA modulus that a policy can allow, in bits.
pub const MIN_RSA_BITS: u32 = 2048;

/// The longest RSA modulus that a policy can allow, in bits.
pub const MAX_RSA_BITS: u32 = 8192;

/// The type of a key, without its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on the curve P-256 (RFC 5480).
    EcdsaP256,
    /// ECDSA on the curve P-384 (RFC 5480).
    EcdsaP384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA (RFC 3279, section 2.3.1).
    Rsa,
}

/// What kind of key a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyKind {
    key_type: KeyType,
    bits: u32,
}

impl KeyKind {
    /// The type.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        self.key_type
    }

    /// The size in bits: of the curve, or of the RSA modulus.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits
    }
}

impl fmt::Display for KeyKind {
    /// As people write it: `ECDSA P-256`, `Ed25519`, `RSA-2048`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key_type {
            KeyType::EcdsaP256 => f.write_str("ECDSA P-256"),
            KeyType::EcdsaP384 => f.write_str("ECDSA P-384"),
            KeyType::Ed25519 => f.write_str("Ed25519"),
            KeyType::Rsa => write!(f, "RSA-{}", self.bits),
        }
    }
}

/// Which keys requests may have. By default ECDSA P-256 and P-384, Ed25519, and RSA of 2048 to
/// 4096 bits. RSA always needs the exponent 65537.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    refused: Vec<KeyType>,
    rsa_bits: RangeInclusive<u32>,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self { refused: Vec::new(), rsa_bits: MIN_RSA_BITS..=4096 }
    }
}

impl KeyPolicy {
    /// The policy that refuses keys of this type, too.
    #[must_use]
    pub fn without(mut self, key_type: KeyType) -> Self {
        self.refused.push(key_type);
        self
    }

    /// The policy with other limits on the RSA modulus, in bits; each limit is moved into
    /// [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`].
    #[must_use]
    pub fn with_rsa_bits(mut self, bits: RangeInclusive<u32>) -> Self {
        let within = |limit: &u32| (*limit).clamp(MIN_RSA_BITS, MAX_RSA_BITS);
        self.rsa_bits = within(bits.start())..=within(bits.end());
        self
    }

    /// Judges the key of a request.
    pub(crate) fn judge(&self, key: &PublicKeyInfo<'_>) -> Result<KeyKind, Rejection> {
        let kind = kind_of(key)?;
        if self.refused.contains(&kind.key_type) {
            return Err(Rejection::new(Reason::KeyTypeNotAllowed, kind.to_string()));
        }
        if kind.key_type == KeyType::Rsa && kind.bits < *self.rsa_bits.start() {
            return Err(Rejection::new(Reason::KeyTooWeak, kind.to_string()));
        }
        if kind.key_type == KeyType::Rsa && kind.bits > *self.rsa_bits.end() {
            return Err(Rejection::new(Reason::KeyTooLarge, kind.to_string()));
        }
        if kind.key_type == KeyType::Rsa {
            check_rsa_numbers(key)?;
        }
        Ok(kind)
    }
}

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

fn kind_of(key: &PublicKeyInfo<'_>) -> Result<KeyKind, Rejection> {
    let octets = key.key.as_bytes().unwrap_or_default();
    let algorithm = key.algorithm.as_bytes();
    if algorithm == alg_id::ECDSA_P256.as_ref() {
        curve_key(octets, KeyType::EcdsaP256, 256)
    } else if algorithm == alg_id::ECDSA_P384.as_ref() {
        curve_key(octets, KeyType::EcdsaP384, 384)
    } else if algorithm == alg_id::ED25519.as_ref() {
        if octets.len() != 32 {
            return Err(malformed("an Ed25519 key has 32 octets"));
        }
        Ok(KeyKind { key_type: KeyType::Ed25519, bits: 256 })
    } else if algorithm == alg_id::RSA_ENCRYPTION.as_ref() {
        let bits = bit_length(rsa_key(key)?.modulus.as_bytes());
        Ok(KeyKind { key_type: KeyType::Rsa, bits })
    } else {
        let name = describe(key.algorithm);
        Err(match name.as_str() {
            "RSA" | "Ed25519" | "ECDSA on the curve P-256" | "ECDSA on the curve P-384" => {
                malformed(&format!("{name} with parameters that do not belong to it"))
            }
            "ECDSA" => Rejection::new(Reason::KeyTypeNotAllowed, "ECDSA without a named curve"),
            _ => Rejection::new(Reason::KeyTypeNotAllowed, name),
        })
    }
}

/// A point on a curve, uncompressed (SEC 1, section 2.3.3). Whether it lies on the curve is
/// found out by verifying a signature with it.
fn curve_key(octets: &[u8], key_type: KeyType, bits: u32) -> Result<KeyKind, Rejection> {
    let length = 1 + 2 * (bits as usize / 8);
    match octets.first() {
        Some(0x04) if octets.len() == length => Ok(KeyKind { key_type, bits }),
        Some(0x02 | 0x03) => Err(Rejection::new(
            Reason::KeyTypeNotAllowed,
            "an elliptic curve key with a compressed point; write the point uncompressed",
        )),
        _ => Err(malformed("the elliptic curve point has a wrong form or length")),
    }
}

fn rsa_key<'a>(key: &PublicKeyInfo<'a>) -> Result<RsaKey<'a>, Rejection> {
    RsaKey::from_der(key.key.as_bytes().unwrap_or_default())
        .map_err(|_| malformed("the RSA key is not a modulus and an exponent"))
}

fn check_rsa_numbers(key: &PublicKeyInfo<'_>) -> Result<(), Rejection> {
    let rsa = rsa_key(key)?;
    if rsa.exponent.as_bytes() != [1, 0, 1] {
        return Err(Rejection::new(Reason::RsaExponentNotAllowed, "RSA with another exponent than 65537"));
    }
    if rsa.modulus.as_bytes().last().is_none_or(|octet| octet % 2 == 0) {
        return Err(malformed("the RSA modulus is even"));
    }
    Ok(())
}

/// The length in bits of a big-endian integer without leading zero octets.
fn bit_length(octets: &[u8]) -> u32 {
    let Some(first) = octets.first() else { return 0 };
    u32::try_from(octets.len() * 8).unwrap_or(u32::MAX) - first.leading_zeros()
}

fn malformed(detail: &str) -> Rejection {
    Rejection::new(Reason::KeyMalformed, detail)
}
