//! Keys, signature algorithms and signatures.

use rcgen::{KeyPair, PublicKeyData};

use super::{detail, parse, refused};
use crate::test_support::{P256, Request, bits, curve, oid, rsa, seq, signed, tlv};
use crate::{Csr, KeyPolicy, KeyType, Reason};

macro_rules! openssl {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/", $name))
    };
}

const F4: [u8; 3] = [1, 0, 1];

/// An odd modulus of this many bits; of 2048 and 4096 bits, one that looks good: 2^2048 - 29 and
/// 2^4096 - 5 are composite, and have no factors below 2^16.
fn modulus(bits: usize) -> Vec<u8> {
    let mut octets = vec![0xff; bits.div_ceil(8)];
    octets[0] = 0xff >> (octets.len() * 8 - bits);
    *octets.last_mut().unwrap() = match bits {
        2048 => 0xe3,
        4096 => 0xfb,
        _ => 0xff,
    };
    octets
}

#[test]
fn requests_of_every_allowed_kind_are_accepted() {
    for (request, kind) in [
        (&openssl!("ed25519.csr")[..], "Ed25519"),
        (openssl!("rsa2048.csr"), "RSA-2048"),
        (openssl!("rsa2048-sha512.csr"), "RSA-2048"),
        (openssl!("rsa2048-pss.csr"), "RSA-2048"),
        (openssl!("p256-sha384.csr"), "ECDSA P-256"),
        (openssl!("p256-sha512.csr"), "ECDSA P-256"),
        (openssl!("p384-sha256.csr"), "ECDSA P-384"),
        (openssl!("p384-sha512.csr"), "ECDSA P-384"),
    ] {
        assert_eq!(parse(request).unwrap().key_kind().to_string(), kind);
    }
}

#[test]
fn other_types_of_keys_are_refused_by_name() {
    for (request, name) in [
        (&openssl!("secp256k1.csr")[..], "ECDSA on the curve secp256k1"),
        (openssl!("p521.csr"), "ECDSA on the curve P-521"),
        (openssl!("p256-explicit.csr"), "ECDSA without a named curve"),
        (openssl!("ed448.csr"), "Ed448"),
        (openssl!("rsa-pss-key.csr"), "RSA-PSS"),
    ] {
        assert_eq!(detail(request, Reason::KeyTypeNotAllowed), name);
    }
    let dsa = seq(&[seq(&[oid("1.2.840.10040.4.1")]), bits(&[2, 1, 1])]);
    assert_eq!(detail(&Request::key(dsa), Reason::KeyTypeNotAllowed), "DSA");
    let unknown = seq(&[seq(&[oid("1.2.3.4")]), bits(&[1])]);
    assert_eq!(detail(&Request::key(unknown), Reason::KeyTypeNotAllowed), "1.2.3.4");
    let compressed = curve("1.2.840.10045.3.1.7", &[&[2][..], &[1; 32]].concat());
    assert_eq!(refused(&Request::key(compressed)), Reason::KeyTypeNotAllowed);
}

#[test]
fn a_policy_can_refuse_more() {
    let policy = KeyPolicy::default().without(KeyType::Ed25519).with_rsa_bits(3072..=4096);
    let reason = |request: &[u8]| Csr::parse(request, &policy).unwrap_err().reason();
    assert_eq!(reason(openssl!("ed25519.csr")), Reason::KeyTypeNotAllowed);
    assert_eq!(reason(openssl!("rsa2048.csr")), Reason::KeyTooWeak);
    assert!(Csr::parse(openssl!("p384-sha256.csr"), &policy).is_ok());
}

#[test]
fn no_policy_allows_what_is_unsafe() {
    let policy = KeyPolicy::default().with_rsa_bits(0..=u32::MAX);
    let reason = |request: &[u8]| Csr::parse(request, &policy).unwrap_err().reason();
    assert_eq!(reason(openssl!("rsa1024.csr")), Reason::KeyTooWeak);
    assert_eq!(reason(&Request::key(rsa(&modulus(8193), &F4))), Reason::KeyTooLarge);
}

#[test]
fn rsa_keys_of_a_wrong_size_are_refused() {
    assert_eq!(detail(openssl!("rsa1024.csr"), Reason::KeyTooWeak), "RSA-1024");
    for (bits, reason) in [
        (2047, Reason::KeyTooWeak),
        (2048, Reason::SignatureAlgorithmNotAllowed),
        (4096, Reason::SignatureAlgorithmNotAllowed),
        (4097, Reason::KeyTooLarge),
    ] {
        assert_eq!(refused(&Request::key(rsa(&modulus(bits), &F4))), reason, "{bits}");
    }
}

