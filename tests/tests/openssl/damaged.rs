//! Requests and certificates that were damaged: cut off at any length, any bit flipped, any octet
//! replaced. None is ever signed, and none stops the service.

use csr_service::{Csr, DeviceIssuer, KeyPolicy, PresentedCertificate, Reason};
use libtest_mimic::Trial;
use renewal_domain::Clock;

use crate::certificates::to_der;
use crate::workshop::{P256, RSA_2048};
use crate::world::{World, enrolling, presenting, rejected};

/// The tests of this module.
pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 5] = [
        ("no_part_of_a_request_is_signed", truncated_requests),
        ("no_request_with_a_flipped_bit_is_signed", flipped_requests),
        ("no_part_of_a_request_in_pem_is_signed", truncated_pem),
        ("no_part_of_a_certificate_is_a_ground_for_renewal", truncated_certificates),
        ("no_certificate_with_a_flipped_bit_is_a_ground_for_renewal", flipped_certificates),
    ];
    let trial = |(name, run): (&str, fn())| {
        Trial::test(format!("damaged::{name}"), move || {
            run();
            Ok(())
        })
    };
    tests.map(trial).into()
}

/// A request of each kind of key, with everything that is looked at: attributes of a subject,
/// alternative names, extensions.
fn requests(world: &World) -> Vec<Vec<u8>> {
    let kinds = [("p256.key", P256), ("ed25519.key", "ED25519"), ("rsa.key", RSA_2048)];
    let request = |(file, kind)| {
        world.workshop.key(file, kind);
        let names = "subjectAltName=DNS:gw-1.example,IP:192.0.2.1";
        let extensions = format!("-addext {names} -addext basicConstraints=critical,CA:FALSE");
        let subject = "/C=DE/O=Works/CN=gateway-1";
        world.workshop.openssl(&format!("req -new -key {file} -subj {subject} {extensions} -outform DER"))
    };
    let requests: Vec<_> = kinds.map(request).into();
    for request in &requests {
        Csr::parse(request, &KeyPolicy::default()).unwrap();
    }
    requests
}

fn truncated_requests() {
    let world = World::new();
    let service = world.service();
    for request in requests(&world) {
        for length in 0..request.len() {
            let rejection = rejected(world.submit(&service, &request[..length], enrolling()));
            assert_eq!(rejection.reason(), Reason::CsrMalformed, "at {length}: {rejection}");
        }
    }
    assert!(!world.refused_enrollments().is_empty());
}

fn flipped_requests() {
    let world = World::new();
    let service = world.service();
    for request in requests(&world) {
        for place in 0..request.len() {
            for mask in masks() {
                let mut damaged = request.clone();
                damaged[place] ^= mask;
                rejected(world.submit(&service, &damaged, enrolling()));
            }
        }
    }
    assert!(!world.refused_enrollments().is_empty());
}

fn truncated_pem() {
    let world = World::new();
    let service = world.service();
    let pem = world.workshop.openssl("req -new -key device.key");
    // The last line may lack its end.
    for length in 0..pem.len() - 1 {
        let rejection = rejected(world.submit(&service, &pem[..length], enrolling()));
        assert_eq!(rejection.reason(), Reason::CsrMalformed, "at {length}: {rejection}");
    }
    assert!(!world.refused_enrollments().is_empty());
}

fn truncated_certificates() {
    let world = World::new();
    let service = world.service();
    let certificate = to_der(&world, &world.certificate());
    let request = world.request();
    for length in 0..certificate.len() {
        let rejection = rejected(world.submit(&service, &request, presenting(&certificate[..length])));
        assert_eq!(rejection.reason(), Reason::CertificateMalformed, "at {length}: {rejection}");
    }
    world.assert_nothing_stored();
}

fn flipped_certificates() {
    let world = World::new();
    let issuers = [DeviceIssuer::previous(world.workshop.read("ca.pem")).unwrap()];
    let now = world.clock.now();
    let certificate = to_der(&world, &world.certificate_of("-addext subjectAltName=DNS:gw-1.example"));
    PresentedCertificate::parse(&certificate, &issuers, now).unwrap();
    for place in 0..certificate.len() {
        for mask in masks() {
            let mut damaged = certificate.clone();
            damaged[place] ^= mask;
            let rejection = PresentedCertificate::parse(&damaged, &issuers, now).unwrap_err();
            let expected = [Reason::CertificateMalformed, Reason::CertificateNotFromDeviceIssuer];
            assert!(expected.contains(&rejection.reason()), "{mask:02x} at {place}: {rejection}");
        }
    }
}

/// Each bit alone, and all of them.
fn masks() -> impl Iterator<Item = u8> {
    (0..8).map(|bit| 1 << bit).chain([0xff])
}
