//! A client that lost its answer asks again.

use std::time::Duration;

use csr_service::{ApprovalMode, Outcome};
use futures::future::join_all;
use renewal_domain::{RequestKind, RequestState};

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{Device, World, days, issued, profile};

#[tokio::test]
async fn the_same_request_gets_the_same_certificate_and_writes_nothing() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let csr = device.csr();
    let enrolled = device.enroll(&service).await;
    let submit = async |credential| crate::support::submit(&service, &csr, credential).await.unwrap();
    let first = issued(submit(crate::support::presenting(&enrolled.der)).await);
    assert!(!first.repeated);
    for _ in 0..3 {
        world.clock.advance(days(1));
        let again = issued(submit(crate::support::presenting(&enrolled.der)).await);
        assert!(again.repeated);
        assert_eq!(again.certificate, first.certificate);
    }
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
    let next = issued(submit(crate::support::presenting(&first.certificate.der)).await);
    assert!(!next.repeated, "another certificate presented is another request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_many_times_at_once_makes_one_certificate() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let csr = device.csr();
    let enrolled = device.enroll(&service).await;
    let ask = || crate::support::submit(&service, &csr, crate::support::presenting(&enrolled.der));
    for outcome in join_all((0..64).map(|_| ask())).await {
        assert!(matches!(outcome.unwrap(), Outcome::Issued(_) | Outcome::Pending(_)));
    }
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
    assert_eq!(world.certificates(&device).await.len(), 2);
}

#[tokio::test]
async fn a_request_that_nobody_finished_says_that_it_is_being_signed() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let first = device.enroll(&world.service()).await;
    let csr = device.csr();
    let ask = async |service| {
        let credential = crate::support::presenting(&first.der);
        crate::support::submit(service, &csr, credential).await.unwrap()
    };
    // It hangs when the certificate is to be recorded.
    let store = failing_store(world.store.clone(), 1, Fault::HangBefore);
    let stuck = world.builder(profile(), store).build();
    let waited = tokio::time::timeout(Duration::from_millis(100), ask(&stuck)).await;
    assert!(waited.is_err(), "it hangs");
    let Outcome::Pending(pending) = ask(&world.service()).await else { panic!("it was left open") };
    assert_eq!(pending.state, RequestState::Signing);

    let manual = world.service_with(profile().approval(RequestKind::Renewal, ApprovalMode::Manual));
    let other = Device::named("gateway-2");
    let first = other.enroll(&manual).await;
    let Outcome::Pending(pending) = other.renew(&manual, &first).await.unwrap() else {
        panic!("it waits for a person")
    };
    assert_eq!(pending.state, RequestState::Pending);
}
