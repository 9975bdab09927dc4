//! What cannot be put together says what does not fit.

use csr_service::DeviceIssuer;
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
    let device_issuer = DeviceIssuer::trusted(&other.pem).unwrap();
    let wrong = error(|est| est.device_issuer(device_issuer).bootstrap_issuer(bootstrap(&other.pem)));
    assert!(matches!(wrong, EstConfigError::BootstrapIsDeviceIssuer(_)), "{wrong}");
}

async fn realm_and_limits_are_checked() {
    assert_eq!(error(|est| est.realm("a\"b")), EstConfigError::Realm);
    let none = AttemptLimits { per_device: 0, ..AttemptLimits::default() };
    assert_eq!(error(|est| est.attempt_limits(none)), EstConfigError::AttemptLimits);
}
