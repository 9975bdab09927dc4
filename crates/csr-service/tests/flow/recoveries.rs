//! A device whose certificate has expired asks for a new one.

use csr_service::{ApprovalMode, Outcome, Reason};
use renewal_domain::RequestKind;

use crate::support::{Device, ORG, World, assert_rejected, by, days, issued, presenting, profile, submit};

#[tokio::test]
async fn a_device_within_the_grace_period_recovers() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    world.clock.set(first.not_after + days(29));
    let recovered = issued(device.renew(&service, &first).await.unwrap()).certificate;
    assert_eq!(recovered.kind, RequestKind::Recovery);
    assert_eq!(world.story().await, ["recovery_start", "recovery_success"]);
}

#[tokio::test]
async fn a_device_that_expired_too_long_ago_is_refused_and_recorded() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    world.clock.set(first.not_after + days(31));
    assert_rejected(device.renew(&service, &first).await, Reason::ExpiredTooLong);
    assert_eq!(world.story().await, ["recovery_start", "recovery_failed: expired_too_long"]);
    let message = world.events().await.pop().unwrap().error_message().unwrap().to_owned();
    assert!(message.contains("31 days ago"), "{message}");
}

#[tokio::test]
async fn the_last_second_of_validity_is_a_renewal_and_the_next_a_recovery() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    world.clock.set(first.not_after);
    issued(device.renew(&service, &first).await.unwrap());
    world.clock.set(first.not_after + chrono::TimeDelta::seconds(1));
    issued(device.rekeyed().renew(&service, &first).await.unwrap());
    assert_eq!(
        world.story().await,
        ["renewal_start", "renewal_success", "recovery_start", "recovery_success"]
    );
}

#[tokio::test]
async fn a_recovery_approved_after_the_grace_period_still_reaches_the_device() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Recovery, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let csr = device.csr();
    let ask = || submit(&service, &csr, presenting(&first.der));
    world.clock.set(first.not_after + days(28));
    let Outcome::Pending(pending) = ask().await.unwrap() else { panic!("it waits for a person") };
    world.clock.advance(days(5));
    assert_eq!(ask().await.unwrap(), Outcome::Pending(pending), "asked for in time");
    let approved = issued(service.approve(ORG, pending.request_id, &by()).await.unwrap());
    assert_eq!(issued(ask().await.unwrap()).certificate, approved.certificate);
    assert_eq!(world.story().await, ["recovery_start", "recovery_success"]);
}
