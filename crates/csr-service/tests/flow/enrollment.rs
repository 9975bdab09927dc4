//! A device's first certificate.

use csr_service::{Credential, EnrollmentGrant, Reason};
use renewal_domain::{ActionKind, Actor, DeviceName, ReasonCode, RequestKind};

use crate::support::{Device, World, assert_rejected, submit};

#[tokio::test]
async fn an_enrollment_records_the_certificate_and_no_event() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let certificate = device.enroll(&world.service()).await;
    assert_eq!(world.certificates(&device).await, std::slice::from_ref(&certificate));
    assert_eq!(certificate.kind, RequestKind::Enrollment);
    assert_eq!(certificate.attempt_id(), None);
    assert_eq!(certificate.device_name.as_str(), "gateway-1");
    assert!(world.events().await.is_empty());
    assert_eq!(world.open_requests().await, 0);
}

#[tokio::test]
async fn a_grant_for_one_device_enrolls_no_other() {
    let world = World::new();
    let service = world.service();
    let grant = |name| Credential::Enrollment(EnrollmentGrant::for_device(DeviceName::new(name).unwrap()));
    let device = Device::named("gateway-1");
    let refused = submit(&service, &device.csr(), grant("gateway-2")).await;
    assert_rejected(refused, Reason::EnrollmentNameMismatch);
    assert!(world.certificates(&device).await.is_empty());
    assert!(submit(&service, &device.csr(), grant("gateway-1")).await.is_ok());
}

#[tokio::test]
async fn a_refused_enrollment_of_somebody_who_was_permitted_is_an_action_of_the_server() {
    let world = World::new();
    let service = world.service();
    let grant = Credential::Enrollment(EnrollmentGrant::for_device(DeviceName::new("gateway-1").unwrap()));
    assert_rejected(submit(&service, b"rubbish", grant).await, Reason::CsrMalformed);
    assert!(world.events().await.is_empty());
    assert_eq!(world.open_requests().await, 0);
    assert_eq!(service.unauthenticated_requests(), 0);
    let actions = world.actions().await;
    let [refused] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((refused.kind, &refused.actor), (ActionKind::EnrollmentRefused, &Actor::Server));
    assert_eq!(refused.reason.as_ref().map(ReasonCode::as_str), Some("csr_malformed"));
    assert_eq!(refused.device_id, Some(Device::named("gateway-1").id()));
}
