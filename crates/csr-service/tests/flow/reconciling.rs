//! What was left open is ended.

use csr_service::{ApprovalMode, Outcome, Reconciled, ServiceError};
use renewal_domain::RequestKind;

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{Device, ORG, World, by, days, profile};

#[tokio::test]
async fn an_abandoned_attempt_is_ended_once_it_is_old_enough() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    // The process dies when it is about to complete: call 0 opens.
    let dying = failing_store(world.store.clone(), 1, Fault::HangBefore);
    let service = world.builder(profile(), dying).build();
    let asked =
        tokio::time::timeout(std::time::Duration::from_millis(200), device.renew(&service, &first)).await;
    assert!(asked.is_err(), "the process never answered");

    let service = world.service();
    assert_eq!(service.reconcile(ORG).await.unwrap(), Reconciled::default(), "it may still be alive");
    world.clock.advance(chrono::TimeDelta::minutes(11));
    let ended = service.reconcile(ORG).await.unwrap();
    assert_eq!(ended, Reconciled { abandoned: 1, approval_expired: 0 });
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: abandoned"]);
    world.assert_all_ended().await;
    assert_eq!(service.reconcile(ORG).await.unwrap(), Reconciled::default());
}

#[tokio::test]
async fn a_request_that_nobody_decides_about_expires() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    world.clock.advance(days(6));
    assert_eq!(service.reconcile(ORG).await.unwrap(), Reconciled::default());
    world.clock.advance(days(2));
    assert_eq!(service.reconcile(ORG).await.unwrap(), Reconciled { abandoned: 0, approval_expired: 1 });
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: approval_expired"]);
    let error = service.approve(ORG, pending.request_id, &by()).await.unwrap_err();
    assert!(matches!(error, ServiceError::NoSuchRequest(_)));
}

#[tokio::test]
async fn more_open_requests_than_one_page_are_all_ended() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Enrollment, ApprovalMode::Manual));
    for n in 0..230 {
        Device::named(&format!("gateway-{n}")).ask_to_enroll(&service).await.unwrap();
    }
    assert_ne!(world.open_requests().await, 0);
    world.clock.advance(days(8));
    assert_eq!(service.reconcile(ORG).await.unwrap().approval_expired, 230);
    assert_eq!(world.open_requests().await, 0);
}
