//! A device with a valid certificate asks for a new one.

use csr_service::{DeviceIssuer, NewIssuer, Reason, Request};
use renewal_domain::{Clock, EventType};

use crate::support::{
    DAY, Device, ORG, World, assert_rejected, days, issued, presenting, profile, rejected, submit,
};

#[tokio::test]
async fn a_renewal_keeps_the_key_and_tells_its_story() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    world.clock.advance(days(60));
    let renewed = issued(device.renew(&service, &first).await.unwrap()).certificate;
    assert_ne!(renewed.serial, first.serial);
    assert_eq!(renewed.public_key_sha256, first.public_key_sha256);
    assert_eq!(renewed.presented_serial, Some(first.serial));

    let events = world.events().await;
    let [start, success] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(start.event_type(), EventType::RenewalStart);
    assert_eq!(success.event_type(), EventType::RenewalSuccess);
    assert_eq!(success.attempt_id(), start.attempt_id());
    assert_eq!(success.old_cert_expiration(), first.not_after);
    assert_eq!(success.new_cert_expiration(), Some(renewed.not_after));
    assert_eq!(success.device_id(), device.id());
    assert_eq!(renewed.attempt_id(), Some(start.attempt_id()));
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_rekey_gets_a_certificate_for_the_new_key() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let rekeyed = issued(device.rekeyed().renew(&service, &first).await.unwrap()).certificate;
    assert_ne!(rekeyed.public_key_sha256, first.public_key_sha256);
}

#[tokio::test]
async fn another_name_or_another_alternative_name_is_refused_and_recorded() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;

    let impostor = submit(&service, &Device::named("gateway-2").csr(), presenting(&first.der)).await;
    assert_rejected(impostor, Reason::SubjectMismatch);
    let other_san = device.with_san(&["admin.example"]);
    assert_rejected(other_san.renew(&service, &first).await, Reason::SanMismatch);
    assert_eq!(
        world.story().await,
        [
            "renewal_start",
            "renewal_failed: subject_mismatch",
            "renewal_start",
            "renewal_failed: san_mismatch"
        ]
    );
    let events = world.events().await;
    assert!(events.iter().all(|event| event.device_id() == device.id()), "the history is the presenter's");
    assert_eq!(world.certificates(&device).await.len(), 1);
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_bad_request_of_a_proven_device_is_history() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let mut csr = device.csr();
    *csr.last_mut().unwrap() ^= 1;
    let rejection = rejected(submit(&service, &csr, presenting(&first.der)).await.unwrap());
    assert_eq!(rejection.reason(), Reason::SignatureInvalid);
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: signature_invalid"]);
    let failed = world.events().await.pop().unwrap();
    assert_eq!(failed.error_message(), Some(rejection.message().as_str()));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_leaves_no_trace() {
    let world = World::new();
    let service = world.service();
    let elsewhere = World::new();
    let device = Device::named("gateway-1");
    let foreign = device.enroll(&elsewhere.service()).await;
    assert_rejected(device.renew(&service, &foreign).await, Reason::CertificateNotFromDeviceIssuer);
    let garbage = submit(&service, &device.csr(), presenting(b"rubbish")).await;
    assert_rejected(garbage, Reason::CertificateMalformed);
    let authority = submit(&service, &device.csr(), presenting(world.issuer().certificate_der())).await;
    assert_rejected(authority, Reason::CertificateNotADeviceCertificate);
    assert!(world.events().await.is_empty());
    assert_eq!(service.unauthenticated_requests(), 3);
}

#[tokio::test]
async fn a_fleet_may_bring_certificates_of_another_authority_along() {
    let world = World::new();
    let elsewhere = World::new();
    let device = Device::named("gateway-1");
    let foreign = device.enroll(&elsewhere.service()).await;
    let old_authority = DeviceIssuer::trusted(elsewhere.authority.certificate_pem(), ORG).unwrap();
    let service = world.builder(profile(), world.store.clone()).device_issuer(old_authority).build();
    let ours = issued(device.renew(&service, &foreign).await.unwrap()).certificate;
    assert_eq!(ours.presented_serial, Some(foreign.serial));
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

#[tokio::test]
async fn a_renewal_before_the_earliest_renewal_is_too_early() {
    let world = World::new();
    let earliest = 30 * DAY;
    let service = world.service_with(profile().earliest_renewal(Some(earliest)));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    world.clock.advance(days(59));
    assert_rejected(device.renew(&service, &first).await, Reason::RenewalTooEarly);
    world.clock.advance(days(2));
    issued(device.renew(&service, &first).await.unwrap());
    assert_eq!(
        world.story().await,
        ["renewal_start", "renewal_failed: renewal_too_early", "renewal_start", "renewal_success"]
    );
}

#[tokio::test]
async fn a_device_cannot_have_the_issuers_own_key_certified() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let key = rcgen::KeyPair::from_pem(world.authority.key_pem()).unwrap();
    let thief = Device { name: device.name.clone(), key, ..device.rekeyed() };
    assert_rejected(thief.renew(&service, &first).await, Reason::KeyBelongsToIssuer);
}

#[tokio::test]
async fn a_request_may_only_shorten_the_lifetime() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let profile_lifetime = first.not_after - world.clock.now();
    for (asked, expected) in [(days(1), days(1)), (days(10_000), profile_lifetime)] {
        let csr = device.rekeyed().csr();
        let lifetime = Some(asked.to_std().unwrap());
        let request =
            Request { csr: &csr, credential: presenting(&first.der), lifetime, source_address: None };
        let certificate = issued(service.submit(ORG, request).await.unwrap()).certificate;
        assert_eq!(certificate.not_after - world.clock.now(), expected);
    }
}

#[tokio::test]
async fn an_issuer_that_expired_meanwhile_ends_the_attempt() {
    let world = World::new();
    let service = world.service_with(profile().lifetime(36_500 * DAY));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert_eq!(first.not_after, world.issuer().not_after(), "never longer than the issuer");
    world.clock.set(world.issuer().not_after());
    let error = device.renew(&service, &first).await.unwrap_err();
    assert!(error.to_string().contains("issuer"), "{error}");
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: issuer_expired"]);
}

#[tokio::test]
async fn other_authorities_do_not_become_issuers_by_being_trusted() {
    let world = World::new();
    let other = NewIssuer::builder("Old CA").create(world.clock.now()).unwrap();
    let trusted = DeviceIssuer::trusted(other.certificate_pem(), ORG).unwrap();
    let service = world.builder(profile(), world.store.clone()).device_issuer(trusted).build();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert_eq!(service.issuer().certificate_pem(), world.authority.certificate_pem());
    issued(device.renew(&service, &first).await.unwrap());
}