#[test]
fn rsa_keys_with_another_exponent_are_refused() {
    assert_eq!(refused(openssl!("rsa2048-e3.csr")), Reason::RsaExponentNotAllowed);
    for exponent in [&[1][..], &[1, 0, 2], &[0xff; 300]] {
        let key = rsa(&modulus(2048), exponent);
        assert_eq!(refused(&Request::key(key)), Reason::RsaExponentNotAllowed);
    }
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let mut even = modulus(2048);
    even[255] = 0xfe;
    let rsa_id = || seq(&[oid("1.2.840.113549.1.1.1"), tlv(5, &[])]);
    let p256 = "1.2.840.10045.3.1.7";
    for key in [
        rsa(&even, &F4),
        seq(&[rsa_id(), bits(&[])]),
        seq(&[rsa_id(), bits(&[0x30, 0])]),
        seq(&[seq(&[oid("1.2.840.113549.1.1.1")]), bits(&[0x30, 0])]),
        curve(p256, &[]),
        curve(p256, &[4; 64]),
        curve(p256, &[4; 66]),
        curve(p256, &[6; 65]),
        curve("1.3.132.0.34", &[4; 65]),
        seq(&[seq(&[oid("1.3.101.112")]), bits(&[1; 31])]),
        seq(&[seq(&[oid("1.3.101.112"), tlv(5, &[])]), bits(&[1; 32])]),
    ] {
        assert_eq!(refused(&Request::key(key)), Reason::KeyMalformed);
    }
}

#[test]
fn weak_signatures_are_refused_by_name() {
    for (request, name) in [
        (&openssl!("p256-sha1.csr")[..], "ECDSA with SHA-1, the key being ECDSA on the curve P-256"),
        (openssl!("rsa2048-sha1.csr"), "RSA with SHA-1, the key being RSA"),
        (openssl!("rsa2048-md5.csr"), "RSA with MD5, the key being RSA"),
        (openssl!("rsa2048-pss-salt20.csr"), "RSA-PSS with unusual parameters, the key being RSA"),
    ] {
        assert_eq!(detail(request, Reason::SignatureAlgorithmNotAllowed), name);
    }
}

#[test]
fn a_signature_algorithm_that_does_not_fit_the_key_is_refused() {
    for algorithm in ["1.2.840.113549.1.1.11", "1.3.101.112", "1.2.3"] {
        let request = Request { algorithm, ..Request::default() };
        assert_eq!(refused(&request.der()), Reason::SignatureAlgorithmNotAllowed);
    }
    // ECDSA with parameters, which RFC 5758, section 3.2 forbids.
    let body = Request::default().body();
    let signature = rcgen::SigningKey::sign(&*P256, &body).unwrap();
    let with_null = seq(&[oid("1.2.840.10045.4.3.2"), tlv(5, &[])]);
    let request = seq(&[body, with_null, bits(&signature)]);
    assert_eq!(refused(&request), Reason::SignatureAlgorithmNotAllowed);
}

#[test]
fn a_signature_that_does_not_verify_is_refused() {
    let other = KeyPair::generate().unwrap();
    let body = Request::default().body();
    assert_eq!(refused(&signed(body.clone(), "1.2.840.10045.4.3.2", &other)), Reason::SignatureInvalid);
    // Signed with SHA-256, labelled as SHA-384.
    assert_eq!(refused(&signed(body.clone(), "1.2.840.10045.4.3.3", &P256)), Reason::SignatureInvalid);
    for signature in [&[][..], &[0; 64], &[0x30, 6, 2, 1, 0, 2, 1, 0]] {
        let request = seq(&[body.clone(), seq(&[oid("1.2.840.10045.4.3.2")]), bits(signature)]);
        assert_eq!(refused(&request), Reason::SignatureInvalid);
    }
    // A point of the right length that does not lie on the curve.
    let off_curve = Request::key(curve("1.2.840.10045.3.1.7", &[4; 65]));
    assert_eq!(refused(&off_curve), Reason::SignatureInvalid);
    assert_ne!(other.subject_public_key_info(), P256.subject_public_key_info());
}
