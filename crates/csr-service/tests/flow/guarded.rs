//! Nobody gets a renewal that nobody granted: other organisations, superseded certificates, shared and
//! compromised keys, certificates of other authorities.

use csr_service::{
    Adoption, BootstrapCertificate, CaCertificate, Credential, CsrService, DeviceIssuer, EnrollmentGrant,
    ForeignCertificate, ForeignCertificateError, Outcome, Reason, Request, ServiceError,
};
use renewal_domain::{
    ActionKind, CertificateRecord, Clock, DeviceName, KeyReuse, OrgId, RevocationReason,
    SupersededCertificates,
};

use crate::support::{Device, ORG, World, assert_rejected, by, days, issued, presenting, profile, submit};

const OTHER: OrgId = OrgId::new(uuid::Uuid::max());

async fn renew_in(
    org: OrgId,
    service: &CsrService,
    device: &Device,
    current: &CertificateRecord,
) -> Result<Outcome, ServiceError> {
    let (csr, credential) = (device.csr(), presenting(&current.der));
    service.submit(org, Request { csr: &csr, credential, lifetime: None, source_address: None }).await
}

#[tokio::test]
async fn a_certificate_of_ours_is_good_in_its_organisation_alone_revoked_or_not() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert_rejected(renew_in(OTHER, &service, &device, &first).await, Reason::CertificateNotRecorded);
    service.revoke(ORG, &first.serial, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    assert_rejected(renew_in(ORG, &service, &device, &first).await, Reason::CertificateRevoked);
    let rekeyed = device.rekeyed();
    assert_rejected(renew_in(OTHER, &service, &rekeyed, &first).await, Reason::CertificateNotRecorded);
}

#[tokio::test]
async fn a_certificate_of_a_previous_authority_must_be_recorded_too() {
    let old = World::new();
    let device = Device::named("gateway-1");
    let recorded = device.enroll(&old.service()).await;
    let unrecorded = device.enroll(&World { store: World::new().store, ..World::new() }.same_as(&old)).await;
    let new = World { store: old.store.clone(), ..World::new() };
    let previous = DeviceIssuer::previous(old.authority.certificate_pem()).unwrap();
    let service = new.builder(profile(), new.store.clone()).device_issuer(previous).build();
    assert_rejected(device.renew(&service, &unrecorded).await, Reason::CertificateNotRecorded);
    issued(device.renew(&service, &recorded).await.unwrap());
}

#[tokio::test]
async fn an_adopted_authority_needs_no_rows_of_before_in_its_organisation() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let old = device.enroll(&World::new().same_as(&world)).await;
    world.clock.advance(days(1));
    let service = |organisation| {
        let adoption = Adoption { before: world.clock.now(), organisation };
        world.builder(profile(), world.store.clone()).adopted(adoption).build()
    };
    assert_rejected(device.renew(&service(OTHER), &old).await, Reason::CertificateNotRecorded);
    let adopted = service(ORG);
    // It has no row, and can be revoked all the same.
    let file = ForeignCertificate::read(&old.der, &adopted.authorities().unwrap()).unwrap();
    let renewed = issued(device.renew(&adopted, &old).await.unwrap()).certificate;
    let revoked = adopted.revoke_foreign(ORG, &file, RevocationReason::Superseded, "", &by()).await.unwrap();
    assert_eq!(revoked.revocations.len(), 1);
    assert_rejected(device.renew(&adopted, &old).await, Reason::CertificateRevoked);
    issued(device.renew(&adopted, &renewed).await.unwrap());
}

