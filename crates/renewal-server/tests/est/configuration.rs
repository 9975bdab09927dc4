//! What cannot be put together says what does not fit.

use std::time::Duration;

use csr_service::{CrlIssuer, DeviceIssuer};
use libtest_mimic::Trial;
use renewal_server::{
    AttemptLimits, BootstrapIssuer, BootstrapNames, EstBuilder, EstConfigError, InvalidLabel,
};

use crate::trials::trials;
use crate::world::{Authority, ORG, OTHER_ORG, World};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        labels_are_checked,
        ca_certificates_are_checked,
        a_bootstrap_authority_is_no_device_issuer,
        realm_and_limits_are_checked,
        times_of_revocation_lists_are_checked,
        issuers_whose_lists_could_not_be_told_apart_are_refused,
    ])
}

#[track_caller]
fn error(change: impl FnOnce(EstBuilder) -> EstBuilder) -> EstConfigError {
    let world = World::new();
    change(world.est(world.service())).build().unwrap_err()
}

async fn labels_are_checked() {
    let wrong = error(|est| est.label("simpleenroll", ORG));
    assert_eq!(wrong.to_string(), "\"simpleenroll\" cannot be a label: it is the name of an EST operation");
    let twice = error(|est| est.label("a", ORG).label("a", OTHER_ORG));
    assert!(matches!(twice, EstConfigError::Label { why: InvalidLabel::Taken, .. }), "{twice}");
}

async fn ca_certificates_are_checked() {
    let world = World::new();
    let authority = Authority::new("Root");
    let leaf = authority.client_certificate("gateway-1", &rcgen::KeyPair::generate().unwrap());
    let two = format!("{}{}", authority.pem, authority.pem);
    let broken = authority.pem.replace("MII", "MIJ");
    for wrong in [Vec::new(), b"hello".to_vec(), two.into(), broken.into(), leaf] {
        let wrong = error(|est| est.ca_certificate(authority.pem.clone()).ca_certificate(wrong));
        assert!(matches!(wrong, EstConfigError::CaCertificate { number: 2, .. }), "{wrong}");
    }
    let der = x509_parser::pem::parse_x509_pem(authority.pem.as_bytes()).unwrap().1.contents;
    world.est(world.service()).ca_certificate(der).build().unwrap();
}

async fn a_bootstrap_authority_is_no_device_issuer() {
    let world = World::new();
    let own = world.authority.certificate_pem();
    let bootstrap = |pem: &str| BootstrapIssuer::new(pem, ORG, BootstrapNames::Own).unwrap();
    let wrong = world.est(world.service()).bootstrap_issuer(bootstrap(own)).build().unwrap_err();
    assert!(wrong.to_string().contains("CN=Device CA is a device issuer too"), "{wrong}");
    let other = Authority::new("Factory");
    let mut world = World::new();
    world.device_issuers.push(DeviceIssuer::trusted(&other.pem, OTHER_ORG).unwrap());
    let wrong = world.est(world.service()).bootstrap_issuer(bootstrap(&other.pem)).build().unwrap_err();
    assert!(matches!(wrong, EstConfigError::BootstrapIsDeviceIssuer(_)), "{wrong}");
}

async fn realm_and_limits_are_checked() {
    assert_eq!(error(|est| est.realm("a\"b")), EstConfigError::Realm);
    let none = AttemptLimits { per_device: 0, ..AttemptLimits::default() };
    assert_eq!(error(|est| est.attempt_limits(none)), EstConfigError::AttemptLimits);
}

async fn times_of_revocation_lists_are_checked() {
    let minutes = Duration::from_mins;
    for (validity, kept_for) in [
        (Duration::from_millis(1_500), Duration::ZERO),
        (minutes(3), minutes(2)),
        (minutes(11 * 366 * 24 * 60), minutes(1)),
        (Duration::MAX, minutes(1)),
    ] {
        let wrong = error(|est| est.crl_validity(validity).crl_kept_for(kept_for));
        assert_eq!(wrong, EstConfigError::CrlValidity, "{validity:?} {kept_for:?}");
    }
}

async fn issuers_whose_lists_could_not_be_told_apart_are_refused() {
    let world = World::new();
    let own = || CrlIssuer::from_pem(world.authority.certificate_pem(), world.authority.key_pem()).unwrap();
    world.est(world.service()).crl_issuer(own()).crl_issuer(own()).build().unwrap();
    // The same key under another name.
    let key = rcgen::KeyPair::from_pem(world.authority.key_pem()).unwrap();
    let other =
        CrlIssuer::from_pem(Authority::with_key("Other", key).pem, world.authority.key_pem()).unwrap();
    let id = other.key_id();
    let wrong = world.est(world.service()).crl_issuer(other).build().unwrap_err();
    assert_eq!(wrong, EstConfigError::CrlIssuer(id));
}
