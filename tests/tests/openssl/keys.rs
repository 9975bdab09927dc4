//! Requests with keys and signatures that are not accepted.

use csr_service::Reason::{
    KeyBelongsToIssuer, KeyFactorable, KeyGuessable, KeyMalformed, KeyTooLarge, KeyTooWeak,
    KeyTypeNotAllowed, RsaExponentNotAllowed, SignatureAlgorithmNotAllowed, SignatureInvalid,
};

use crate::case::Case;
use crate::draft::{Draft, content, element, parts, sequence};
use crate::workshop::{P256, P521, RSA_1024, RSA_2048, SECP256K1};
use crate::world::World;

/// The cases.
pub(crate) const REQUESTS: &[Case] = &[
    Case { reason: KeyTypeNotAllowed, name: "secp256k1", make: |w| with_key(w, SECP256K1) },
    Case { reason: KeyTypeNotAllowed, name: "p_521", make: |w| with_key(w, P521) },
    Case {
        reason: KeyTypeNotAllowed,
        name: "p_224",
        make: |w| with_key(w, "EC -pkeyopt ec_paramgen_curve:P-224"),
    },
    Case {
        reason: KeyTypeNotAllowed,
        name: "brainpool_p256",
        make: |w| with_key(w, "EC -pkeyopt ec_paramgen_curve:brainpoolP256r1"),
    },
    Case { reason: KeyTypeNotAllowed, name: "ed448", make: |w| with_key(w, "ED448") },
    Case {
        reason: KeyTypeNotAllowed,
        name: "p_256_with_the_curve_spelled_out",
        make: |w| with_key(w, "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"),
    },
    Case {
        reason: KeyTypeNotAllowed,
        name: "p_256_with_a_compressed_point",
        make: |w| {
            w.workshop.openssl("ec -in device.key -conv_form compressed -out small.key");
            w.workshop.openssl("req -new -key small.key -outform DER")
        },
    },
    Case {
        reason: KeyTypeNotAllowed,
        name: "a_key_for_rsa_pss_alone",
        make: |w| with_key(w, "RSA-PSS -pkeyopt rsa_keygen_bits:2048"),
    },
    Case {
        reason: KeyTypeNotAllowed,
        name: "dsa",
        make: |w| {
            let parameters =
                "genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.params";
            w.workshop.openssl(parameters);
            w.workshop.openssl("genpkey -paramfile dsa.params -out dsa.key");
            w.workshop.openssl("req -new -key dsa.key -outform DER")
        },
    },
    Case { reason: KeyTooWeak, name: "rsa_1024", make: |w| with_key(w, RSA_1024) },
    Case { reason: KeyTooWeak, name: "rsa_2047", make: |w| with_key(w, "RSA -pkeyopt rsa_keygen_bits:2047") },
    Case {
        reason: KeyTooWeak,
        name: "rsa_1024_signed_with_md5",
        make: |w| {
            w.workshop.key("other.key", RSA_1024);
            w.workshop.openssl("req -new -key other.key -md5 -outform DER")
        },
    },
    // Keys of several primes are made much faster, and look the same from outside.
    Case {
        reason: KeyTooLarge,
        name: "rsa_8192",
        make: |w| with_key(w, "RSA -pkeyopt rsa_keygen_bits:8192 -pkeyopt rsa_keygen_primes:5"),
    },
    Case {
        reason: KeyTooLarge,
        name: "rsa_4097",
        make: |w| with_key(w, "RSA -pkeyopt rsa_keygen_bits:4097 -pkeyopt rsa_keygen_primes:4"),
    },
    Case {
        reason: RsaExponentNotAllowed,
        name: "the_exponent_3",
        make: |w| with_key(w, "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3"),
    },
    Case {
        reason: RsaExponentNotAllowed,
        name: "a_very_large_exponent",
        make: |w| with_key(w, "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:4294967297"),
    },
    Case {
        reason: KeyMalformed,
        name: "an_elliptic_point_of_no_form",
        make: |w| with_point(w, |point| point[0] = 5),
    },
    Case {
        reason: KeyMalformed,
        name: "an_elliptic_point_that_is_too_short",
        make: |w| with_point(w, |point| point.truncate(64)),
    },
    Case {
        reason: KeyMalformed,
        name: "an_elliptic_point_without_octets",
        make: |w| with_point(w, Vec::clear),
    },
    Case {
        reason: KeyMalformed,
        name: "an_ed25519_key_of_31_octets",
        make: |w| {
            w.workshop.key("other.key", "ED25519");
            let mut draft = Draft::of(&w.workshop.openssl("req -new -key other.key -outform DER"));
            let [algorithm, bits] = parts(&draft.key)[..] else { panic!("no key") };
            let octets = content(bits);
            draft.key = sequence(&[algorithm, &element(0x03, &octets[..octets.len() - 1])]);
            draft.signed(&w.workshop)
        },
    },
    Case {
        reason: KeyMalformed,
        name: "an_even_rsa_modulus",
        make: |w| {
            with_rsa_numbers(w, |modulus, exponent| {
                let mut even = content(modulus).to_vec();
                *even.last_mut().unwrap() &= 0xfe;
                sequence(&[&element(0x02, &even), exponent])
            })
        },
    },
    Case {
        reason: KeyMalformed,
        name: "a_negative_rsa_modulus",
        make: |w| {
            with_rsa_numbers(w, |modulus, exponent| {
                sequence(&[&element(0x02, &content(modulus)[1..]), exponent])
            })
        },
    },
    Case {
        reason: KeyMalformed,
        name: "an_rsa_key_with_a_third_number",
        make: |w| with_rsa_numbers(w, |modulus, exponent| sequence(&[modulus, exponent, exponent])),
    },
    Case {
        reason: KeyMalformed,
        name: "an_rsa_key_that_is_text",
        make: |w| with_rsa_numbers(w, |_, _| b"sixteen thousand".to_vec()),
    },
    Case {
        reason: KeyFactorable,
        name: "an_rsa_modulus_that_3_divides",
        // 2^2048 - 1
        make: |w| with_rsa_numbers(w, |_, exponent| sequence(&[&element(0x02, &all_ones(2048)), exponent])),
    },
    Case {
        reason: KeyFactorable,
        name: "close_rsa_primes",
        make: |_| include_bytes!("../../../crates/csr-service/testdata/rsa2048-close-primes.der").to_vec(),
    },
    Case {
        reason: KeyGuessable,
        name: "the_private_key_1_of_p_256",
        make: |w| {
            w.workshop.write("guessable.key", private_key_1());
            w.workshop.openssl("req -new -key guessable.key -outform DER")
        },
    },
    Case {
        reason: KeyGuessable,
        name: "an_ed25519_key_of_zeros",
        make: |w| {
            w.workshop.key("other.key", "ED25519");
            let mut draft = Draft::of(&w.workshop.openssl("req -new -key other.key -outform DER"));
            let algorithm = parts(&draft.key)[0];
            draft.key = sequence(&[algorithm, &element(0x03, &[0; 33])]);
            draft.signed(&w.workshop)
        },
    },
    Case {
        reason: KeyBelongsToIssuer,
        name: "the_authority_s_own_key",
        make: |w| w.workshop.openssl("req -new -key ca.key -outform DER"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_with_md5",
        make: |w| with_hash(w, RSA_2048, "-md5"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_with_sha_1",
        make: |w| with_hash(w, RSA_2048, "-sha1"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_with_sha_224",
        make: |w| with_hash(w, RSA_2048, "-sha224"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_with_ripemd_160",
        make: |w| with_hash(w, RSA_2048, "-ripemd160"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "ecdsa_with_sha_1",
        make: |w| with_hash(w, P256, "-sha1"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "ecdsa_with_sha_224",
        make: |w| with_hash(w, P256, "-sha224"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "ecdsa_with_sha3_256",
        make: |w| with_hash(w, P256, "-sha3-256"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_pss_with_sha_1",
        make: |w| with_hash(w, RSA_2048, "-sha1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_pss_with_a_salt_of_another_length",
        make: |w| with_hash(w, RSA_2048, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20"),
    },
    Case {
        reason: SignatureAlgorithmNotAllowed,
        name: "rsa_pss_with_another_hash_for_its_mask",
        make: |w| {
            let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha512";
            with_hash(w, RSA_2048, pss)
        },
    },
    Case {
        reason: SignatureInvalid,
        name: "a_changed_signature",
        make: |w| {
            let mut der = w.request();
            // The middle of the second number of the signature.
            let place = der.len() - 16;
            der[place] ^= 1;
            der
        },
    },
    Case {
        reason: SignatureInvalid,
        name: "a_changed_name",
        make: |w| {
            let mut der = w.request();
            let place = der.windows(9).position(|window| window == b"gateway-1").unwrap();
            der[place + 8] = b'2';
            der
        },
    },
    Case {
        reason: SignatureInvalid,
        name: "the_key_of_another_device",
        make: |w| {
            w.workshop.key("other.key", P256);
            let mut draft = Draft::new(&w.workshop);
            draft.key = Draft::of(&w.workshop.openssl("req -new -key other.key -outform DER")).key;
            draft.signed(&w.workshop)
        },
    },
    Case {
        reason: SignatureInvalid,
        name: "an_elliptic_point_off_the_curve",
        make: |w| with_point(w, |point| *point.last_mut().unwrap() ^= 1),
    },
];

/// A positive INTEGER of this many bits, all of them ones: its content.
fn all_ones(bits: usize) -> Vec<u8> {
    [&[0][..], &vec![0xff; bits / 8]].concat()
}

/// The private key 1 of P-256 (RFC 5915, section 3), without the point, which OpenSSL computes.
pub(crate) fn private_key_1() -> Vec<u8> {
    let mut number = [0; 32];
    number[31] = 1;
    let curve = element(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    sequence(&[&element(0x02, &[1]), &element(0x04, &number), &element(0xa0, &curve)])
}

fn with_key(world: &World, kind: &'static str) -> Vec<u8> {
    with_hash(world, kind, "")
}

/// The request of another key, signed as the options say.
fn with_hash(world: &World, kind: &'static str, options: &str) -> Vec<u8> {
    world.workshop.key("other.key", kind);
    world.workshop.openssl(&format!("req -new -key other.key -outform DER {options}"))
}

/// The device's request with another point for a key.
fn with_point(world: &World, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut draft = Draft::new(&world.workshop);
    let [algorithm, bits] = parts(&draft.key)[..] else { panic!("no key") };
    let mut point = content(bits)[1..].to_vec();
    edit(&mut point);
    draft.key = sequence(&[algorithm, &element(0x03, &[&[0][..], &point].concat())]);
    draft.signed(&world.workshop)
}

/// The request of an RSA key, with something else for modulus and exponent.
fn with_rsa_numbers(world: &World, edit: impl FnOnce(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    world.workshop.key("other.key", RSA_2048);
    let mut draft = Draft::of(&world.workshop.openssl("req -new -key other.key -outform DER"));
    let [algorithm, bits] = parts(&draft.key)[..] else { panic!("no key") };
    let [modulus, exponent] = parts(&content(bits)[1..])[..] else { panic!("no RSA key") };
    draft.key = sequence(&[algorithm, &element(0x03, &[&[0][..], &edit(modulus, exponent)].concat())]);
    draft.signed(&world.workshop)
}
