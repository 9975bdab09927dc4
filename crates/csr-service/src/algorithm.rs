//! Which signatures are accepted, and their verification.
//!
//! The table pairs a key's algorithm with a signature's. Both are compared octet by octet, so that
//! their parameters are checked as well, and a signature that does not fit the key is never tried.

use der::Encode;
use der::asn1::{ObjectIdentifier, SequenceRef};
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as algs;

use crate::encoding::{PublicKeyInfo, Signed, elements};

/// Every accepted pair of key and signature algorithm: SHA-256 and up, never MD5 or SHA-1.
/// RFC 4055, section 5 wants absent parameters accepted beside NULL for RSA with PKCS#1 v1.5.
/// RSA-PSS is accepted in the usual form only: MGF1 with the same hash, a salt as long as the hash.
static ACCEPTED: &[&dyn SignatureVerificationAlgorithm] = &[
    algs::ECDSA_P256_SHA256,
    algs::ECDSA_P256_SHA384,
    algs::ECDSA_P256_SHA512,
    algs::ECDSA_P384_SHA256,
    algs::ECDSA_P384_SHA384,
    algs::ECDSA_P384_SHA512,
    algs::ED25519,
    algs::RSA_PKCS1_2048_8192_SHA256,
    algs::RSA_PKCS1_2048_8192_SHA384,
    algs::RSA_PKCS1_2048_8192_SHA512,
    algs::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algs::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algs::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Why a signature is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignatureFailure {
    /// The algorithm is not in the table, or not for this key; says which it is.
    NotAllowed(String),
    /// The algorithm is accepted, the signature is wrong.
    Invalid,
}

/// The algorithm that verifies signatures of this kind by keys of that kind.
pub(crate) fn accepted(
    key: &PublicKeyInfo<'_>,
    signature_algorithm: &SequenceRef,
) -> Result<&'static dyn SignatureVerificationAlgorithm, SignatureFailure> {
    ACCEPTED
        .iter()
        .copied()
        .find(|alg| {
            alg.public_key_alg_id().as_ref() == key.algorithm.as_bytes()
                && alg.signature_alg_id().as_ref() == signature_algorithm.as_bytes()
        })
        .ok_or_else(|| {
            let (signature, key) = (describe(signature_algorithm), describe(key.algorithm));
            SignatureFailure::NotAllowed(match signature.as_str() {
                "RSA-PSS" => format!("RSA-PSS with unusual parameters, the key being {key}"),
                _ => format!("{signature}, the key being {key}"),
            })
        })
}

/// Verifies the signature of a request or certificate with a key.
pub(crate) fn verify(signed: &Signed<'_>, key: &PublicKeyInfo<'_>) -> Result<(), SignatureFailure> {
    let algorithm = accepted(key, signed.algorithm)?;
    let (Some(point), Some(signature), Ok(message)) =
        (key.key.as_bytes(), signed.signature.as_bytes(), signed.body.to_der())
    else {
        return Err(SignatureFailure::Invalid);
    };
    algorithm.verify_signature(point, &message, signature).map_err(|_| SignatureFailure::Invalid)
}

/// The name of an `AlgorithmIdentifier`, for people: what is known by name, else the numbers.
pub(crate) fn describe(identifier: &SequenceRef) -> String {
    let parts = elements(identifier.as_bytes()).unwrap_or_default();
    let Some(Ok(oid)) = parts.first().map(|part| part.decode_as::<ObjectIdentifier>()) else {
        return "an algorithm that cannot be read".into();
    };
    let name = name_of(&oid);
    match parts.get(1).map(|part| part.decode_as::<ObjectIdentifier>()) {
        Some(Ok(curve)) => format!("{name} on the curve {}", name_of(&curve)),
        _ => name,
    }
}

fn name_of(oid: &ObjectIdentifier) -> String {
    let dotted = oid.to_string();
    let name = match dotted.as_str() {
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10045.2.1" => "ECDSA",
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        "1.2.840.10045.4.1" => "ECDSA with SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA with SHA-224",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.2" => "RSA with MD2",
        "1.2.840.113549.1.1.4" => "RSA with MD5",
        "1.2.840.113549.1.1.5" => "RSA with SHA-1",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA with SHA-256",
        "1.2.840.113549.1.1.12" => "RSA with SHA-384",
        "1.2.840.113549.1.1.13" => "RSA with SHA-512",
        "1.2.840.113549.1.1.14" => "RSA with SHA-224",
        "1.3.101.110" => "X25519",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return dotted,
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_named_for_people() {
        for (content, name) in [
            (&[0x06, 0x03, 0x2b, 0x65, 0x70][..], "Ed25519"),
            (&[0x06, 0x02, 0x2a, 0x03], "1.2.3"),
            (&[], "an algorithm that cannot be read"),
        ] {
            assert_eq!(describe(SequenceRef::new(content).unwrap()), name);
        }
    }

    #[test]
    fn nothing_weaker_than_sha_256_is_in_the_table() {
        for algorithm in ACCEPTED {
            let name = describe(SequenceRef::new(&algorithm.signature_alg_id()).unwrap());
            assert!(!name.contains("MD5") && !name.contains("SHA-1"), "{name}");
        }
    }
}
