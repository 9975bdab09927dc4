//! A person decides.

use csr_service::{ApprovalMode, CsrService, Outcome, Pending, ServiceError};
use futures::future::join_all;
use renewal_domain::{CertificateRecord, RequestKind};

use crate::support::{Device, ORG, World, by, issued, profile};

/// A service that asks a person about renewals, and a device whose renewal waits.
async fn waiting() -> (World, CsrService, Device, CertificateRecord, Pending) {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    let Outcome::Pending(pending) = device.renew(&service, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    (world, service, device, first, pending)
}

#[tokio::test]
async fn an_approved_request_is_answered_when_it_is_repeated() {
    let (world, service, _device, first, pending) = waiting().await;
    assert_eq!(world.story().await, ["renewal_start"]);
    let open = renewal_domain::IssuanceStore::open_request(&*world.store, ORG, pending.request_id).await;
    let csr = open.unwrap().unwrap().csr_der().to_vec();
    let approved = issued(service.approve(ORG, pending.request_id, &by()).await.unwrap());
    let repeated = crate::support::submit(&service, &csr, crate::support::presenting(&first.der)).await;
    let repeated = issued(repeated.unwrap());
    assert_eq!(repeated.certificate, approved.certificate);
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
}

#[tokio::test]
async fn a_denied_request_ends_with_the_note() {
    let (world, service, device, _, pending) = waiting().await;
    service.deny(ORG, pending.request_id, "not our device\n", &by()).await.unwrap();
    assert_eq!(world.story().await, ["renewal_start", "renewal_failed: denied"]);
    let failed = world.events().await.pop().unwrap();
    assert_eq!(failed.error_message(), Some("not our device\u{FFFD}"));
    assert_eq!(world.certificates(&device).await.len(), 1);
    world.assert_all_ended().await;
}

#[tokio::test]
async fn what_was_decided_cannot_be_decided_again() {
    let (_, service, _, _, pending) = waiting().await;
    service.deny(ORG, pending.request_id, "", &by()).await.unwrap();
    let error = service.approve(ORG, pending.request_id, &by()).await.unwrap_err();
    assert!(matches!(error, ServiceError::NoSuchRequest(id) if id == pending.request_id), "{error}");
    let error = service.deny(ORG, pending.request_id, "", &by()).await.unwrap_err();
    assert!(matches!(error, ServiceError::NoSuchRequest(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_decisions_at_once_one_counts() {
    let (world, service, device, _, pending) = waiting().await;
    let by = by();
    let approvals = join_all((0..16).map(|_| service.approve(ORG, pending.request_id, &by)));
    let denials = join_all((0..16).map(|_| service.deny(ORG, pending.request_id, "no", &by)));
    let (approvals, denials) = futures::join!(approvals, denials);
    let won = approvals.iter().filter(|r| r.is_ok()).count() + denials.iter().filter(|r| r.is_ok()).count();
    assert_eq!(won, 1);
    for error in
        approvals.into_iter().filter_map(Result::err).chain(denials.into_iter().filter_map(Result::err))
    {
        assert!(matches!(error, ServiceError::NoSuchRequest(_) | ServiceError::EndedMeanwhile(_)), "{error}");
    }
    assert_eq!(world.actions().await.len(), 1, "that of the decision that counts");
    world.assert_all_ended().await;
    world.assert_consistent(&[&device]).await;
}

#[tokio::test]
async fn an_enrollment_can_wait_for_a_person_too() {
    let world = World::new();
    let service = world.service_with(profile().approval(RequestKind::Enrollment, ApprovalMode::Manual));
    let device = Device::named("gateway-1");
    let csr = device.csr();
    let grant = || csr_service::Credential::Enrollment(csr_service::EnrollmentGrant::for_any_device());
    let Outcome::Pending(pending) = crate::support::submit(&service, &csr, grant()).await.unwrap() else {
        panic!("it waits for a person")
    };
    let again = crate::support::submit(&service, &csr, grant()).await.unwrap();
    assert_eq!(again, Outcome::Pending(pending));
    service.approve(ORG, pending.request_id, &by()).await.unwrap();
    let fetched = issued(crate::support::submit(&service, &csr, grant()).await.unwrap());
    assert!(fetched.repeated);
    assert!(world.events().await.is_empty());
}