#[tokio::test]
async fn a_trusted_authority_is_trusted_in_its_organisation_and_its_certificates_can_be_revoked() {
    let (world, elsewhere) = (World::new(), World::new());
    let device = Device::named("gateway-1");
    let foreign = device.enroll(&elsewhere.service()).await;
    let trusted = DeviceIssuer::trusted(elsewhere.authority.certificate_pem(), ORG).unwrap();
    let service = world.builder(profile(), world.store.clone()).device_issuer(trusted).build();
    let nowhere = renew_in(OTHER, &service, &device, &foreign).await;
    assert_rejected(nowhere, Reason::CertificateNotFromDeviceIssuer);

    let issuer = CaCertificate::read(elsewhere.authority.certificate_pem()).unwrap();
    let named = ForeignCertificate::named(&issuer, foreign.serial.clone());
    let reason = RevocationReason::CessationOfOperation;
    service.revoke_foreign(ORG, &named, reason, "sold", &by()).await.unwrap();
    assert_rejected(device.renew(&service, &foreign).await, Reason::CertificateRevoked);
    let again = service.revoke_foreign(ORG, &named, reason, "", &by()).await.unwrap();
    assert!(again.revocations.is_empty(), "a first revocation stands");
    assert_eq!(world.action_kinds().await, [ActionKind::CertificateRevoked]);

    let stranger = World::new();
    let unknown = Device::named("gateway-2").enroll(&stranger.service()).await;
    let read = ForeignCertificate::read(&unknown.der, &service.authorities().unwrap());
    assert_eq!(read, Err(ForeignCertificateError::UnknownIssuer));
}

#[tokio::test]
async fn what_one_organisation_revoked_of_an_authority_that_is_trusted_in_all_is_good_in_none() {
    let (world, elsewhere) = (World::new(), World::new());
    let device = Device::named("gateway-1");
    let foreign = device.enroll(&elsewhere.service()).await;
    let anywhere = DeviceIssuer::trusted_anywhere(elsewhere.authority.certificate_pem()).unwrap();
    let service = world.builder(profile(), world.store.clone()).device_issuer(anywhere).build();
    let file = ForeignCertificate::read(&foreign.der, &service.authorities().unwrap()).unwrap();
    service.revoke_foreign(OTHER, &file, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    assert_rejected(device.rekeyed().renew(&service, &foreign).await, Reason::CertificateRevoked);
}

#[tokio::test]
async fn a_superseded_certificate_is_refused_once_its_successor_was_used_or_revoked() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let second = issued(device.renew(&service, &first).await.unwrap()).certificate;
    // The answer may have been lost.
    let repeated = issued(device.renew(&service, &first).await.unwrap()).certificate;
    assert_ne!(repeated.serial, second.serial);
    let third = issued(device.renew(&service, &second).await.unwrap()).certificate;
    assert_rejected(device.renew(&service, &first).await, Reason::CertificateSuperseded);
    assert_rejected(device.renew(&service, &repeated).await, Reason::CertificateSuperseded);
    // The current one is revoked: the one before does not help.
    service.revoke(ORG, &third.serial, RevocationReason::Unspecified, "", &by()).await.unwrap();
    assert_rejected(device.renew(&service, &second).await, Reason::CertificateSuperseded);
}

#[tokio::test]
async fn a_refused_attempt_uses_a_certificate_too() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let second = issued(device.renew(&service, &first).await.unwrap()).certificate;
    let other_name = submit(&service, &Device::named("gateway-2").csr(), presenting(&second.der)).await;
    assert_rejected(other_name, Reason::SubjectMismatch);
    assert_rejected(device.renew(&service, &first).await, Reason::CertificateSuperseded);
}

#[tokio::test]
async fn a_fleet_that_restores_snapshots_may_present_superseded_certificates() {
    let world = World::new();
    let service = world.service_with(profile().superseded(SupersededCertificates::Allow));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let second = issued(device.renew(&service, &first).await.unwrap()).certificate;
    issued(device.renew(&service, &second).await.unwrap());
    let latest = issued(device.renew(&service, &first).await.unwrap()).certificate;
    // But the latest one stops the device when it is revoked.
    service.revoke(ORG, &latest.serial, RevocationReason::Unspecified, "", &by()).await.unwrap();
    assert_rejected(device.renew(&service, &first).await, Reason::CertificateSuperseded);
}

