//! History is pruned, while devices renew.

use std::time::Duration;

use csr_service::{CrlIssuer, PruneProgress, Pruned, Reason, Retention, prune};
use renewal_domain::{Clock, RevocationReason, Stores};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::store_that_fails::{Fault, failing_store};
use crate::support::{DAY, Device, ORG, World, assert_rejected, days, issued, profile};

const CRL_VALIDITY: Duration = Duration::from_hours(72);

fn retention(older_than: u32) -> Retention {
    Retention::new(DAY * older_than, 1, &profile().build().unwrap(), CRL_VALIDITY).unwrap()
}

/// Walks through the ledger; what was removed, and how far the walk was after each step.
async fn pruned(world: &World, older_than: u32, dry_run: bool) -> (Pruned, Vec<PruneProgress>) {
    let mut steps = Vec::new();
    let rule = retention(older_than).rule(world.clock.now(), dry_run);
    let done = prune(&*world.store, ORG, &rule, |step| steps.push(*step)).await.unwrap();
    (done, steps)
}

#[tokio::test]
async fn a_device_that_renewed_for_years_keeps_its_last_ones() {
    let world = World::new();
    let service = world.service();
    let device = Device::named("gateway-1");
    let mut current = device.enroll(&service).await;
    for _ in 0..6 {
        world.clock.advance(days(60));
        current = issued(device.renew(&service, &current).await.unwrap()).certificate;
    }
    let counted = pruned(&world, 100, true).await.0;
    assert_eq!(world.events().await.len(), 12);
    let (removed, steps) = pruned(&world, 100, false).await;
    assert_eq!(removed, counted);
    // Of six attempts two are younger; of seven certificates, which are good for 90 days, three
    // expired 100 days ago.
    assert_eq!((removed.attempts(), removed.events, removed.certificates), (4, 8, 3));
    assert_eq!(world.story().await, ["renewal_start", "renewal_success", "renewal_start", "renewal_success"]);
    assert_eq!(steps.last().unwrap().so_far, removed);
    assert!(steps.is_sorted_by(|one, next| one.done <= next.done), "{steps:?}");
    assert!((steps.last().unwrap().done - 1.0).abs() < f64::EPSILON, "{steps:?}");

    // Years later the last one is there, and nothing else.
    world.clock.advance(days(4_000));
    pruned(&world, 100, false).await;
    assert_eq!(world.story().await, ["renewal_start", "renewal_success"]);
    assert_eq!(world.certificates(&device).await.len(), 1);
    assert_eq!(pruned(&world, 100, false).await.0, Pruned { looked_at: 3, ..Pruned::default() });
}

#[tokio::test]
async fn a_revoked_certificate_stays_until_it_has_left_the_list_and_cannot_recover() {
    let world = World::new();
    let service = world.service_with(profile().grace(DAY));
    let issuer = CrlIssuer::from_pem(world.authority.certificate_pem(), world.authority.key_pem()).unwrap();
    let device = Device::named("gateway-1");
    let first = device.enroll(&service).await;
    service.revoke(ORG, &first.serial, RevocationReason::KeyCompromise).await.unwrap();
    let listed = async || {
        let list = service.revocation_list(&issuer, &[ORG], CRL_VALIDITY).await.unwrap();
        let (_, list) = CertificateRevocationList::from_der(list.der()).unwrap();
        list.iter_revoked_certificates().count()
    };
    // The profile by which it is pruned lets devices recover for 30 days.
    world.clock.set(first.not_after);
    for day in 0..34 {
        let before = listed().await;
        assert_eq!(before, usize::from(day <= 3), "it is listed for one more validity of a list");
        pruned(&world, 1, false).await;
        assert_eq!(listed().await, before);
        let there = !world.certificates(&device).await.is_empty();
        assert_eq!(there, day <= 30, "{day}");
        if there {
            assert_rejected(device.renew(&world.service(), &first).await, Reason::CertificateRevoked);
        }
        world.clock.advance(days(1));
    }
}

#[tokio::test]
async fn a_walk_that_fails_has_removed_what_it_removed_and_is_begun_again() {
    let world = World::new();
    let device = Device::named("gateway-1");
    let mut current = device.enroll(&world.service()).await;
    for _ in 0..12 {
        world.clock.advance(days(1));
        current = issued(device.renew(&world.service(), &current).await.unwrap()).certificate;
    }
    world.clock.advance(days(10));
    let rule = retention(5).rule(world.clock.now(), false);
    let failing: Stores = failing_store(world.store.clone(), 3, Fault::FailBefore).into();
    let mut removed = 0;
    let count = |step: &PruneProgress| removed = step.so_far.events;
    prune(&*failing.retention, ORG, &rule, count).await.unwrap_err();
    assert!(removed > 0 && removed < 22, "{removed}");
    assert_eq!(world.events().await.len() as u64, 24 - removed);
    let rest = prune(&*world.store, ORG, &rule, |_| ()).await.unwrap();
    assert_eq!(rest.events + removed, 22);
}
