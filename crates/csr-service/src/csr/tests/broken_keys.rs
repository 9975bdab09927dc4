//! Keys whose private key anybody can find: requests with them are refused, though their
//! signatures verify.
//!
//! The requests in `testdata`:
//!
//! - `rsa2049-small-factor.der`: 3 divides the modulus.
//! - `rsa2048-roca.der`: the modulus is a power of 65537 modulo the product of the first 126 primes.
//! - `rsa2048-close-primes.der`: the primes are a random one of 1024 bits and the next. Made, as are
//!   those below, with Python's `cryptography`: `rsa.RSAPrivateNumbers` with the numbers of such a
//!   key, and `x509.CertificateSigningRequestBuilder`, signed with SHA-256.
//! - `p256-private-key-1.der` and so on: `ec.derive_private_key(1, ec.SECP256R1())`, or n - 1.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::detail;
use crate::{Csr, KeyPolicy, Reason};

macro_rules! request {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/", $name))
    };
}

const REQUESTS: [(&[u8], Reason, &str); 7] = [
    (request!("rsa2049-small-factor.der"), Reason::KeyFactorable, "RSA-2049: its modulus is divisible by 3"),
    (
        request!("rsa2048-close-primes.der"),
        Reason::KeyFactorable,
        "RSA-2048: its two primes are too close to each other",
    ),
    (
        request!("rsa2048-roca.der"),
        Reason::KeyFactorable,
        "RSA-2048: its primes have the form of CVE-2017-15361, ROCA",
    ),
    (request!("p256-private-key-1.der"), Reason::KeyGuessable, "ECDSA P-256: its private key is 1 or n - 1"),
    (
        request!("p256-private-key-n-1.der"),
        Reason::KeyGuessable,
        "ECDSA P-256: its private key is 1 or n - 1",
    ),
    (request!("p384-private-key-1.der"), Reason::KeyGuessable, "ECDSA P-384: its private key is 1 or n - 1"),
    (
        request!("p384-private-key-n-1.der"),
        Reason::KeyGuessable,
        "ECDSA P-384: its private key is 1 or n - 1",
    ),
];

#[test]
fn a_key_whose_private_key_anybody_can_find_is_refused_with_a_good_signature() {
    for (request, reason, why) in REQUESTS {
        let (_, read) = X509CertificationRequest::from_der(request).unwrap();
        read.verify_signature().unwrap();
        assert_eq!(detail(request, reason), why);
    }
}

#[test]
fn no_policy_allows_a_key_whose_private_key_anybody_can_find() {
    let policy = KeyPolicy::default().with_rsa_bits(0..=u32::MAX);
    for (request, reason, _) in REQUESTS {
        assert_eq!(Csr::parse(request, &policy).unwrap_err().reason(), reason);
    }
}