#[tokio::test]
async fn a_compromised_key_takes_every_certificate_with_it_and_is_never_certified_again() {
    let world = World::new();
    let service = world.service_with(profile().key_reuse(KeyReuse::Allow));
    let device = Device::named("gateway-1");
    let twin =
        Device { name: "gateway-2".into(), san: vec!["gateway-2.example".into()], ..device.clone_key() };
    let first = device.enroll(&service).await;
    let second = twin.enroll(&service).await;
    let rekeyed = issued(device.rekeyed().renew(&service, &first).await.unwrap()).certificate;
    let reason = RevocationReason::KeyCompromise;
    let (revoked, all) = service.revoke(ORG, &first.serial, reason, "leaked", &by()).await.unwrap();
    assert_eq!(revoked.revocation.unwrap().reason, reason);
    assert_eq!(all.revocations.len(), 2, "the twin's too, and not the one with another key");
    assert_eq!(all.barred_key, Some(first.public_key_sha256));
    assert_rejected(twin.renew(&service, &second).await, Reason::CertificateRevoked);
    let old_key = device.renew(&service, &rekeyed).await;
    assert_rejected(old_key, Reason::KeyCompromised);
    assert_rejected(twin.ask_to_enroll(&service).await, Reason::KeyCompromised);
    let kinds = world.action_kinds().await;
    assert_eq!(kinds.iter().filter(|kind| **kind == ActionKind::CertificateRevoked).count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == ActionKind::KeyBarred).count(), 1);
}

#[tokio::test]
async fn all_certificates_of_a_device_can_be_revoked_at_once() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let second = issued(device.renew(&service, &first).await.unwrap()).certificate;
    let reason = RevocationReason::CessationOfOperation;
    let revoked = service.revoke_device(ORG, device.id(), reason, "retired", &by()).await.unwrap();
    assert_eq!(revoked.revocations.len(), 2);
    for certificate in [first, second] {
        assert_rejected(device.renew(&service, &certificate).await, Reason::CertificateRevoked);
    }
    assert!(service.revoke_device(ORG, device.id(), reason, "", &by()).await.unwrap().revocations.is_empty());
}

#[tokio::test]
async fn a_key_is_one_devices() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let twin =
        Device { name: "gateway-2".into(), san: vec!["gateway-2.example".into()], ..device.clone_key() };
    assert_rejected(twin.ask_to_enroll(&service).await, Reason::KeyInUse);
    issued(device.renew(&service, &first).await.unwrap());
    for reuse in [KeyReuse::Warn, KeyReuse::Allow] {
        let lenient = world.service_with(profile().key_reuse(reuse));
        let name = format!("gateway-{reuse:?}").to_lowercase();
        let san = vec![format!("{name}.example")];
        issued(Device { name, san, ..device.clone_key() }.ask_to_enroll(&lenient).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_devices_that_enroll_at_once_with_one_key_one_gets_a_certificate() {
    let world = World::new();
    let service = world.service();
    let first = Device::named("gateway-0");
    let devices: Vec<_> = (0..32)
        .map(|number| {
            let name = format!("gateway-{number}");
            Device { san: vec![format!("{name}.example")], name, ..first.clone_key() }
        })
        .collect();
    let asked = devices.iter().map(|device| device.ask_to_enroll(&service));
    let outcomes = futures::future::join_all(asked).await;
    let granted = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Outcome::Issued(_)))).count();
    assert_eq!(granted, 1);
    assert_eq!(world.open_requests().await, 0);
}

#[tokio::test]
async fn a_revoked_bootstrap_certificate_enrolls_nobody() {
    let (world, factory) = (World::new(), World::new());
    let authority = CaCertificate::read(factory.authority.certificate_pem()).unwrap();
    let service =
        world.builder(profile(), world.store.clone()).bootstrap_authority(authority.clone()).build();
    let device = Device::named("gateway-1");
    let initial = device.enroll(&factory.service()).await;
    let grant = EnrollmentGrant::for_device(DeviceName::new("gateway-1").unwrap()).by_certificate(
        BootstrapCertificate {
            issuer_key_sha256: authority.public_key_sha256(),
            serial: initial.serial.clone(),
            public_key_sha256: initial.public_key_sha256,
            common_name: DeviceName::new("gateway-1").unwrap(),
        },
    );
    let credential = || Credential::Enrollment(grant.clone());
    issued(submit(&service, &device.csr(), credential()).await.unwrap());
    let file = ForeignCertificate::read(&initial.der, &service.authorities().unwrap()).unwrap();
    service.revoke_foreign(ORG, &file, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    let refused = submit(&service, &device.rekeyed().csr(), credential()).await;
    assert_rejected(refused, Reason::CertificateRevoked);
}
