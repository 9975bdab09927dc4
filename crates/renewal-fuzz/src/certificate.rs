//! Certificates: those that devices present, and those of authorities. DER or PEM.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta};
use cms::cert::x509::Certificate;
use cms::cert::x509::der::{Decode, Encode};
use csr_service::{CaCertificate, Csr, DeviceIssuer, KeyPolicy, PresentedCertificate};
use renewal_domain::text::is_unsafe;
use renewal_domain::{CertificateOrigin, OrgId};
use uuid::Uuid;

use crate::csr::refused;
use crate::elements::{SEQUENCE, elements_of};
use crate::reading::certificates::of_a_device;
use crate::sealed::{self, AUTHORITY, NOW};

/// The authorities that signed certificates of the seeds.
static OF_THE_SEEDS: [&[u8]; 5] = [
    include_bytes!("../../../fuzz/seeds/certificate/authority-p256"),
    include_bytes!("../../../fuzz/seeds/certificate/authority-p384"),
    include_bytes!("../../../fuzz/seeds/certificate/authority-ed25519"),
    include_bytes!("../../../fuzz/seeds/certificate/authority-rsa2048"),
    include_bytes!("../../../fuzz/seeds/certificate/authority-without-identifier"),
];

/// The organisation that trusts them.
const ORGANISATION: OrgId = OrgId::new(Uuid::nil());

static ISSUERS: LazyLock<Vec<DeviceIssuer>> = LazyLock::new(|| {
    let read = |der: &&[u8]| match DeviceIssuer::trusted(der, ORGANISATION) {
        Ok(issuer) => issuer,
        Err(error) => panic!("an authority of the seeds: {error}"),
    };
    OF_THE_SEEDS.iter().map(read).chain([AUTHORITY.as_device_issuer()]).collect()
});

/// Judges the input as a certificate that a device presents, and as one of an authority; and once more
/// as a certificate with a good signature, so that what is behind the signature is judged too. Says
/// whether it is taken as it is for a device's.
///
/// # Panics
/// When one of these does not hold:
///
/// - a refusal is told in a line that is safe to print, and so is an authority;
/// - a certificate is taken as it is, and means to another reader what it means here;
/// - what is taken is taken again, as DER and as PEM, and not if a bit of what is signed changes;
/// - what is taken has a good key, the usages of a device and valid names, by another reading, and the very
///   names that this reading finds;
/// - for what is taken, a device can ask for a renewal under the same names;
/// - no authority is taken for a device.
#[must_use]
pub fn certificate(input: &[u8]) -> bool {
    if let Some(signed) = sealed::certificate(input) {
        judge(&signed);
    }
    judge(input)
}

fn judge(input: &[u8]) -> bool {
    let authority = CaCertificate::read(input);
    assert_eq!(authority.is_ok(), DeviceIssuer::trusted(input, ORGANISATION).is_ok());
    if let Ok(authority) = &authority {
        shown(authority);
    }
    let certificate = PresentedCertificate::parse(input, &ISSUERS, NOW);
    match &certificate {
        Ok(certificate) => {
            assert!(authority.is_err(), "an authority is taken for a device: {certificate:?}");
            taken(certificate, input);
        }
        Err(rejection) => refused(rejection),
    }
    certificate.is_ok()
}

fn shown(authority: &CaCertificate) {
    let name = authority.common_name().unwrap_or_default();
    let texts = [authority.subject(), name, authority.serial(), authority.key_id()];
    for text in texts {
        assert!(!text.chars().any(is_unsafe), "{text:?}");
    }
    assert!(!authority.key_id().is_empty());
}

fn taken(certificate: &PresentedCertificate, input: &[u8]) {
    if input.first() == Some(&SEQUENCE) {
        assert_eq!(certificate.der(), input);
    }
    let issuer = &ISSUERS[certificate.issuer_index()];
    let origin = issuer.origin(ORGANISATION, certificate.not_before());
    let ours = certificate.issuer_index() == OF_THE_SEEDS.len();
    assert_eq!(origin, Some(if ours { CertificateOrigin::Ours } else { CertificateOrigin::Trusted }));
    let name = certificate.subject().common_name().as_str();
    assert!((1..=64).contains(&name.chars().count()) && !name.chars().any(is_unsafe), "{name:?}");

    same(certificate, certificate.der());
    same(certificate, pem::encode(&pem::Pem::new("CERTIFICATE", certificate.der())).as_bytes());
    to_another_reader(certificate);
    tampered(certificate);
    renewed(certificate);

    let since = NOW.signed_duration_since(certificate.not_after());
    let expired = certificate.expired_for(NOW);
    assert_eq!(expired, (since >= TimeDelta::seconds(1)).then_some(since));
    assert!(certificate.not_before() <= NOW + TimeDelta::seconds(60));
}

fn same(certificate: &PresentedCertificate, input: &[u8]) {
    let again = match PresentedCertificate::parse(input, &ISSUERS, NOW) {
        Ok(again) => again,
        Err(rejection) => panic!("{rejection}"),
    };
    assert_eq!(again.der(), certificate.der());
    assert_eq!(again.issuer_index(), certificate.issuer_index());
}

/// The reader that puts certificates into the answers to devices.
fn to_another_reader(certificate: &PresentedCertificate) {
    let Ok(other) = Certificate::from_der(certificate.der()) else { return };
    match of_a_device(&other) {
        Ok(names) => assert_eq!(certificate.san().texts().collect::<Vec<_>>(), names),
        Err(wrong) => panic!("{certificate:?} is taken, and has {wrong}"),
    }
    let other = other.tbs_certificate;
    assert_eq!(other.subject.to_der().as_deref(), Ok(certificate.subject().der()));
    assert_eq!(other.subject_public_key_info.to_der().as_deref(), Ok(certificate.spki_der()));
    let serial = other.serial_number.as_bytes();
    let serial = &serial[serial.iter().take_while(|octet| **octet == 0).count().min(serial.len() - 1)..];
    assert_eq!(serial, certificate.serial().as_bytes());
    for (time, meant) in [
        (other.validity.not_before, certificate.not_before()),
        (other.validity.not_after, certificate.not_after()),
    ] {
        assert_eq!(DateTime::from_timestamp_secs(unix(time)), Some(meant));
    }
}

fn unix(time: cms::cert::x509::time::Time) -> i64 {
    // What it can hold ends with the year 9999.
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// One bit of what is signed, another one for each certificate.
fn tampered(certificate: &PresentedCertificate) {
    let [bit, .., place_too, place] = certificate.public_key_sha256();
    let Some(parts) = elements_of(certificate.der()) else { panic!("no DER: {certificate:?}") };
    let header = certificate.der().len() - parts.iter().map(Vec::len).sum::<usize>();
    let place = header + usize::from(u16::from_be_bytes([place, place_too])) % parts[0].len();
    let mut der = certificate.der().to_vec();
    der[place] ^= 1 << (bit % 8);
    let taken = PresentedCertificate::parse(&der, &ISSUERS, NOW);
    assert!(taken.is_err(), "octet {place} of {certificate:?} can be changed");
}

/// A renewal needs a request with the very names of the certificate.
fn renewed(certificate: &PresentedCertificate) {
    let Some(request) = sealed::renewal(certificate.der()) else { panic!("no DER: {certificate:?}") };
    let csr = match Csr::parse(&request, &KeyPolicy::default()) {
        Ok(csr) => csr,
        Err(rejection) => panic!("{certificate:?} cannot be renewed: {rejection}"),
    };
    assert_eq!(csr.subject(), certificate.subject());
    assert_eq!(csr.san(), certificate.san());
}
