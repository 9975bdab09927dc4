//! How long signing and verifying take with AWS-LC and with ring, on one thread.
//!
//! `cargo run --release --manifest-path signatures/Cargo.toml`

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// As long as what a request and a certificate sign.
const MESSAGE: [u8; 400] = [7; 400];

/// For how long each is measured, in turn with the other library, in each of the rounds.
const TURN: Duration = Duration::from_millis(300);
const ROUNDS: usize = 5;

/// A number of microseconds for each of some operations: the median of the rounds.
type Took = Result<[f64; 2], Box<dyn Error>>;

/// Signing and verifying with ECDSA, Ed25519 and RSA, of a library whose interface is that of ring.
macro_rules! library {
    ($module:ident, $library:ident, $rsa_size:expr, $ecdsa:expr) => {
        mod $module {
            use super::{MESSAGE, Took, per_operation};
            use ::$library::rand::SystemRandom;
            use ::$library::signature::{self, KeyPair, UnparsedPublicKey};

            pub fn ecdsa(
                signing: &'static signature::EcdsaSigningAlgorithm,
                verifying: &'static dyn signature::VerificationAlgorithm,
            ) -> Took {
                let random = SystemRandom::new();
                let document = signature::EcdsaKeyPair::generate_pkcs8(signing, &random)?;
                let key = ($ecdsa)(signing, document.as_ref(), &random)?;
                let signed = key.sign(&random, &MESSAGE)?;
                let public = UnparsedPublicKey::new(verifying, key.public_key().as_ref().to_vec());
                Ok([
                    per_operation(|| key.sign(&random, &MESSAGE).is_ok()),
                    per_operation(|| public.verify(&MESSAGE, signed.as_ref()).is_ok()),
                ])
            }

            pub fn ed25519() -> Took {
                let document = signature::Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
                let key = signature::Ed25519KeyPair::from_pkcs8(document.as_ref())?;
                let signed = key.sign(&MESSAGE);
                let public = UnparsedPublicKey::new(&signature::ED25519, key.public_key().as_ref().to_vec());
                Ok([
                    per_operation(|| key.sign(&MESSAGE).as_ref().len() == 64),
                    per_operation(|| public.verify(&MESSAGE, signed.as_ref()).is_ok()),
                ])
            }

            pub fn rsa(pkcs8: &[u8]) -> Took {
                let (random, key) = (SystemRandom::new(), signature::RsaKeyPair::from_pkcs8(pkcs8)?);
                let mut signed = vec![0; ($rsa_size)(&key)];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signed)?;
                let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
                let public = UnparsedPublicKey::new(algorithm, key.public_key().as_ref().to_vec());
                let mut again = signed.clone();
                Ok([
                    per_operation(|| {
                        key.sign(&signature::RSA_PKCS1_SHA256, &random, &MESSAGE, &mut again).is_ok()
                    }),
                    per_operation(|| public.verify(&MESSAGE, &signed).is_ok()),
                ])
            }

            pub fn p256() -> Took {
                ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &signature::ECDSA_P256_SHA256_ASN1)
            }

            pub fn p384() -> Took {
                ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &signature::ECDSA_P384_SHA384_ASN1)
            }
        }
    };
}

library!(
    with_ring,
    ring,
    |key: &signature::RsaKeyPair| key.public().modulus_len(),
    signature::EcdsaKeyPair::from_pkcs8
);
library!(
    with_aws_lc,
    aws_lc_rs,
    signature::RsaKeyPair::public_modulus_len,
    |signing, document, _: &SystemRandom| signature::EcdsaKeyPair::from_pkcs8(signing, document)
);

fn main() -> Result<(), Box<dyn Error>> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    let rsa = |size| -> Result<Vec<u8>, Box<dyn Error>> {
        let key = KeyPair::generate(size)?;
        Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(&key)?.as_ref().to_vec())
    };
    let (small, large) = (rsa(KeySize::Rsa2048)?, rsa(KeySize::Rsa3072)?);
    println!("microseconds      ring: sign  verify    AWS-LC: sign  verify    ring / AWS-LC: sign  verify");
    row("ECDSA P-256", with_ring::p256, with_aws_lc::p256)?;
    row("ECDSA P-384", with_ring::p384, with_aws_lc::p384)?;
    row("Ed25519", with_ring::ed25519, with_aws_lc::ed25519)?;
    row("RSA 2048", || with_ring::rsa(&small), || with_aws_lc::rsa(&small))?;
    row("RSA 3072", || with_ring::rsa(&large), || with_aws_lc::rsa(&large))?;
    Ok(())
}

fn row(name: &str, one: impl Fn() -> Took, other: impl Fn() -> Took) -> Result<(), Box<dyn Error>> {
    let (mut first, mut second) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        for (all, took) in [(&mut first, one()?), (&mut second, other()?)] {
            all.iter_mut().zip(took).for_each(|(all, took)| all.push(took));
        }
    }
    let [sign, verify] = first.map(median);
    let [other_sign, other_verify] = second.map(median);
    println!(
        "{name:<16} {sign:>12.1} {verify:>7.1} {other_sign:>15.1} {other_verify:>7.1} {:>22.2} {:>7.2}",
        sign / other_sign,
        verify / other_verify,
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn per_operation(mut work: impl FnMut() -> bool) -> f64 {
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < TURN {
        for _ in 0..10 {
            assert!(black_box(work()), "it failed");
        }
        count += 10;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}
