//! A device that is blocked, and an organisation that is suspended, get no certificates.

use csr_service::{ApprovalMode, Outcome, Reason};
use renewal_domain::{ActionKind, Actor, RequestKind};

use crate::support::{Device, ORG, World, assert_rejected, by, days, issued, profile};

#[tokio::test]
async fn a_blocked_device_neither_enrolls_nor_renews_nor_recovers_until_it_is_unblocked() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert!(service.block_device(ORG, device.id(), "stolen", &by()).await.unwrap());
    assert!(!service.block_device(ORG, device.id(), "again", &by()).await.unwrap());

    let refused = device.renew(&service, &first).await.unwrap();
    let message = crate::support::rejected(refused).message();
    assert!(message.contains("stolen"), "{message}");
    assert_rejected(device.rekeyed().ask_to_enroll(&service).await, Reason::DeviceBlocked);
    world.clock.set(first.not_after + days(1));
    assert_rejected(device.renew(&service, &first).await, Reason::DeviceBlocked);
    let neighbour = Device::named("gateway-2");
    neighbour.enroll(&service).await;

    assert!(service.unblock_device(ORG, device.id(), "found", &by()).await.unwrap());
    assert!(!service.unblock_device(ORG, device.id(), "", &by()).await.unwrap());
    issued(device.renew(&service, &first).await.unwrap());
    let kinds = world.action_kinds().await;
    assert_eq!(
        kinds,
        [ActionKind::DeviceBlocked, ActionKind::EnrollmentRefused, ActionKind::DeviceUnblocked]
    );
    let blocked = &world.actions().await[0];
    assert_eq!(blocked.actor, Actor::CommandLine { user: "alice".into(), host: "desk".into() });
    assert_eq!((blocked.note.as_str(), blocked.device_id), ("stolen", Some(device.id())));
}

#[tokio::test]
async fn a_repeated_request_of_a_blocked_device_is_not_answered() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let csr = device.csr();
    let ask = async || {
        let credential = crate::support::presenting(&first.der);
        crate::support::submit(&service, &csr, credential).await
    };
    issued(ask().await.unwrap());
    service.block_device(ORG, device.id(), "", &by()).await.unwrap();
    assert_rejected(ask().await, Reason::DeviceBlocked);
    // However late it asks again.
    world.clock.set(first.not_after + days(31));
    assert_rejected(ask().await, Reason::DeviceBlocked);
}

#[tokio::test]
async fn a_device_that_was_blocked_while_it_waited_is_not_approved() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    service.block_device(ORG, device.id(), "stolen", &by()).await.unwrap();
    assert_rejected(service.approve(ORG, pending.request_id, &by()).await, Reason::DeviceBlocked);
    let approved = world.actions().await.pop().unwrap();
    assert_eq!(approved.kind, ActionKind::RequestApproved);
    assert_eq!(approved.reason.unwrap().as_str(), "device_blocked", "the approval came to nothing");
    world.assert_all_ended().await;
}

#[tokio::test]
async fn a_suspended_organisation_gets_no_certificates() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    assert!(service.suspend_organisation(ORG, "an incident", &by()).await.unwrap());
    assert_rejected(device.renew(&service, &first).await, Reason::OrganisationSuspended);
    assert_rejected(Device::named("gateway-2").ask_to_enroll(&service).await, Reason::OrganisationSuspended);
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: organisation_suspended"]);
    assert!(service.resume_organisation(ORG, "", &by()).await.unwrap());
    issued(device.renew(&service, &first).await.unwrap());
}
