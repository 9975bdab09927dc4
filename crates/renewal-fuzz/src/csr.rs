//! Certificate requests (PKCS#10), DER or PEM.

use cms::cert::x509::der::{Decode, Encode};
use cms::cert::x509::request::CertReq;
use csr_service::{
    Csr, KeyPolicy, MAX_ALT_NAMES, MAX_CSR_BYTES, PresentedCertificate, Profile, Rejection, issue,
};
use renewal_domain::text::is_unsafe;

use crate::elements::{SEQUENCE, elements_of};
use crate::sealed::{self, AUTHORITY, NOW};

/// Judges the input as a request; and once more with a good key and signature, so that what is behind
/// the signature is judged too. Says whether it is taken as it is.
///
/// # Panics
/// When one of these does not hold:
///
/// - a refusal is told in a line that is safe to print;
/// - a request is taken as it is, and means to another reader what it means here;
/// - what is taken is taken again, as DER and as PEM, and not if a bit of what is signed changes;
/// - what is taken can be issued, and what was issued can be presented for a renewal.
#[must_use]
pub fn csr(input: &[u8]) -> bool {
    if let Some(signed) = sealed::request(input) {
        judge(&signed);
    }
    judge(input)
}

fn judge(input: &[u8]) -> bool {
    let csr = Csr::parse(input, &KeyPolicy::default());
    match &csr {
        Ok(csr) => taken(csr, input),
        Err(rejection) => refused(rejection),
    }
    csr.is_ok()
}

/// A refusal goes into logs, answers and the ledger.
pub(crate) fn refused(rejection: &Rejection) {
    assert!(rejection.detail().len() <= 200, "a long detail: {rejection}");
    assert!(!rejection.to_string().chars().any(is_unsafe), "a dangerous detail: {rejection:?}");
}

fn taken(csr: &Csr, input: &[u8]) {
    assert!(csr.der().len() <= MAX_CSR_BYTES);
    if input.first() == Some(&SEQUENCE) {
        assert_eq!(csr.der(), input);
    }
    assert!(csr.san().len() <= MAX_ALT_NAMES);
    let name = csr.subject().common_name().as_str();
    assert!((1..=64).contains(&name.chars().count()) && !name.chars().any(is_unsafe), "{name:?}");

    same(csr, csr.der());
    same(csr, pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", csr.der())).as_bytes());
    if let Ok(other) = CertReq::from_der(csr.der()) {
        assert_eq!(other.info.subject.to_der().as_deref(), Ok(csr.subject().der()));
        assert_eq!(other.info.public_key.to_der().as_deref(), Ok(csr.spki_der()));
    }
    tampered(csr);
    issued(csr);
}

fn same(csr: &Csr, input: &[u8]) {
    let again = match Csr::parse(input, &KeyPolicy::default()) {
        Ok(again) => again,
        Err(rejection) => panic!("{rejection}"),
    };
    assert_eq!(again.der(), csr.der());
    assert_eq!(again.spki_der(), csr.spki_der());
    assert_eq!(again.subject(), csr.subject());
    assert_eq!(again.san(), csr.san());
}

/// One bit of what is signed, another one for each request.
fn tampered(csr: &Csr) {
    let [bit, place, place_too, ..] = csr.sha256();
    let Some(parts) = elements_of(csr.der()) else { panic!("no DER: {csr:?}") };
    let header = csr.der().len() - parts.iter().map(Vec::len).sum::<usize>();
    let place = header + usize::from(u16::from_be_bytes([place, place_too])) % parts[0].len();
    let mut der = csr.der().to_vec();
    der[place] ^= 1 << (bit % 8);
    assert!(Csr::parse(&der, &KeyPolicy::default()).is_err(), "octet {place} of {csr:?} can be changed");
}

fn issued(csr: &Csr) {
    let certificate = match issue(&AUTHORITY, &Profile::default(), csr, None, NOW) {
        Ok(certificate) => certificate,
        Err(error) => panic!("{csr:?} is taken and cannot be issued: {error}"),
    };
    let issuers = [AUTHORITY.as_device_issuer()];
    let presented = match PresentedCertificate::parse(certificate.der(), &issuers, NOW) {
        Ok(presented) => presented,
        Err(rejection) => panic!("{csr:?} is issued and cannot be renewed: {rejection}"),
    };
    assert_eq!(presented.subject(), csr.subject());
    assert_eq!(presented.san(), csr.san());
    assert_eq!(presented.spki_der(), csr.spki_der());
    assert_eq!(presented.serial(), certificate.serial());
}
