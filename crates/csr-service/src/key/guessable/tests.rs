//! Points that must be refused are, and no others.

use proptest::prelude::*;
use rcgen::PublicKeyData;

use super::*;
use crate::algorithm::verify;
use crate::encoding::{PublicKeyInfo, Signed};
use crate::test_support::{Request, bits, cn, oid, seq};

const ED25519: &str = "1.3.101.112";

/// The encodings with the sign bit and without it.
fn encodings() -> impl Iterator<Item = [u8; 32]> {
    ED25519_SMALL_ORDER_Y.into_iter().flat_map(|y| {
        let mut negative = y;
        negative[31] |= 0x80;
        [y, negative]
    })
}

#[test]
fn points_of_small_order_are_refused_in_every_encoding() {
    for octets in encodings() {
        assert!(flaw(KeyType::Ed25519, &octets).is_some(), "{octets:02x?}");
        for bit in 0..255 {
            let mut other = octets;
            other[bit / 8] ^= 1 << (bit % 8);
            let listed = encodings().any(|octets| octets == other);
            assert_eq!(flaw(KeyType::Ed25519, &other).is_some(), listed, "{other:02x?}");
        }
    }
}

/// The point R, the neutral element, and the number S, zero, of a signature (RFC 8032, section
/// 5.1.6) make the equation S·B = R + k·A true whenever k is a multiple of the order of A.
#[test]
fn anybody_can_sign_for_a_point_of_small_order() {
    let mut signature = [0; 64];
    signature[0] = 1;
    let forged = encodings().take(10).filter(|octets| {
        (0..200).any(|attempt| {
            let request = Request {
                subject: vec![cn(&format!("device-{attempt}"))],
                key_info: seq(&[seq(&[oid(ED25519)]), bits(octets)]),
                ..Request::default()
            };
            let der = seq(&[request.body(), seq(&[oid(ED25519)]), bits(&signature)]);
            let (signed, key) = (Signed::from_der(&der).unwrap(), PublicKeyInfo::from_der(&request.key_info));
            verify(&signed, &key.unwrap()).is_ok()
        })
    });
    // The points of order 4, 8 and 8 with either sign, the neutral element and the point of order 2.
    assert!(forged.count() >= 8);
}

#[test]
fn a_generator_is_found_whatever_its_form() {
    for form in 2..=4 {
        let point = [&[form], &P256_GENERATOR_X[..]].concat();
        assert!(flaw(KeyType::EcdsaP256, &point).is_some());
        assert!(flaw(KeyType::EcdsaP384, &point).is_none());
        let point = [&[form], &P384_GENERATOR_X[..]].concat();
        assert!(flaw(KeyType::EcdsaP384, &point).is_some());
        assert!(flaw(KeyType::EcdsaP256, &point).is_none());
    }
    assert!(flaw(KeyType::EcdsaP256, &P256_GENERATOR_X).is_none(), "without the octet of the form");
}

#[test]
fn random_keys_are_good() {
    let algorithms = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, KeyType::EcdsaP256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, KeyType::EcdsaP384),
        (&rcgen::PKCS_ED25519, KeyType::Ed25519),
    ];
    for (algorithm, key_type) in algorithms {
        for _ in 0..20 {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            assert_eq!(flaw(key_type, key.der_bytes()), None);
        }
    }
}

proptest! {
    #[test]
    fn octets_of_any_length_do_not_panic(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        for key_type in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519, KeyType::Rsa] {
            prop_assert_eq!(flaw(key_type, &octets), None);
        }
    }
}
