//! Signatures for what a fuzzer made. It cannot guess them, and behind them are most of the checks.
//!
//! The keys are made of a repeated octet and protect nothing.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use csr_service::Issuer;
use der::Decode;
use der::asn1::AnyRef;
use rcgen::{KeyPair, PublicKeyData, SigningKey};

use crate::elements::{bits, element, elements_of, sequence};

/// When everything happens: the authorities and the certificates of the seeds are valid then.
pub(crate) const NOW: DateTime<Utc> = match DateTime::from_timestamp(1_811_808_000, 0) {
    Some(now) => now,
    None => DateTime::UNIX_EPOCH,
};

/// The `AlgorithmIdentifier` of Ed25519 (RFC 8410, section 3).
const ED25519: [u8; 7] = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// The tag of the version of a certificate, and that of its extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// The identifier of subject alternative names.
const ALT_NAMES: [u8; 5] = [6, 3, 0x55, 0x1d, 0x11];

/// The identifier of the attribute that asks for extensions (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x0e];

/// The key of requests.
static DEVICE_KEY: LazyLock<KeyPair> = LazyLock::new(|| key(b'd'));

/// The key of the authority.
static AUTHORITY_KEY: LazyLock<Arc<KeyPair>> = LazyLock::new(|| Arc::new(key(b'a')));

/// The authority that signs certificates: valid until 2049, without a key identifier, so that whatever
/// identifier a certificate names could be its.
pub(crate) static AUTHORITY: LazyLock<Issuer> = LazyLock::new(|| {
    let info = AUTHORITY_KEY.subject_public_key_info();
    let name = authority_name();
    let basic_constraints = [6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff];
    let validity = [b"260101000000Z", b"491231235959Z"].map(|time| element(0x17, time));
    let body = [
        element(0xa0, &[2, 1, 2]),
        element(2, &[1]),
        ED25519.to_vec(),
        name.clone(),
        sequence(&validity),
        name,
        info,
        element(0xa3, &sequence(&[sequence(&[basic_constraints])])),
    ];
    match Issuer::with_signer(signed(&sequence(&body), &AUTHORITY_KEY), AUTHORITY_KEY.clone(), NOW) {
        Ok(issuer) => issuer,
        Err(error) => panic!("the authority: {error}"),
    }
});

/// The request with the key of requests, signed with it; none if it does not look like a request.
pub(crate) fn request(der: &[u8]) -> Option<Vec<u8>> {
    let mut body = elements_of(elements_of(der)?.first()?)?;
    *body.get_mut(2)? = DEVICE_KEY.subject_public_key_info();
    Some(signed(&sequence(&body), &DEVICE_KEY))
}

/// The certificate signed by the authority; none if it does not look like a certificate.
pub(crate) fn certificate(der: &[u8]) -> Option<Vec<u8>> {
    let mut body = elements_of(elements_of(der)?.first()?)?;
    let version = usize::from(body.first()?.first() == Some(&VERSION));
    *body.get_mut(version + 1)? = ED25519.to_vec();
    *body.get_mut(version + 2)? = authority_name();
    Some(signed(&sequence(&body), &AUTHORITY_KEY))
}

/// The request with which a device asks for the renewal of a certificate: for its own key, under the
/// names of the certificate.
pub(crate) fn renewal(certificate: &[u8]) -> Option<Vec<u8>> {
    let body = elements_of(elements_of(certificate)?.first()?)?;
    let version = usize::from(body.first()?.first() == Some(&VERSION));
    let subject = body.get(version + 4)?;
    let extensions = match body.last().and_then(|last| last.strip_prefix(&[EXTENSIONS])) {
        Some(_) => elements_of(AnyRef::from_der(body.last()?).ok()?.value())?,
        None => Vec::new(),
    };
    let alt_names = extensions.into_iter().find(|extension| {
        elements_of(extension).is_some_and(|parts| parts.first().map(Vec::as_slice) == Some(&ALT_NAMES))
    });
    let attributes = alt_names.map(|alt_names| {
        let request = element(0x31, &sequence(&[alt_names]));
        sequence(&[&EXTENSION_REQUEST[..], &request])
    });
    let body = [
        vec![2, 1, 0],
        subject.clone(),
        DEVICE_KEY.subject_public_key_info(),
        element(0xa0, &attributes.unwrap_or_default()),
    ];
    Some(signed(&sequence(&body), &DEVICE_KEY))
}

fn authority_name() -> Vec<u8> {
    let attribute = sequence(&[&[6, 3, 0x55, 4, 3], element(0x0c, b"Fuzz CA").as_slice()]);
    sequence(&[element(0x31, &attribute)])
}

fn signed(body: &[u8], key: &KeyPair) -> Vec<u8> {
    match key.sign(body) {
        Ok(signature) => sequence(&[body, &ED25519, &bits(&signature)]),
        Err(error) => panic!("Ed25519: {error}"),
    }
}

/// The Ed25519 key whose secret is this octet, 32 times.
fn key(octet: u8) -> KeyPair {
    // PKCS#8 (RFC 8410, section 7).
    const BEGIN: [u8; 16] = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32];
    let pkcs8 = [&BEGIN[..], &[octet; 32]].concat();
    match KeyPair::try_from(pkcs8) {
        Ok(key) => key,
        Err(error) => panic!("Ed25519: {error}"),
    }
}
