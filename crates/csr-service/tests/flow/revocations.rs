//! A revoked certificate renews nothing.

use csr_service::{ApprovalMode, Outcome, Reason, ServiceError};
use renewal_domain::{RequestKind, RevocationReason, Serial};

use crate::support::{Device, ORG, World, assert_rejected, by, profile};

#[tokio::test]
async fn a_revoked_certificate_cannot_be_renewed() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let (revoked, _) =
        service.revoke(ORG, &first.serial, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    assert_eq!(revoked.revocation.unwrap().reason, RevocationReason::KeyCompromise);
    assert_rejected(device.renew(&service, &first).await, Reason::CertificateRevoked);
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: certificate_revoked"]);
}

#[tokio::test]
async fn what_was_revoked_while_it_waited_is_not_approved() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    service.revoke(ORG, &first.serial, RevocationReason::KeyCompromise, "", &by()).await.unwrap();
    assert_rejected(service.approve(ORG, pending.request_id, &by()).await, Reason::CertificateRevoked);
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: certificate_revoked"]);
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_serial_number_that_was_not_issued_here_is_named() {
    let serial: Serial = "0a0b".parse().unwrap();
    let error = World::new()
        .service()
        .revoke(ORG, &serial, RevocationReason::Unspecified, "", &by())
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::NoSuchCertificate(_)));
    assert!(error.to_string().contains("0a0b"), "{error}");
}
