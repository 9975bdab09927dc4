//! Which keys a request may have.

mod factorable;
mod guessable;
mod roca;
mod square;

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

impl KeyType {
    /// As people write it, without a size.
    const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::Ed25519 => "Ed25519",
            Self::Rsa => "RSA",
        }
    }
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
        f.write_str(self.key_type.name())?;
        if self.key_type == KeyType::Rsa { write!(f, "-{}", self.bits) } else { Ok(()) }
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
        refuse_broken(key)?;
        Ok(kind)
    }
}

/// Refuses a key whose private key anybody can find, or for which anybody can sign. Whether a
/// policy allows its type and size is not looked at.
///
/// A key of no [`KeyType`] and a malformed one pass. So does an RSA key of more than
/// [`MAX_RSA_BITS`]: to judge it would take long, and nothing that it signs is accepted.
pub(crate) fn refuse_broken(key: &PublicKeyInfo<'_>) -> Result<(), Rejection> {
    let octets = key.key.as_bytes().unwrap_or_default();
    let Some(key_type) = type_of(key) else { return Ok(()) };
    if let Some(flaw) = guessable::flaw(key_type, octets) {
        let detail = format!("{}: {flaw}", key_type.name());
        return Err(Rejection::new(Reason::KeyGuessable, detail));
    }
    if key_type == KeyType::Rsa
        && let Ok(rsa) = rsa_key(key)
    {
        let modulus = rsa.modulus.as_bytes();
        let bits = bit_length(modulus);
        if bits <= MAX_RSA_BITS
            && let Some(flaw) = factorable::flaw(modulus)
        {
            let detail = format!("{}: {flaw}", KeyKind { key_type, bits });
            return Err(Rejection::new(Reason::KeyFactorable, detail));
        }
    }
    Ok(())
}

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// The type that the key's `AlgorithmIdentifier` names.
fn type_of(key: &PublicKeyInfo<'_>) -> Option<KeyType> {
    let algorithm = key.algorithm.as_bytes();
    let types = [
        (alg_id::ECDSA_P256, KeyType::EcdsaP256),
        (alg_id::ECDSA_P384, KeyType::EcdsaP384),
        (alg_id::ED25519, KeyType::Ed25519),
        (alg_id::RSA_ENCRYPTION, KeyType::Rsa),
    ];
    types.into_iter().find_map(|(id, key_type)| (algorithm == id.as_ref()).then_some(key_type))
}

fn kind_of(key: &PublicKeyInfo<'_>) -> Result<KeyKind, Rejection> {
    let octets = key.key.as_bytes().unwrap_or_default();
    match type_of(key) {
        Some(key_type @ KeyType::EcdsaP256) => curve_key(octets, key_type, 256),
        Some(key_type @ KeyType::EcdsaP384) => curve_key(octets, key_type, 384),
        Some(KeyType::Ed25519) if octets.len() != 32 => Err(malformed("an Ed25519 key has 32 octets")),
        Some(key_type @ KeyType::Ed25519) => Ok(KeyKind { key_type, bits: 256 }),
        Some(key_type @ KeyType::Rsa) => {
            Ok(KeyKind { key_type, bits: bit_length(rsa_key(key)?.modulus.as_bytes()) })
        }
        None => Err(unsupported(key)),
    }
}

fn unsupported(key: &PublicKeyInfo<'_>) -> Rejection {
    let name = describe(key.algorithm);
    match name.as_str() {
        "RSA" | "Ed25519" | "ECDSA on the curve P-256" | "ECDSA on the curve P-384" => {
            malformed(&format!("{name} with parameters that do not belong to it"))
        }
        "ECDSA" => Rejection::new(Reason::KeyTypeNotAllowed, "ECDSA without a named curve"),
        _ => Rejection::new(Reason::KeyTypeNotAllowed, name),
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
