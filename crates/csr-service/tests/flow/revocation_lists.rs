//! What is revoked is on the list of the issuer that signed it.

use std::time::Duration;

use csr_service::{
    Credential, CrlError, CrlIssuer, CsrService, EnrollmentGrant, Issuer, NewIssuer, Request, RevocationList,
    ServiceError,
};
use renewal_domain::{CertificateRecord, Clock, OrgId, RevocationReason, Serial, StoreError};
use uuid::Uuid;
use x509_parser::prelude::{CertificateRevocationList, FromDer, RevokedCertificate};

use crate::faults::broken;
use crate::store_that_fails::{Fault, failing_store};
use crate::support::{DAY, Device, ORG, World, by, days, issued, profile};

const OTHER_ORG: OrgId = OrgId::new(Uuid::from_u128(2));

/// The serial numbers and reasons (by their CRL codes) on a list.
fn listed(list: &RevocationList) -> Vec<(Serial, Option<u8>)> {
    let (_, list) = CertificateRevocationList::from_der(list.der()).unwrap();
    let entry = |entry: &RevokedCertificate<'_>| {
        let serial = Serial::from_be_bytes(entry.raw_serial()).unwrap();
        (serial, entry.reason_code().map(|(_, code)| code.0))
    };
    list.iter_revoked_certificates().map(entry).collect()
}

fn crl_issuer(world: &World) -> CrlIssuer {
    world.issuer().as_crl_issuer().unwrap()
}

async fn enroll_in(org: OrgId, service: &CsrService, name: &str) -> CertificateRecord {
    let csr = Device::named(name).csr();
    let credential = Credential::Enrollment(EnrollmentGrant::for_any_device());
    let outcome =
        service.submit(org, Request { csr: &csr, credential, lifetime: None, source_address: None }).await;
    issued(outcome.unwrap()).certificate
}

#[tokio::test]
async fn what_is_revoked_in_any_organisation_is_listed_with_its_reason() {
    let world = World::new();
    let service = world.service();
    let mut expected = Vec::new();
    for (org, name, reason, code) in [
        (ORG, "gateway-1", RevocationReason::KeyCompromise, Some(1)),
        (ORG, "gateway-2", RevocationReason::Unspecified, None),
        (OTHER_ORG, "gateway-3", RevocationReason::PrivilegeWithdrawn, Some(9)),
    ] {
        let certificate = enroll_in(org, &service, name).await;
        enroll_in(org, &service, "gateway-9").await;
        service.revoke(org, &certificate.serial, reason, "", &by()).await.unwrap();
        expected.push((certificate.serial, code));
    }
    let list = service.revocation_list(&crl_issuer(&world), &[ORG, OTHER_ORG], DAY).await.unwrap();
    expected.sort();
    assert_eq!(listed(&list), expected);
    let of_one = service.revocation_list(&crl_issuer(&world), &[ORG], DAY).await.unwrap();
    assert_eq!(listed(&of_one).len(), 2);
}

#[tokio::test]
async fn the_list_of_an_issuer_has_what_that_issuer_signed() {
    let world = World::new();
    let old = enroll_in(ORG, &world.service(), "gateway-1").await;
    // The same name, and another key.
    let authority = NewIssuer::builder("Test CA").create(world.clock.now()).unwrap();
    let new = Issuer::from_pem(authority.certificate_pem(), authority.key_pem(), world.clock.now()).unwrap();
    let service = world.builder_for(new.clone(), profile(), world.store.clone()).build();
    let young = enroll_in(ORG, &service, "gateway-1").await;
    for certificate in [&old, &young] {
        service.revoke(ORG, &certificate.serial, RevocationReason::Superseded, "", &by()).await.unwrap();
    }
    let of_old = service.revocation_list(&crl_issuer(&world), &[ORG], DAY).await.unwrap();
    assert_eq!(listed(&of_old), [(old.serial, Some(4))]);
    let of_new = service.revocation_list(&new.as_crl_issuer().unwrap(), &[ORG], DAY).await.unwrap();
    assert_eq!(listed(&of_new), [(young.serial, Some(4))]);
}

#[tokio::test]
async fn a_certificate_stays_listed_for_one_more_list_after_its_expiry() {
    let world = World::new();
    let service = world.service();
    let certificate = enroll_in(ORG, &service, "gateway-1").await;
    service.revoke(ORG, &certificate.serial, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    let issuer = crl_issuer(&world);
    for (at, count) in [(days(0), 1), (days(1), 1), (days(1) + chrono::TimeDelta::seconds(1), 0)] {
        world.clock.set(certificate.not_after + at);
        let list = service.revocation_list(&issuer, &[ORG], DAY).await.unwrap();
        assert_eq!(listed(&list).len(), count, "{at}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let world = World::new();
    let service = world.service();
    for number in 0..1_001 {
        let certificate = enroll_in(ORG, &service, &format!("gateway-{number}")).await;
        service.revoke(ORG, &certificate.serial, RevocationReason::Unspecified, "", &by()).await.unwrap();
    }
    let list = service.revocation_list(&crl_issuer(&world), &[ORG], DAY).await.unwrap();
    assert_eq!(listed(&list).len(), 1_001);
}

#[tokio::test]
async fn a_store_or_key_that_fails_or_hangs_makes_no_list() {
    let world = World::new();
    let issuer = crl_issuer(&world);
    for fault in [Fault::FailBefore, Fault::HangBefore] {
        let impatient = profile().signing_deadline(Duration::from_millis(20));
        let service = world.builder(impatient, failing_store(world.store.clone(), 0, fault)).build();
        let error = service.revocation_list(&issuer, &[ORG], DAY).await.unwrap_err();
        assert!(matches!(error, ServiceError::Store(StoreError::Unavailable(_))), "{error}");
    }
    let service = world.service();
    let broken = broken(&world, Duration::ZERO).as_crl_issuer().unwrap();
    let error = service.revocation_list(&broken, &[ORG], DAY).await.unwrap_err();
    assert!(matches!(error, ServiceError::RevocationList(CrlError::Signer(_))), "{error}");
}

#[tokio::test]
async fn a_key_that_is_too_slow_is_given_up() {
    let world = World::new();
    let deadline = Duration::from_millis(20);
    let service = world.service_with(profile().signing_deadline(deadline));
    let slow = broken(&world, Duration::from_millis(500)).as_crl_issuer().unwrap();
    let error = service.revocation_list(&slow, &[ORG], DAY).await.unwrap_err();
    assert!(matches!(error, ServiceError::SignerTimeout(after) if after == deadline), "{error}");
}
