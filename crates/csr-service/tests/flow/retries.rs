//! A client that lost its answer asks again.

use csr_service::Outcome;
use futures::future::join_all;

use crate::support::{Device, World, days, issued};

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
